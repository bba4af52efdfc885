package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;

import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.GoverningRoutes;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.TlsRoute;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.config.core.v3.TrafficDirection;
import io.envoyproxy.envoy.config.listener.v3.AdditionalAddress;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.FilterChainMatch;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What the application beside the proxy calls. */
final class OutboundListeners {
  private static final int CAPTURE_PORT = 15001;

  private static final List<String> HTTP1 = List.of("http/1.0", "http/1.1");
  private static final List<String> HTTP = List.of("http/1.0", "http/1.1", "h2c");

  private final DesiredState state;
  private final NodeDescription node;
  private final Clusters clusters;
  private final Filters filters;
  private final Map<String, RouteConfiguration> routes = new TreeMap<>();
  private final List<Listener> listeners = new ArrayList<>();

  OutboundListeners(DesiredState state, NodeDescription node, Clusters clusters, Filters filters) {
    this.state = state;
    this.node = node;
    this.clusters = clusters;
    this.filters = filters;
  }

  /**
   * What the inspectors are to look for where nothing is declared. An Envoy passes HTTP/2 on as
   * bytes there.
   */
  static List<String> detected(NodeDescription node) {
    return node.implementation() == Implementation.OUTRIGGER ? HTTP : HTTP1;
  }

  List<Listener> listeners() {
    return listeners;
  }

  Map<String, RouteConfiguration> routes() {
    return routes;
  }

  /** The services that the workload may call, or all; in a fixed order. */
  private List<Service> visible(Workload workload) {
    return visible(state, workload.calls());
  }

  /**
   * The services that are called, in a fixed order.
   *
   * @param calls null is all
   */
  static List<Service> visible(DesiredState state, @Nullable List<ServiceName> calls) {
    return calls == null
        ? state.services()
        : state.services().stream()
            .filter(service -> calls.contains(service.serviceName()))
            .toList();
  }

  private static List<Service.Port> tcpPorts(Service service) {
    return service.ports().stream()
        .filter(port -> port.transport() == Service.Transport.TCP)
        .toList();
  }

  // ---- transparent capture

  /** One listener for everything that the kernel redirects. */
  void transparent(Workload workload) {
    List<FilterChain> chains = new ArrayList<>();
    Set<Integer> detected = new TreeSet<>();
    Set<String> taken = new HashSet<>();
    for (Service service : visible(workload)) {
      chains.addAll(chainsOf(service, taken, detected));
    }
    listeners.add(captured(chains, detected, hasIpv6(workload)));
  }

  /** Whether its proxy listens on IPv6 as well. */
  static boolean hasIpv6(Workload workload) {
    return workload.addresses().stream().anyMatch(address -> address.indexOf(':') >= 0);
  }

  /**
   * What is captured of the calls of one service.
   *
   * @param taken addresses with their ports that are somebody's already; takes those of this one
   * @param detected takes the ports where it depends on the first bytes what is done
   */
  List<FilterChain> chainsOf(Service service, Set<String> taken, Set<Integer> detected) {
    List<FilterChain> chains = new ArrayList<>();
    for (Service.Port port : tcpPorts(service)) {
      List<String> own =
          service.clusterIps().stream()
              .filter(address -> taken.add(address + " " + port.port()))
              .toList();
      if (!own.isEmpty()) {
        chains.addAll(chains(service, port, null, own, port.port(), detected));
      }
      if (service.clusterIps().isEmpty()) {
        headless(service, port, taken, detected, chains);
      }
    }
    return chains;
  }

  /** The listener of all of them. */
  Listener captured(List<FilterChain> chains, Set<Integer> detected, boolean ipv6) {
    Listener.Builder listener =
        listener("outbound", "0.0.0.0", CAPTURE_PORT)
            .addListenerFilters(Filters.originalDestination())
            .addAllFilterChains(chains)
            .setDefaultFilterChain(
                FilterChain.newBuilder()
                    .setName(Names.PASSTHROUGH)
                    .addFilters(filters.tcp(Names.PASSTHROUGH, clusters.passthrough())));
    if (ipv6) {
      listener.addAdditionalAddresses(
          AdditionalAddress.newBuilder().setAddress(Protos.address("::", CAPTURE_PORT)));
    }
    inspect(listener, detected);
    return listener.build();
  }

  /** Without an address of its own, whoever calls means one certain workload. */
  private void headless(
      Service service,
      Service.Port port,
      Set<String> taken,
      Set<Integer> detected,
      List<FilterChain> chains) {
    for (Workload workload : state.workloadsOf(service)) {
      if (service.portOn(port, workload).isEmpty()) {
        continue;
      }
      int number = service.portOn(port, workload).getAsInt();
      List<String> free =
          workload.addresses().stream().filter(a -> taken.add(a + " " + number)).toList();
      if (!free.isEmpty()) {
        chains.addAll(chains(service, port, workload, free, number, detected));
      }
    }
  }

