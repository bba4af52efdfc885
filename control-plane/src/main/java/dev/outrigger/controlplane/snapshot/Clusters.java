package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;
import static dev.outrigger.controlplane.snapshot.Protos.number;

import com.google.protobuf.BoolValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import io.envoyproxy.envoy.config.cluster.v3.CircuitBreakers;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.cluster.v3.OutlierDetection;
import io.envoyproxy.envoy.config.core.v3.HealthCheck;
import io.envoyproxy.envoy.config.core.v3.HealthStatus;
import io.envoyproxy.envoy.config.core.v3.Http1ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.Locality;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.endpoint.v3.Endpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LocalityLbEndpoints;
import io.envoyproxy.envoy.type.v3.Int64Range;
import io.envoyproxy.envoy.type.v3.Percent;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The clusters that the listeners and routes of one proxy turn out to need, with their endpoints.
 * Asking for a cluster makes it.
 */
final class Clusters implements RouteTables.Backends {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  /** Below what application servers keep, so that a connection is rarely closed as it is reused. */
  private static final Duration APP_IDLE = Duration.ofSeconds(4);

  private static final Duration MESH_IDLE = Duration.ofSeconds(30);
  private static final String HTTP_OPTIONS =
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

  /** Says by which of a cluster's transport sockets an endpoint is reached. */
  private static final String SOCKET_MATCH = "envoy.transport_socket_match";

  /** What the bytes are to the cluster. */
  private enum Speech {
    HTTP1,
    HTTP2,
    /** What the client speaks, which is not known before. */
    AS_CLIENT,
    /** HTTP/2 to other proxies of the mesh, HTTP/1.1 to those who are alone. */
    NEGOTIATED,
    BYTES
  }

  private final DesiredState state;
  private final NodeDescription node;
  private final String zone;
  private final Set<ServiceName> looked = new HashSet<>();
  private final Map<String, Cluster> clusters = new TreeMap<>();
  private final Map<String, ClusterLoadAssignment> endpoints = new TreeMap<>();

  Clusters(DesiredState state, NodeDescription node) {
    this(state, node, zoneOf(state, node));
  }

  /**
   * For a node in a certain zone.
   *
   * @param zone empty where it is not known
   */
  Clusters(DesiredState state, NodeDescription node, String zone) {
    this.state = state;
    this.node = node;
    this.zone = zone;
  }

  /** Services that were looked for, whether they are there or not. */
  Set<ServiceName> looked() {
    return looked;
  }

  Collection<Cluster> clusters() {
    return clusters.values();
  }

  Collection<ClusterLoadAssignment> endpoints() {
    return endpoints.values();
  }

  /** What is spoken on a port. */
  AppProtocol protocolOf(Service service, Service.Port port) {
    return service.protocolOf(port, state.mesh().opaquePorts());
  }

  /** What requests are sent as to a port. */
  private Speech speech(AppProtocol protocol) {
    return switch (protocol) {
      case HTTP, TCP, TLS -> Speech.HTTP1;
      case HTTP2, GRPC -> Speech.HTTP2;
      // Envoy offers all names whatever it means to speak, so that it would be misunderstood.
      case DETECT ->
          node.implementation() == Implementation.OUTRIGGER ? Speech.AS_CLIENT : Speech.HTTP1;
    };
  }

  @Override
  public Optional<String> cluster(HttpRoute.Backend backend, RouteTables.Requests requests) {
    looked.add(backend.service());
    @Nullable Service service = state.service(backend.service());
    return service == null
        ? Optional.empty()
        : portOf(service, backend.port())
            .map(
                port ->
                    switch (requests) {
                      case OF_HTTP -> http(service, port, null);
                      case OF_GRPC -> grpc(service, port, null);
                    });
  }

  /** For whole connections; where there is no such service or port, to nobody. */
  String connections(HttpRoute.Backend backend) {
    looked.add(backend.service());
    @Nullable Service service = state.service(backend.service());
    return service == null
        ? nowhere()
        : portOf(service, backend.port())
            .map(port -> tcp(service, port, null))
            .orElseGet(this::nowhere);
  }

