package dev.outrigger.proxy.bootstrap;

import com.google.protobuf.Any;
import com.google.protobuf.BoolValue;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.UInt32Value;
import com.google.protobuf.Value;
import dev.outrigger.proxy.bootstrap.ProxyOptions.ClientTls;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Membership;
import dev.outrigger.proxy.bootstrap.ProxyOptions.MeshJoin;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Protocol;
import dev.outrigger.proxy.bootstrap.ProxyOptions.ServerTls;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Source;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.xds.LocalSecrets;
import io.envoyproxy.envoy.config.bootstrap.v3.Admin;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap.DynamicResources;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap.StaticResources;
import io.envoyproxy.envoy.config.cluster.v3.CircuitBreakers;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.AggregatedConfigSource;
import io.envoyproxy.envoy.config.core.v3.ApiConfigSource;
import io.envoyproxy.envoy.config.core.v3.ApiVersion;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.core.v3.DataSource;
import io.envoyproxy.envoy.config.core.v3.GrpcService;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.config.core.v3.TransportSocket;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.endpoint.v3.Endpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LocalityLbEndpoints;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.FilterChainMatch;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.listener.v3.ListenerFilter;
import io.envoyproxy.envoy.config.route.v3.RetryPolicy;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.RouteMatch;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import io.envoyproxy.envoy.extensions.filters.http.router.v3.Router;
import io.envoyproxy.envoy.extensions.filters.listener.http_inspector.v3.HttpInspector;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CommonTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsCertificate;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsParameters;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import io.envoyproxy.envoy.type.v3.Percent;
import io.netty.util.NetUtil;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the bootstrap that the flags of a one-line proxy or of a mesh member stand for. */
final class GeneratedBootstrap {
  private static final String UPSTREAM = "upstream";
  private static final String CONTROL_PLANE = "control-plane";

  /** Where the server speaks first, waiting for the client's first bytes would only delay. */
  private static final Set<Integer> SERVER_FIRST =
      Set.of(25, 587, 3306, 4444, 5432, 6379, 9300, 11211);

  private GeneratedBootstrap() {}

  // ----------------------------------------------------------------------------- one-line proxy

  /** Of a proxy that gets all it does by other ways. */
  static Bootstrap empty() {
    return Bootstrap.newBuilder()
        .setNode(Node.newBuilder().setId("outrigger").setCluster("outrigger"))
        .build();
  }

  static Bootstrap of(Source.OneLine line) {
    return empty().toBuilder()
        .setStaticResources(
            StaticResources.newBuilder().addListeners(listener(line)).addClusters(cluster(line)))
        .build();
  }

  private static Listener listener(Source.OneLine line) {
    Listener.Builder listener =
        Listener.newBuilder().setName("listener").setAddress(address(line.listen()));
    FilterChain.Builder http = FilterChain.newBuilder().setName("http").addFilters(httpProxy());
    FilterChain.Builder tcp = FilterChain.newBuilder().setName("opaque").addFilters(tcpProxy());
    ServerTls tls = line.tls();
    if (tls != null) {
      http.setTransportSocket(downstream(tls, List.of("http/1.1")));
      tcp.setTransportSocket(downstream(tls, List.of()));
    }
    return switch (protocol(line)) {
      case HTTP -> listener.addFilterChains(http).build();
      case TCP -> listener.addFilterChains(tcp).build();
      case AUTO ->
          listener
              .addListenerFilters(
                  ListenerFilter.newBuilder()
                      .setName("envoy.filters.listener.http_inspector")
                      .setTypedConfig(Any.pack(HttpInspector.getDefaultInstance())))
              .setListenerFiltersTimeout(Duration.newBuilder().setSeconds(1))
              .setContinueOnListenerFiltersTimeout(true)
              .addFilterChains(
                  http.setFilterChainMatch(
                      FilterChainMatch.newBuilder()
                          .addApplicationProtocols("http/1.0")
                          .addApplicationProtocols("http/1.1")))
              .setDefaultFilterChain(tcp)
              .build();
    };
  }

