package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;

import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.AuthenticationPolicy.MtlsMode;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.Workload;
import io.envoyproxy.envoy.config.core.v3.TrafficDirection;
import io.envoyproxy.envoy.config.listener.v3.AdditionalAddress;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.FilterChainMatch;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertDetails;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** What the application beside the proxy serves. */
final class InboundListeners {
  private static final int CAPTURE_PORT = 15006;

  private final DesiredState state;
  private final NodeDescription node;
  private final Clusters clusters;
  private final Filters filters;
  private final List<Listener> listeners = new ArrayList<>();

  InboundListeners(DesiredState state, NodeDescription node, Clusters clusters, Filters filters) {
    this.state = state;
    this.node = node;
    this.clusters = clusters;
    this.filters = filters;
  }

  List<Listener> listeners() {
    return listeners;
  }

  /** One listener for everything that the kernel redirects. */
  void transparent(Workload workload) {
    List<FilterChain> chains = new ArrayList<>();
    for (Workload.Port port : served(workload)) {
      FilterChainMatch match =
          FilterChainMatch.newBuilder().setDestinationPort(Protos.number(port.port())).build();
      chains.addAll(
          chains(
              Names.inbound(port.port()),
              match,
              protocolOf(workload, port),
              Policies.mtls(state, workload, port.port()),
              () -> clusters.inboundOriginal(port, protocolOf(workload, port))));
    }
    chains.addAll(
        chains(
            Names.INBOUND_PASSTHROUGH,
            FilterChainMatch.getDefaultInstance(),
            AppProtocol.TCP,
            Policies.mtls(state, workload, 0),
            clusters::inboundPassthrough));
    if (chains.isEmpty()) {
      return;
    }
    Listener.Builder listener =
        listener("inbound", "0.0.0.0", CAPTURE_PORT)
            .addListenerFilters(Filters.originalDestination())
            .addAllFilterChains(chains);
    if (workload.addresses().stream().anyMatch(address -> address.indexOf(':') >= 0)) {
      listener.addAdditionalAddresses(
          AdditionalAddress.newBuilder().setAddress(Protos.address("::", CAPTURE_PORT)));
    }
    add(listener);
  }

  /**
   * The ports that the workload declares, then those where services in front of it find it: what
   * the containers of a pod list need not be all that they serve.
   */
  private Collection<Workload.Port> served(Workload workload) {
    Map<Integer, Workload.Port> served = new LinkedHashMap<>();
    workload.ports().forEach(port -> served.put(port.port(), port));
    for (Service service : state.servicesOf(workload)) {
      for (Service.Port port : service.ports()) {
        if (port.transport() == Service.Transport.TCP) {
          service
              .portOn(port, workload)
              .ifPresent(
                  number ->
                      served.computeIfAbsent(
                          number, _ -> new Workload.Port("", number, number, "")));
        }
      }
    }
    return served.values();
  }

  /** A listener for each port. */
  void explicit(Workload workload, Workload.Sidecar.Explicit sidecar) {
    for (Workload.Port port : workload.ports()) {
      String name = Names.inbound(port.port());
      List<FilterChain> chains =
          chains(
              name,
              FilterChainMatch.getDefaultInstance(),
              protocolOf(workload, port),
              Policies.mtls(state, workload, port.port()),
              () -> clusters.inboundStatic(port, protocolOf(workload, port), sidecar.appAddress()));
      if (chains.isEmpty()) {
        continue;
      }
      Listener.Builder listener =
          listener(name, workload.addresses().getFirst(), port.port()).addAllFilterChains(chains);
      for (String address : workload.addresses().subList(1, workload.addresses().size())) {
        listener.addAdditionalAddresses(
            AdditionalAddress.newBuilder().setAddress(Protos.address(address, port.port())));
      }
      add(listener);
    }
  }

  private void add(Listener.Builder listener) {
    listeners.add(
        listener
            .addAllListenerFilters(Filters.inspectors())
            .setListenerFiltersTimeout(duration(state.mesh().detectionTimeout()))
            .setContinueOnListenerFiltersTimeout(true)
            .build());
  }

  private static Listener.Builder listener(String name, String host, int port) {
    return Listener.newBuilder()
        .setName(name)
        .setAddress(Protos.address(host, port))
        .setTrafficDirection(TrafficDirection.INBOUND);
  }