  static Optional<Service.Port> portOf(Service service, int number) {
    return service.ports().stream()
        .filter(port -> port.port() == number && port.transport() == Service.Transport.TCP)
        .findFirst();
  }

  /**
   * For requests.
   *
   * @param only leads to this workload alone; null to all behind the service
   */
  String http(Service service, Service.Port port, @Nullable Workload only) {
    AppProtocol protocol = protocolOf(service, port);
    boolean bytes = protocol == AppProtocol.TCP || protocol == AppProtocol.TLS;
    String endpoints = endpointsName(service, port, only);
    String name = bytes ? endpoints + "|http" : endpoints;
    boolean shared =
        protocol == AppProtocol.HTTP
            && state.mesh().http2BetweenProxies()
            && node.implementation() == Implementation.OUTRIGGER
            && node.meshTls() == NodeDescription.MeshTls.AVAILABLE;
    return outbound(
        name, endpoints, service, port, only, shared ? Speech.NEGOTIATED : speech(protocol));
  }

  /** For calls of gRPC, which are HTTP/2 even where the port does not say so. */
  String grpc(Service service, Service.Port port, @Nullable Workload only) {
    if (speech(protocolOf(service, port)) == Speech.HTTP2) {
      return http(service, port, only);
    }
    String endpoints = endpointsName(service, port, only);
    return outbound(endpoints + "|grpc", endpoints, service, port, only, Speech.HTTP2);
  }

  /** For bytes. */
  String tcp(Service service, Service.Port port, @Nullable Workload only) {
    AppProtocol protocol = protocolOf(service, port);
    boolean bytes = protocol == AppProtocol.TCP || protocol == AppProtocol.TLS;
    String endpoints = endpointsName(service, port, only);
    String name = bytes ? endpoints : endpoints + "|tcp";
    return outbound(name, endpoints, service, port, only, Speech.BYTES);
  }

  private static String endpointsName(Service service, Service.Port port, @Nullable Workload only) {
    String name = Names.outbound(service.serviceName(), port.port());
    return only == null ? name : name + "|" + only.meta().name();
  }

  private String outbound(
      String name,
      String endpointsName,
      Service service,
      Service.Port port,
      @Nullable Workload only,
      Speech speech) {
    if (clusters.containsKey(name)) {
      return name;
    }
    List<Workload> workloads = only == null ? state.workloadsOf(service) : List.of(only);
    endpoints.computeIfAbsent(
        endpointsName,
        key ->
            endpoints(
                key,
                service,
                port,
                only == null ? state.workloadsOf(service, zone) : List.of(only)));
    @Nullable TrafficPolicy policy = Policies.traffic(state, service.serviceName(), port.port());
    Cluster.Builder cluster =
        Cluster.newBuilder()
            .setName(name)
            .setType(Cluster.DiscoveryType.EDS)
            .setEdsClusterConfig(
                Cluster.EdsClusterConfig.newBuilder()
                    .setEdsConfig(Protos.ADS)
                    .setServiceName(endpointsName))
            .setMetadata(
                metadata(
                    Map.of(
                        "direction", "outbound",
                        "service", service.meta().name(),
                        "namespace", service.meta().namespace(),
                        "port", Integer.toString(port.port())),
                    policy == null ? null : policy.connectionPool()));
    apply(cluster, policy, speech, service);
    tls(cluster, workloads, speech);
    clusters.put(name, cluster.build());
    return name;
  }

  private void tls(Cluster.Builder cluster, List<Workload> workloads, Speech speech) {
    Set<String> identities = new TreeSet<>();
    for (Workload workload : workloads) {
      if (workload.hasSidecar()) {
        identities.add(identity(workload));
      }
    }
    if (identities.isEmpty() || node.meshTls() == NodeDescription.MeshTls.ABSENT) {
      return;
    }
    List<String> alpn =
        switch (speech) {
          case HTTP1 -> List.of(Names.ALPN_HTTP);
          case HTTP2 -> List.of(Names.ALPN_HTTP2);
          case AS_CLIENT, NEGOTIATED -> List.of(Names.ALPN_HTTP2, Names.ALPN_HTTP);
          case BYTES -> List.of(Names.ALPN_TCP);
        };
    cluster
        .addTransportSocketMatches(
            Cluster.TransportSocketMatch.newBuilder()
                .setName("mesh")
                .setMatch(Protos.struct(Map.of("tlsMode", "outrigger")))
                .setTransportSocket(TransportSockets.outbound(identities, alpn)))
        .addTransportSocketMatches(
            Cluster.TransportSocketMatch.newBuilder()
                .setName("plain")
                .setMatch(Struct.getDefaultInstance())
                .setTransportSocket(TransportSockets.plain()));
  }