  private List<FilterChain> chains(
      Service service,
      Service.Port port,
      @Nullable Workload only,
      List<String> addresses,
      int number,
      Set<Integer> detected) {
    FilterChainMatch.Builder match = FilterChainMatch.newBuilder();
    addresses.forEach(address -> match.addPrefixRanges(Protos.only(address)));
    match.setDestinationPort(Protos.number(number));
    if (looksAtBytes(service, port, only)) {
      detected.add(number);
    }
    String name = Names.outbound(service.serviceName(), port.port());
    return chains(
        service, port, only, only == null ? name : name + "|" + only.meta().name(), match);
  }

  private List<FilterChain> chains(
      Service service,
      Service.Port port,
      @Nullable Workload only,
      String name,
      FilterChainMatch.Builder match) {
    AppProtocol protocol = clusters.protocolOf(service, port);
    if (protocol.isHttp()) {
      return List.of(chain(name, match, httpFilter(name, service, port, only)));
    }
    GoverningRoutes governing = governing(service, port, only);
    if (governing instanceof GoverningRoutes.OfConnections connections) {
      return List.of(chain(name, match, shared(name, connections.route().backends())));
    }
    if (protocol != AppProtocol.DETECT && !(governing instanceof GoverningRoutes.OfNames)) {
      return List.of(chain(name, match, tcpFilter(name, service, port, only)));
    }
    List<FilterChain> chains = new ArrayList<>();
    if (protocol == AppProtocol.DETECT) {
      chains.add(
          chain(
              name + "|http",
              match
                  .clone()
                  .setTransportProtocol("raw_buffer")
                  .addAllApplicationProtocols(detected(node)),
              httpFilter(name, service, port, only)));
    }
    chains.add(
        chain(
            name + "|raw",
            match.clone().setTransportProtocol("raw_buffer"),
            tcpFilter(name, service, port, only)));
    FilterChainMatch.Builder tls = match.clone().setTransportProtocol("tls");
    if (governing instanceof GoverningRoutes.OfNames names) {
      for (TlsRoute route : names.routes()) {
        String own = name + "|tls|" + route.meta().namespace() + "/" + route.meta().name();
        chains.add(
            chain(
                own,
                tls.clone().addAllServerNames(route.hostnames()),
                shared(own, route.backends())));
      }
      // Names that no route knows are refused, as requests that no rule matches are.
      chains.add(chain(name + "|tls", tls, filters.tcp(name, clusters.nowhere())));
    } else {
      chains.add(chain(name + "|tls", tls, tcpFilter(name, service, port, only)));
    }
    return chains;
  }

  /** Whether it depends on the first bytes of a connection where it goes. */
  private boolean looksAtBytes(Service service, Service.Port port, @Nullable Workload only) {
    return switch (governing(service, port, only)) {
      case GoverningRoutes.OfNames _ -> true;
      case GoverningRoutes.OfConnections _ -> false;
      case GoverningRoutes.None _, GoverningRoutes.OfCalls _, GoverningRoutes.OfRequests _ ->
          clusters.protocolOf(service, port) == AppProtocol.DETECT;
    };
  }

  private GoverningRoutes governing(Service service, Service.Port port, @Nullable Workload only) {
    // Whoever calls one certain workload gets that one.
    return only == null
        ? GoverningRoutes.of(state, service, port, node.namespace())
        : new GoverningRoutes.None();
  }

  /** Connections by the weights of backends; the share of those that do not exist is refused. */
  private Filter shared(String name, List<Backend> backends) {
    Map<String, Integer> weights = new LinkedHashMap<>();
    for (Backend backend : backends) {
      if (backend.weight() > 0) {
        weights.merge(clusters.connections(backend), backend.weight(), Integer::sum);
      }
    }
    return weights.isEmpty() ? filters.tcp(name, clusters.nowhere()) : filters.tcp(name, weights);
  }

  private static FilterChain chain(String name, FilterChainMatch.Builder match, Filter filter) {
    return FilterChain.newBuilder()
        .setName(name)
        .setFilterChainMatch(match)
        .addFilters(filter)
        .build();
  }

  private Filter tcpFilter(
      String name, Service service, Service.Port port, @Nullable Workload only) {
    return filters.tcp(name, clusters.tcp(service, port, only));
  }

  private Filter httpFilter(
      String name, Service service, Service.Port port, @Nullable Workload only) {
    routes.computeIfAbsent(
        name,
        _ ->
            RouteConfiguration.newBuilder()
                .setName(name)
                .addVirtualHosts(
                    host(service, port).addDomains("*").addAllRoutes(routesOf(service, port, only)))
                .build());
    return filters.outboundHttp(name, name);
  }

  /** With what is called by its names, for faults: its routes may send to other services. */
  private static VirtualHost.Builder host(Service service, Service.Port port) {
    return VirtualHost.newBuilder()
        .setName(service.serviceName() + ":" + port.port())
        .setMetadata(
            Metadata.newBuilder()
                .putFilterMetadata(
                    Names.OWN,
                    Protos.struct(
                        Map.of(
                            "service", service.meta().name(),
                            "namespace", service.meta().namespace()))));
  }