  /** What the workload says of its port, otherwise what a service in front of it says. */
  private AppProtocol protocolOf(Workload workload, Workload.Port port) {
    AppProtocol protocol = AppProtocol.of(port.appProtocol(), port.name());
    for (Service service : state.servicesOf(workload)) {
      for (Service.Port one : service.ports()) {
        if (one.transport() != Service.Transport.TCP) {
          continue; // Its number may be that of a TCP port, which speaks something else.
        }
        OptionalInt number = service.portOn(one, workload);
        boolean here = number.isPresent() && number.getAsInt() == port.port();
        if (here && service.opaquePorts().contains(one.port())) {
          return AppProtocol.TCP;
        }
        if (here && protocol == AppProtocol.DETECT) {
          protocol = service.protocolOf(one, state.mesh().opaquePorts());
        }
      }
    }
    return protocol == AppProtocol.DETECT && state.mesh().opaquePorts().contains(port.port())
        ? AppProtocol.TCP
        : protocol;
  }

  /** The name of the cluster, which is made when it is asked for. */
  @FunctionalInterface
  private interface ClusterName {
    String get();
  }

  /**
   * Members of the mesh say by ALPN what they send. Others may come in plain text where the mode
   * lets them, and with TLS of their own, which is not for us to end. There is a chain for each
   * kind of beginning, since xDS does not go back once it has found one.
   */
  private List<FilterChain> chains(
      String name,
      FilterChainMatch match,
      AppProtocol protocol,
      MtlsMode mode,
      ClusterName cluster) {
    List<FilterChain> chains = new ArrayList<>();
    boolean bytes = protocol == AppProtocol.TCP || protocol == AppProtocol.TLS;
    if (node.meshTls() == NodeDescription.MeshTls.AVAILABLE) {
      if (!bytes || name.equals(Names.INBOUND_PASSTHROUGH)) {
        chains.add(
            mesh(name + "|mesh-h2", match, Names.ALPN_HTTP2)
                .addFilters(
                    filters.inboundHttp(
                        name,
                        cluster.get(),
                        protocol,
                        CodecType.HTTP2,
                        ForwardClientCertDetails.SANITIZE_SET))
                .build());
        chains.add(
            mesh(name + "|mesh-http", match, Names.ALPN_HTTP)
                .addFilters(
                    filters.inboundHttp(
                        name,
                        cluster.get(),
                        protocol,
                        CodecType.AUTO,
                        ForwardClientCertDetails.SANITIZE_SET))
                .build());
      }
      chains.add(
          mesh(name + "|mesh-tcp", match, Names.ALPN_TCP)
              .addFilters(filters.tcp(name, cluster.get()))
              .build());
    }
    if (mode == MtlsMode.STRICT) {
      return chains;
    }
    if (!bytes) {
      FilterChainMatch.Builder plain = match.toBuilder().setTransportProtocol("raw_buffer");
      if (protocol == AppProtocol.DETECT) {
        plain.addAllApplicationProtocols(OutboundListeners.detected(node));
      }
      chains.add(
          chain(name + "|http", plain)
              .addFilters(
                  filters.inboundHttp(
                      name,
                      cluster.get(),
                      protocol,
                      CodecType.AUTO,
                      ForwardClientCertDetails.SANITIZE))
              .build());
    }
    if (!protocol.isHttp()) {
      chains.add(
          chain(name + "|raw", match.toBuilder().setTransportProtocol("raw_buffer"))
              .addFilters(filters.tcp(name, cluster.get()))
              .build());
    }
    chains.add(
        chain(name + "|tls", match.toBuilder().setTransportProtocol("tls"))
            .addFilters(filters.tcp(name, cluster.get()))
            .build());
    return chains;
  }

  private FilterChain.Builder mesh(String name, FilterChainMatch match, String alpn) {
    return chain(name, match.toBuilder().setTransportProtocol("tls").addApplicationProtocols(alpn))
        .setTransportSocket(TransportSockets.inbound(state.mesh().trustDomain(), alpn));
  }

  private static FilterChain.Builder chain(String name, FilterChainMatch.Builder match) {
    return FilterChain.newBuilder().setName(name).setFilterChainMatch(match);
  }
}