  private String identity(Workload workload) {
    return workload.identityIn(state.mesh().trustDomain()).toString();
  }

  private static Metadata metadata(
      Map<String, String> labels, TrafficPolicy.@Nullable ConnectionPool pool) {
    Struct.Builder own = Protos.struct(labels).toBuilder();
    if (pool != null && (pool.minIdle() > 0 || pool.maxConnectionsPerWorker() > 0)) {
      own.putFields(
          "pool",
          Value.newBuilder()
              .setStructValue(
                  Struct.newBuilder()
                      .putFields("minIdle", count(pool.minIdle()))
                      .putFields("maxConnectionsPerWorker", count(pool.maxConnectionsPerWorker())))
              .build());
    }
    return Metadata.newBuilder().putFilterMetadata(Names.OWN, own.build()).build();
  }

  private static Value count(int number) {
    return Value.newBuilder().setNumberValue(number).build();
  }

  // ---- policies

  private static void apply(
      Cluster.Builder cluster, @Nullable TrafficPolicy policy, Speech speech, Service service) {
    TrafficPolicy.@Nullable Timeouts timeouts = policy == null ? null : policy.timeouts();
    cluster.setConnectTimeout(
        duration(
            timeouts == null || timeouts.connect() == null ? CONNECT_TIMEOUT : timeouts.connect()));
    switch (policy == null ? null : policy.loadBalancing()) {
      case null -> cluster.setLbPolicy(Cluster.LbPolicy.ROUND_ROBIN);
      case TrafficPolicy.LoadBalancing.RoundRobin _ ->
          cluster.setLbPolicy(Cluster.LbPolicy.ROUND_ROBIN);
      case TrafficPolicy.LoadBalancing.Random _ -> cluster.setLbPolicy(Cluster.LbPolicy.RANDOM);
      case TrafficPolicy.LoadBalancing.LeastRequest least ->
          cluster
              .setLbPolicy(Cluster.LbPolicy.LEAST_REQUEST)
              .setLeastRequestLbConfig(
                  Cluster.LeastRequestLbConfig.newBuilder()
                      .setChoiceCount(number(least.choices())));
    }
    cluster.setCircuitBreakers(breakers(policy == null ? null : policy.circuitBreakers()));
    if (speech != Speech.BYTES) {
      cluster.putTypedExtensionProtocolOptions(
          HTTP_OPTIONS,
          Protos.pack(options(speech, policy == null ? null : policy.connectionPool())));
    }
    if (policy == null) {
      return;
    }
    if (policy.healthCheck() != null) {
      cluster.addHealthChecks(healthCheck(policy.healthCheck(), service));
    }
    if (policy.outlierDetection() != null) {
      TrafficPolicy.OutlierDetection outliers = policy.outlierDetection();
      cluster.setOutlierDetection(
          OutlierDetection.newBuilder()
              .setConsecutive5Xx(number(outliers.consecutiveErrors()))
              .setBaseEjectionTime(duration(outliers.baseEjectionTime()))
              .setMaxEjectionTime(duration(outliers.maxEjectionTime()))
              .setMaxEjectionPercent(number(outliers.maxEjectionPercent()))
              .setEnforcingConsecutive5Xx(number(100))
              .setEnforcingSuccessRate(number(0))
              .setAlwaysEjectOneHost(BoolValue.of(true)));
    }
  }