  /** Under TLS the first bytes say nothing about what is inside. */
  private static Protocol protocol(Source.OneLine line) {
    if (line.protocol() != Protocol.AUTO) {
      return line.protocol();
    }
    boolean serverFirst = line.to().stream().anyMatch(to -> SERVER_FIRST.contains(to.port()));
    if (serverFirst) {
      return Protocol.TCP;
    }
    return line.tls() == null ? Protocol.AUTO : Protocol.HTTP;
  }

  private static Filter httpProxy() {
    RouteAction action =
        RouteAction.newBuilder()
            .setCluster(UPSTREAM)
            .setTimeout(Duration.getDefaultInstance())
            .setRetryPolicy(
                RetryPolicy.newBuilder()
                    .setRetryOn("connect-failure,refused-stream,reset-before-request")
                    .setNumRetries(UInt32Value.of(2)))
            .build();
    HttpConnectionManager manager =
        HttpConnectionManager.newBuilder()
            .setStatPrefix("http")
            .setServerHeaderTransformation(
                HttpConnectionManager.ServerHeaderTransformation.PASS_THROUGH)
            .setRequestHeadersTimeout(Duration.newBuilder().setSeconds(15))
            .setUseRemoteAddress(BoolValue.of(true))
            .setNormalizePath(BoolValue.of(true))
            .setTracing(HttpConnectionManager.Tracing.getDefaultInstance())
            .setHttp2ProtocolOptions(Http2ProtocolOptions.newBuilder().setAllowConnect(true))
            .addUpgradeConfigs(
                HttpConnectionManager.UpgradeConfig.newBuilder().setUpgradeType("websocket"))
            .setRouteConfig(
                RouteConfiguration.newBuilder()
                    .setName("routes")
                    .addVirtualHosts(
                        VirtualHost.newBuilder()
                            .setName("all")
                            .addDomains("*")
                            .addRoutes(
                                Route.newBuilder()
                                    .setMatch(RouteMatch.newBuilder().setPrefix("/"))
                                    .setRoute(action))))
            .addHttpFilters(
                HttpFilter.newBuilder()
                    .setName("envoy.filters.http.router")
                    .setTypedConfig(Any.pack(Router.getDefaultInstance())))
            .build();
    return filter("envoy.filters.network.http_connection_manager", manager);
  }

  private static Filter tcpProxy() {
    return filter(
        "envoy.filters.network.tcp_proxy",
        TcpProxy.newBuilder()
            .setStatPrefix("opaque")
            .setCluster(UPSTREAM)
            .setMaxConnectAttempts(UInt32Value.of(3))
            .build());
  }

  private static Filter filter(String name, Message config) {
    return Filter.newBuilder().setName(name).setTypedConfig(Any.pack(config)).build();
  }

  private static Cluster cluster(Source.OneLine line) {
    boolean literal = line.to().stream().allMatch(to -> isLiteral(to.host()));
    Cluster.Builder cluster =
        Cluster.newBuilder()
            .setName(UPSTREAM)
            .setType(literal ? Cluster.DiscoveryType.STATIC : Cluster.DiscoveryType.STRICT_DNS)
            .setConnectTimeout(Duration.newBuilder().setSeconds(5))
            .setLbPolicy(Cluster.LbPolicy.ROUND_ROBIN)
            .setLoadAssignment(endpoints(UPSTREAM, line.to()))
            .setCircuitBreakers(
                CircuitBreakers.newBuilder()
                    .addThresholds(
                        CircuitBreakers.Thresholds.newBuilder()
                            .setMaxConnections(UInt32Value.of(65536))
                            .setMaxPendingRequests(UInt32Value.of(65536))
                            .setMaxRequests(UInt32Value.of(65536))
                            .setRetryBudget(
                                CircuitBreakers.Thresholds.RetryBudget.newBuilder()
                                    .setBudgetPercent(Percent.newBuilder().setValue(20))
                                    .setMinRetryConcurrency(UInt32Value.of(3)))));
    ClientTls tls = line.upstreamTls();
    if (tls != null) {
      cluster.setTransportSocket(upstream(tls));
    }
    return cluster.build();
  }

