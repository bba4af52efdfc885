package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;

import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
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
    @Nullable List<ServiceName> calls = workload.calls();
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
    }
    Listener.Builder listener =
        listener("outbound", "0.0.0.0", CAPTURE_PORT)
            .addListenerFilters(Filters.originalDestination())
            .addAllFilterChains(chains)
            .setDefaultFilterChain(
                FilterChain.newBuilder()
                    .setName(Names.PASSTHROUGH)
                    .addFilters(filters.tcp(Names.PASSTHROUGH, clusters.passthrough())));
    if (workload.addresses().stream().anyMatch(address -> address.indexOf(':') >= 0)) {
      listener.addAdditionalAddresses(
          AdditionalAddress.newBuilder().setAddress(Protos.address("::", CAPTURE_PORT)));
    }
    inspect(listener, detected);
    listeners.add(listener.build());
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
    if (clusters.protocolOf(service, port) == AppProtocol.DETECT) {
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
    return switch (clusters.protocolOf(service, port)) {
      case HTTP, HTTP2, GRPC -> List.of(chain(name, match, httpFilter(name, service, port, only)));
      case TCP, TLS -> List.of(chain(name, match, tcpFilter(name, service, port, only)));
      case DETECT ->
          List.of(
              chain(
                  name + "|http",
                  match
                      .clone()
                      .setTransportProtocol("raw_buffer")
                      .addAllApplicationProtocols(detected(node)),
                  httpFilter(name, service, port, only)),
              chain(
                  name + "|raw",
                  match.clone().setTransportProtocol("raw_buffer"),
                  tcpFilter(name, service, port, only)),
              chain(
                  name + "|tls",
                  match.clone().setTransportProtocol("tls"),
                  tcpFilter(name, service, port, only)));
    };
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
                    VirtualHost.newBuilder()
                        .setName(service.serviceName() + ":" + port.port())
                        .addDomains("*")
                        .addAllRoutes(routesOf(service, port, only)))
                .build());
    return filters.outboundHttp(name, name);
  }

  private List<Route> routesOf(Service service, Service.Port port, @Nullable Workload only) {
    RouteTables tables =
        new RouteTables(
            node.implementation(),
            Policies.traffic(state, service.serviceName(), port.port()),
            clusters.protocolOf(service, port));
    List<HttpRoute> about =
        only == null
            ? Policies.routes(state, service.serviceName(), port.port(), node.namespace())
            // Whoever calls one certain workload gets that one.
            : List.of();
    return about.isEmpty()
        ? tables.plain(clusters.http(service, port, only))
        : tables.of(about, clusters);
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
      String name = "outbound|" + tcp.listen() + "|" + service.serviceName();
      listeners.add(
          listener(name, tcp.listen().host(), tcp.listen().port())
              .addFilterChains(
                  FilterChain.newBuilder()
                      .setName(name)
                      .addFilters(tcpFilter(name, service, port.get(), null)))
              .build());
    }
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
              VirtualHost.newBuilder()
                  .setName(service.serviceName() + ":" + port.port())
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