  private static CircuitBreakers breakers(TrafficPolicy.@Nullable CircuitBreakers limits) {
    CircuitBreakers.Thresholds.Builder thresholds = CircuitBreakers.Thresholds.newBuilder();
    double percent = TrafficPolicy.CircuitBreakers.DEFAULT_BUDGET_PERCENT;
    int least = TrafficPolicy.CircuitBreakers.DEFAULT_BUDGET_MIN;
    if (limits != null) {
      percent = limits.retryBudgetPercent();
      least = limits.retryBudgetMin();
      if (limits.maxConnections() != null) {
        thresholds.setMaxConnections(number(limits.maxConnections()));
      }
      if (limits.maxPendingRequests() != null) {
        thresholds.setMaxPendingRequests(number(limits.maxPendingRequests()));
      }
      if (limits.maxRequests() != null) {
        thresholds.setMaxRequests(number(limits.maxRequests()));
      }
    }
    thresholds.setRetryBudget(
        CircuitBreakers.Thresholds.RetryBudget.newBuilder()
            .setBudgetPercent(Percent.newBuilder().setValue(percent))
            .setMinRetryConcurrency(number(least)));
    return CircuitBreakers.newBuilder().addThresholds(thresholds).build();
  }

  private static io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions options(
      Speech speech, TrafficPolicy.@Nullable ConnectionPool pool) {
    HttpProtocolOptions.Builder common =
        HttpProtocolOptions.newBuilder()
            .setIdleTimeout(
                duration(
                    pool == null || pool.idleTimeout() == null ? MESH_IDLE : pool.idleTimeout()));
    if (pool != null) {
      if (pool.maxAge() != null) {
        common.setMaxConnectionDuration(duration(pool.maxAge()));
      }
      if (pool.maxRequestsPerConnection() > 0) {
        common.setMaxRequestsPerConnection(number(pool.maxRequestsPerConnection()));
      }
    }
    return options(speech, common.build());
  }

  private static io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions options(
      Speech speech, HttpProtocolOptions common) {
    var options =
        io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions.newBuilder()
            .setCommonHttpProtocolOptions(common);
    switch (speech) {
      case HTTP1, BYTES ->
          options
              .getExplicitHttpConfigBuilder()
              .setHttpProtocolOptions(Http1ProtocolOptions.getDefaultInstance());
      case HTTP2 ->
          options
              .getExplicitHttpConfigBuilder()
              .setHttp2ProtocolOptions(Http2ProtocolOptions.getDefaultInstance());
      case AS_CLIENT ->
          options
              .getUseDownstreamProtocolConfigBuilder()
              .setHttpProtocolOptions(Http1ProtocolOptions.getDefaultInstance())
              .setHttp2ProtocolOptions(Http2ProtocolOptions.getDefaultInstance());
      case NEGOTIATED ->
          options
              .getAutoConfigBuilder()
              .setHttpProtocolOptions(Http1ProtocolOptions.getDefaultInstance())
              .setHttp2ProtocolOptions(Http2ProtocolOptions.getDefaultInstance());
    }
    return options.build();
  }

  private static HealthCheck healthCheck(TrafficPolicy.HealthCheck check, Service service) {
    HealthCheck.Builder result =
        HealthCheck.newBuilder()
            .setInterval(duration(check.interval()))
            .setTimeout(duration(check.timeout()))
            .setUnhealthyThreshold(number(check.unhealthyThreshold()))
            .setHealthyThreshold(number(check.healthyThreshold()))
            .setIntervalJitterPercent(check.jitterPercent());
    switch (check.probe()) {
      case TrafficPolicy.Probe.Tcp _ ->
          result.setTcpHealthCheck(HealthCheck.TcpHealthCheck.getDefaultInstance());
      case TrafficPolicy.Probe.Http http -> {
        HealthCheck.HttpHealthCheck.Builder probe =
            HealthCheck.HttpHealthCheck.newBuilder()
                .setHost(http.host().isEmpty() ? service.serviceName().toString() : http.host())
                .setPath(http.path());
        for (TrafficPolicy.StatusRange range : http.expected()) {
          probe.addExpectedStatuses(
              Int64Range.newBuilder().setStart(range.first()).setEnd(range.last() + 1L));
        }
        result.setHttpHealthCheck(probe);
      }
    }
    return result.build();
  }