  private static TransportSocket downstream(ServerTls tls, List<String> alpn) {
    CommonTlsContext.Builder common =
        CommonTlsContext.newBuilder()
            .addTlsCertificates(certificate(tls.certificate(), tls.key()))
            .addAllAlpnProtocols(alpn);
    DownstreamTlsContext.Builder context = DownstreamTlsContext.newBuilder();
    if (tls.clientCa() != null) {
      common.setValidationContext(
          CertificateValidationContext.newBuilder().setTrustedCa(file(tls.clientCa())));
      context.setRequireClientCertificate(BoolValue.of(true));
    }
    return socket(context.setCommonTlsContext(common).build());
  }

  private static TransportSocket upstream(ClientTls tls) {
    CommonTlsContext.Builder common = CommonTlsContext.newBuilder().setTlsParams(upTo13());
    CertificateValidationContext.Builder validation =
        CertificateValidationContext.newBuilder().setTrustedCa(file(tls.ca()));
    UpstreamTlsContext.Builder context = UpstreamTlsContext.newBuilder();
    if (tls.serverName() != null) {
      validation.addMatchTypedSubjectAltNames(named(tls.serverName()));
      if (!isLiteral(tls.serverName())) {
        context.setSni(tls.serverName());
      }
    }
    if (tls.certificate() != null && tls.key() != null) {
      common.addTlsCertificates(certificate(tls.certificate(), tls.key()));
    }
    return socket(context.setCommonTlsContext(common.setValidationContext(validation)).build());
  }

  // -------------------------------------------------------------------------------- mesh member

  static Bootstrap of(MeshJoin join) {
    Cluster controlPlane =
        Cluster.newBuilder()
            .setName(CONTROL_PLANE)
            .setType(
                join.controlPlanes().stream().allMatch(one -> isLiteral(one.host()))
                    ? Cluster.DiscoveryType.STATIC
                    : Cluster.DiscoveryType.STRICT_DNS)
            .setConnectTimeout(Duration.newBuilder().setSeconds(5))
            .setLoadAssignment(endpoints(CONTROL_PLANE, join.controlPlanes()))
            .putTypedExtensionProtocolOptions(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                Any.pack(
                    HttpProtocolOptions.newBuilder()
                        .setExplicitHttpConfig(
                            HttpProtocolOptions.ExplicitHttpConfig.newBuilder()
                                .setHttp2ProtocolOptions(Http2ProtocolOptions.getDefaultInstance()))
                        .build()))
            .setTransportSocket(meshSocket(join))
            .build();
    ConfigSource ads =
        ConfigSource.newBuilder()
            .setResourceApiVersion(ApiVersion.V3)
            .setAds(AggregatedConfigSource.getDefaultInstance())
            .build();
    return Bootstrap.newBuilder()
        .setNode(
            Node.newBuilder()
                .setId(join.workload() + "." + join.namespace())
                .setCluster(join.workload())
                .setMetadata(
                    Struct.newBuilder()
                        .putFields("workload", text(join.workload()))
                        .putFields("namespace", text(join.namespace()))))
        .setStaticResources(StaticResources.newBuilder().addClusters(controlPlane))
        .setDynamicResources(
            DynamicResources.newBuilder()
                .setLdsConfig(ads)
                .setCdsConfig(ads)
                .setAdsConfig(
                    ApiConfigSource.newBuilder()
                        .setApiType(ApiConfigSource.ApiType.DELTA_GRPC)
                        .setTransportApiVersion(ApiVersion.V3)
                        .addGrpcServices(
                            GrpcService.newBuilder()
                                .setEnvoyGrpc(
                                    GrpcService.EnvoyGrpc.newBuilder()
                                        .setClusterName(CONTROL_PLANE)))))
        .setAdmin(
            Admin.newBuilder().setAddress(address(new SocketAddressConfig("127.0.0.1", 15000))))
        .build();
  }