  private List<Route> routesOf(Service service, Service.Port port, @Nullable Workload only) {
    @Nullable TrafficPolicy policy = Policies.traffic(state, service.serviceName(), port.port());
    AppProtocol protocol = clusters.protocolOf(service, port);
    return switch (governing(service, port, only)) {
      case GoverningRoutes.OfCalls calls ->
          new RouteTables(node.implementation(), policy, AppProtocol.GRPC)
              .of(calls.routes(), clusters);
      case GoverningRoutes.OfRequests requests ->
          new RouteTables(node.implementation(), policy, protocol).of(requests.routes(), clusters);
      case GoverningRoutes.None _, GoverningRoutes.OfNames _, GoverningRoutes.OfConnections _ ->
          new RouteTables(node.implementation(), policy, protocol)
              .plain(clusters.http(service, port, only));
    };
  }

  // ---- explicit listeners

  /** A listener for requests by their Host, and one for each TCP service asked for. */
  void explicit(Workload workload, Workload.Sidecar.Explicit sidecar) {
    if (sidecar.outbound() != null) {
      byHost(workload, sidecar.outbound());
    }
    Set<Workload.HostPort> taken = new HashSet<>();
    for (Workload.OutboundTcp tcp : sidecar.outboundTcp()) {
      @Nullable Service service = state.service(tcp.service());
      Optional<Service.Port> port =
          service == null ? Optional.empty() : Clusters.portOf(service, tcp.port());
      if (service == null || port.isEmpty() || !taken.add(tcp.listen())) {
        continue;
      }
      listeners.add(bytes(tcp.listen(), service, port.get()));
    }
  }

  /** Whatever comes is bytes to a service, or goes by a route of connections. */
  private Listener bytes(Workload.HostPort listen, Service service, Service.Port port) {
    String name = "outbound|" + listen + "|" + service.serviceName();
    Listener.Builder listener = listener(name, listen.host(), listen.port());
    GoverningRoutes governing = governing(service, port, null);
    if (governing instanceof GoverningRoutes.OfNames) {
      inspect(
          listener.addAllFilterChains(
              chains(service, port, null, name, FilterChainMatch.newBuilder())),
          Set.of(listen.port()));
      return listener.build();
    }
    Filter filter =
        governing instanceof GoverningRoutes.OfConnections connections
            ? shared(name, connections.route().backends())
            : tcpFilter(name, service, port, null);
    return listener
        .addFilterChains(FilterChain.newBuilder().setName(name).addFilters(filter))
        .build();
  }

  private void byHost(Workload workload, Workload.HostPort listen) {
    Set<String> taken = new HashSet<>();
    List<VirtualHost> hosts = new ArrayList<>();
    for (Service service : visible(workload)) {
      List<Service.Port> ports =
          tcpPorts(service).stream()
              .filter(port -> understands(clusters.protocolOf(service, port)))
              .toList();
      for (Service.Port port : ports) {
        boolean isDefault =
            port.port() == 80
                || ports.stream().noneMatch(other -> other.port() == 80)
                    && port.equals(ports.getFirst());
        List<String> domains =
            domains(service, port.port(), isDefault).stream().filter(taken::add).toList();
        if (!domains.isEmpty()) {
          hosts.add(
              host(service, port)
                  .addAllDomains(domains)
                  .addAllRoutes(routesOf(service, port, null))
                  .build());
        }
      }
    }
    routes.put(
        "outbound",
        RouteConfiguration.newBuilder().setName("outbound").addAllVirtualHosts(hosts).build());
    listeners.add(
        listener("outbound", listen.host(), listen.port())
            .addFilterChains(
                FilterChain.newBuilder()
                    .setName("outbound")
                    .addFilters(filters.outboundHttp("outbound", "outbound")))
            .build());
  }

  private static boolean understands(AppProtocol protocol) {
    return protocol.isHttp() || protocol == AppProtocol.DETECT;
  }

  private List<String> domains(Service service, int port, boolean isDefault) {
    String name = service.meta().name();
    String namespace = service.meta().namespace();
    List<String> names = new ArrayList<>();
    if (namespace.equals(node.namespace())) {
      names.add(name);
    }
    names.add(name + "." + namespace);
    names.add(name + "." + namespace + ".svc");
    names.add(name + "." + namespace + ".svc.cluster.local");
    for (String address : service.clusterIps()) {
      names.add(address.indexOf(':') >= 0 ? "[" + address + "]" : address);
    }
    List<String> domains = new ArrayList<>();
    for (String one : names) {
      if (isDefault) {
        domains.add(one);
      }
      domains.add(one + ":" + port);
    }
    return domains;
  }

  // ---- both

  private static Listener.Builder listener(String name, String host, int port) {
    return Listener.newBuilder()
        .setName(name)
        .setAddress(Protos.address(host, port))
        .setTrafficDirection(TrafficDirection.OUTBOUND);
  }

  private void inspect(Listener.Builder listener, Set<Integer> ports) {
    if (!ports.isEmpty()) {
      listener
          .addAllListenerFilters(filters.inspectors(ports))
          .setListenerFiltersTimeout(duration(state.mesh().detectionTimeout()))
          .setContinueOnListenerFiltersTimeout(true);
    }
  }
}