  // ---- endpoints

  private ClusterLoadAssignment endpoints(
      String name, Service service, Service.Port port, List<Workload> workloads) {
    Map<Workload.Locality, LocalityLbEndpoints.Builder> byLocality =
        new TreeMap<>(
            Comparator.comparing(Workload.Locality::region)
                .thenComparing(Workload.Locality::zone)
                .thenComparing(Workload.Locality::subZone));
    // Who is about to end still serves where nobody else is left (Kubernetes: KEP-1669).
    boolean allEnd = workloads.stream().allMatch(service::isDraining);
    for (Workload workload : workloads) {
      OptionalInt number = service.portOn(port, workload);
      if (number.isEmpty()) {
        continue;
      }
      byLocality
          .computeIfAbsent(workload.locality(), Clusters::locality)
          .addLbEndpoints(
              endpoint(workload, number.getAsInt())
                  .setHealthStatus(
                      service.isDraining(workload) && !allEnd
                          ? HealthStatus.DRAINING
                          : HealthStatus.UNKNOWN));
    }
    ClusterLoadAssignment.Builder assignment =
        ClusterLoadAssignment.newBuilder().setClusterName(name);
    byLocality.values().forEach(assignment::addEndpoints);
    return assignment.build();
  }

  /** Where a proxy is. */
  static String zoneOf(DesiredState state, NodeDescription node) {
    @Nullable Workload own = state.workload(node.namespace(), node.workload());
    return own == null ? "" : own.locality().zone();
  }

  private static LocalityLbEndpoints.Builder locality(Workload.Locality locality) {
    return LocalityLbEndpoints.newBuilder()
        .setLoadBalancingWeight(number(1))
        .setLocality(
            Locality.newBuilder()
                .setRegion(locality.region())
                .setZone(locality.zone())
                .setSubZone(locality.subZone()));
  }

  private LbEndpoint.Builder endpoint(Workload workload, int port) {
    Metadata.Builder metadata =
        Metadata.newBuilder()
            .putFilterMetadata(
                Names.OWN,
                workload.hasSidecar()
                    ? Protos.struct(
                        Map.of("workload", workload.meta().name(), "identity", identity(workload)))
                    : Protos.struct(Map.of("workload", workload.meta().name())));
    if (workload.hasSidecar()
        && node.meshTls() == NodeDescription.MeshTls.AVAILABLE
        && !isBareToNode(workload)) {
      metadata.putFilterMetadata(SOCKET_MATCH, Protos.struct(Map.of("tlsMode", "outrigger")));
    }
    return LbEndpoint.newBuilder()
        .setEndpoint(
            Endpoint.newBuilder().setAddress(Protos.address(workload.addresses().getFirst(), port)))
        .setLoadBalancingWeight(number(workload.weight()))
        .setMetadata(metadata);
  }

  /**
   * Whether this proxy meets the application itself at the workload's address: capture leaves alone
   * what the proxy sends to its own host, so nobody is there to end the TLS of the mesh.
   */
  private boolean isBareToNode(Workload workload) {
    return workload.sidecar() instanceof Workload.Sidecar.Transparent
        && workload.meta().namespace().equals(node.namespace())
        && workload.meta().name().equals(node.workload());
  }

  /**
   * Endpoints as the proxy beside one of them takes them, made of those that others take: where
   * capture redirects, it meets its own application and not itself.
   */
  static ClusterLoadAssignment bareTo(String workload, ClusterLoadAssignment others) {
    ClusterLoadAssignment.Builder own = others.toBuilder();
    for (LocalityLbEndpoints.Builder locality : own.getEndpointsBuilderList()) {
      for (LbEndpoint.Builder endpoint : locality.getLbEndpointsBuilderList()) {
        Struct labels =
            endpoint
                .getMetadata()
                .getFilterMetadataOrDefault(Names.OWN, Struct.getDefaultInstance());
        String name =
            labels.getFieldsOrDefault("workload", Value.getDefaultInstance()).getStringValue();
        if (name.equals(workload)) {
          endpoint.getMetadataBuilder().removeFilterMetadata(SOCKET_MATCH);
        }
      }
    }
    return own.build();
  }