  /** The identity is what the authority gave; the control plane must have its own name. */
  private static TransportSocket meshSocket(MeshJoin join) {
    UpstreamTlsContext.Builder context = UpstreamTlsContext.newBuilder();
    if (!isLiteral(join.serverName())) {
      context.setSni(join.serverName());
    }
    return socket(
        context
            .setCommonTlsContext(
                CommonTlsContext.newBuilder()
                    .setTlsParams(upTo13())
                    .addTlsCertificateSdsSecretConfigs(
                        SdsSecretConfig.newBuilder().setName(LocalSecrets.IDENTITY))
                    .mergeFrom(validation(join))
                    .addAlpnProtocols("h2"))
            .build());
  }

  private static CommonTlsContext validation(MeshJoin join) {
    CommonTlsContext.Builder context = CommonTlsContext.newBuilder();
    return switch (join.membership()) {
      case Membership.Issued issued ->
          context
              .setValidationContext(
                  CertificateValidationContext.newBuilder()
                      .setTrustedCa(file(issued.rootCa()))
                      .addMatchTypedSubjectAltNames(named(join.serverName())))
              .build();
      // Its certificate need not name a host, and its roots may change.
      case Membership.Attested attested ->
          context
              .setCombinedValidationContext(
                  CommonTlsContext.CombinedCertificateValidationContext.newBuilder()
                      .setDefaultValidationContext(
                          CertificateValidationContext.newBuilder()
                              .addMatchTypedSubjectAltNames(
                                  SubjectAltNameMatcher.newBuilder()
                                      .setSanType(SubjectAltNameMatcher.SanType.URI)
                                      .setMatcher(
                                          StringMatcher.newBuilder()
                                              .setExact(attested.controlPlane().toString()))))
                      .setValidationContextSdsSecretConfig(
                          SdsSecretConfig.newBuilder().setName(LocalSecrets.TRUST)))
              .build();
    };
  }

  // -------------------------------------------------------------------------------------- parts

  static Address address(SocketAddressConfig address) {
    return Address.newBuilder()
        .setSocketAddress(
            SocketAddress.newBuilder().setAddress(address.host()).setPortValue(address.port()))
        .build();
  }

  private static ClusterLoadAssignment endpoints(String name, List<SocketAddressConfig> to) {
    LocalityLbEndpoints.Builder endpoints = LocalityLbEndpoints.newBuilder();
    for (SocketAddressConfig address : to) {
      endpoints.addLbEndpoints(
          LbEndpoint.newBuilder().setEndpoint(Endpoint.newBuilder().setAddress(address(address))));
    }
    return ClusterLoadAssignment.newBuilder().setClusterName(name).addEndpoints(endpoints).build();
  }

  private static boolean isLiteral(String host) {
    return NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host);
  }

  private static SubjectAltNameMatcher named(String name) {
    return SubjectAltNameMatcher.newBuilder()
        .setSanType(
            isLiteral(name)
                ? SubjectAltNameMatcher.SanType.IP_ADDRESS
                : SubjectAltNameMatcher.SanType.DNS)
        .setMatcher(StringMatcher.newBuilder().setExact(name))
        .build();
  }

  private static TlsParameters upTo13() {
    return TlsParameters.newBuilder()
        .setTlsMaximumProtocolVersion(TlsParameters.TlsProtocol.TLSv1_3)
        .build();
  }

  private static TlsCertificate certificate(Path chain, Path key) {
    return TlsCertificate.newBuilder()
        .setCertificateChain(file(chain))
        .setPrivateKey(file(key))
        .build();
  }

  private static DataSource file(@Nullable Path path) {
    return DataSource.newBuilder().setFilename(String.valueOf(path)).build();
  }

  private static TransportSocket socket(Message context) {
    return TransportSocket.newBuilder()
        .setName("envoy.transport_sockets.tls")
        .setTypedConfig(Any.pack(context))
        .build();
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }
}