  // ---- clusters without a service

  /** For what cannot be delivered. */
  @Override
  public String nowhere() {
    clusters.computeIfAbsent(
        Names.NOWHERE,
        name ->
            Cluster.newBuilder()
                .setName(name)
                .setType(Cluster.DiscoveryType.STATIC)
                .setConnectTimeout(duration(CONNECT_TIMEOUT))
                .setLoadAssignment(ClusterLoadAssignment.newBuilder().setClusterName(name))
                .build());
    return Names.NOWHERE;
  }

  /** To wherever the application wanted to go. */
  String passthrough() {
    return originalDestination(Names.PASSTHROUGH, Map.of("direction", "outbound"), Speech.BYTES);
  }

  /** To a port of the application that nobody described. */
  String inboundPassthrough() {
    return originalDestination(
        Names.INBOUND_PASSTHROUGH, inboundLabels(0), speech(AppProtocol.DETECT));
  }

  /** To the application, at the address where the peer wanted it. */
  String inboundOriginal(Workload.Port port, AppProtocol protocol) {
    return originalDestination(
        Names.inbound(port.port()), inboundLabels(port.port()), speech(protocol));
  }

  /** To the application, at an address of its own. */
  String inboundStatic(Workload.Port port, AppProtocol protocol, String appAddress) {
    String name = Names.inbound(port.port());
    clusters.computeIfAbsent(
        name,
        _ ->
            Cluster.newBuilder()
                .setName(name)
                .setType(Cluster.DiscoveryType.STATIC)
                .setConnectTimeout(duration(CONNECT_TIMEOUT))
                .setMetadata(metadata(inboundLabels(port.port()), null))
                .putTypedExtensionProtocolOptions(
                    HTTP_OPTIONS, Protos.pack(appOptions(speech(protocol))))
                .setLoadAssignment(
                    ClusterLoadAssignment.newBuilder()
                        .setClusterName(name)
                        .addEndpoints(
                            LocalityLbEndpoints.newBuilder()
                                .addLbEndpoints(
                                    LbEndpoint.newBuilder()
                                        .setEndpoint(
                                            Endpoint.newBuilder()
                                                .setAddress(
                                                    Protos.address(appAddress, port.appPort()))))))
                .build());
    return name;
  }

  private String originalDestination(String name, Map<String, String> labels, Speech speech) {
    clusters.computeIfAbsent(
        name,
        _ -> {
          Cluster.Builder cluster =
              Cluster.newBuilder()
                  .setName(name)
                  .setType(Cluster.DiscoveryType.ORIGINAL_DST)
                  .setLbPolicy(Cluster.LbPolicy.CLUSTER_PROVIDED)
                  .setConnectTimeout(duration(CONNECT_TIMEOUT))
                  .setMetadata(metadata(labels, null));
          if (speech != Speech.BYTES) {
            cluster.putTypedExtensionProtocolOptions(HTTP_OPTIONS, Protos.pack(appOptions(speech)));
          }
          return cluster.build();
        });
    return name;
  }

  private static io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions appOptions(
      Speech speech) {
    return options(
        speech, HttpProtocolOptions.newBuilder().setIdleTimeout(duration(APP_IDLE)).build());
  }

  /** The first service that the workload is behind on that port names it. */
  private Map<String, String> inboundLabels(int port) {
    Map<String, String> labels = new TreeMap<>();
    labels.put("direction", "inbound");
    labels.put("workload", node.workload());
    labels.put("namespace", node.namespace());
    if (port != 0) {
      labels.put("port", Integer.toString(port));
    }
    @Nullable Workload own = state.workload(node.namespace(), node.workload());
    if (own != null) {
      for (Service service : state.servicesOf(own)) {
        boolean serves =
            port == 0
                || service.ports().stream()
                    .anyMatch(one -> service.portOn(one, own).equals(OptionalInt.of(port)));
        if (serves) {
          labels.putIfAbsent("service", service.meta().name());
        }
      }
    }
    return labels;
  }
}
