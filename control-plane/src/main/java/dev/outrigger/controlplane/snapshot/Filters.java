package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;

import com.google.protobuf.BoolValue;
import com.google.protobuf.Message;
import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.MeshConfig;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLog;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.ListenerFilter;
import io.envoyproxy.envoy.config.listener.v3.ListenerFilterChainMatchPredicate;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import io.envoyproxy.envoy.extensions.access_loggers.file.v3.FileAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StderrAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.Cors;
import io.envoyproxy.envoy.extensions.filters.http.router.v3.Router;
import io.envoyproxy.envoy.extensions.filters.listener.http_inspector.v3.HttpInspector;
import io.envoyproxy.envoy.extensions.filters.listener.original_dst.v3.OriginalDst;
import io.envoyproxy.envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertDetails;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.Rds;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import io.envoyproxy.envoy.type.v3.Int32Range;
import io.envoyproxy.envoy.type.v3.Percent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What handles the bytes of a listener's connections. */
final class Filters {
  /** The filter that routes speak to; it does nothing where none does. */
  static final String CORS = "envoy.filters.http.cors";

  private static final Duration REQUEST_HEADERS = Duration.ofSeconds(10);
  private static final Duration STREAM_IDLE = Duration.ofMinutes(5);
  private static final Duration CONNECTION_IDLE = Duration.ofHours(1);
  private static final Duration TCP_IDLE = Duration.ofHours(1);

  private final MeshConfig mesh;
  private final NodeDescription node;

  Filters(MeshConfig mesh, NodeDescription node) {
    this.mesh = mesh;
    this.node = node;
  }

  /** Passes bytes on. */
  Filter tcp(String statPrefix, String cluster) {
    return filter(
        "envoy.filters.network.tcp_proxy",
        TcpProxy.newBuilder()
            .setStatPrefix(statPrefix)
            .setCluster(cluster)
            .setIdleTimeout(duration(TCP_IDLE))
            .addAllAccessLog(accessLog())
            .build());
  }

  /**
   * Passes bytes on to one of several clusters.
   *
   * @param weights by cluster, each at least 1
   */
  Filter tcp(String statPrefix, Map<String, Integer> weights) {
    if (weights.size() == 1) {
      return tcp(statPrefix, weights.keySet().iterator().next());
    }
    TcpProxy.WeightedCluster.Builder weighted = TcpProxy.WeightedCluster.newBuilder();
    weights.forEach(
        (cluster, weight) ->
            weighted.addClusters(
                TcpProxy.WeightedCluster.ClusterWeight.newBuilder()
                    .setName(cluster)
                    .setWeight(weight)));
    return filter(
        "envoy.filters.network.tcp_proxy",
        TcpProxy.newBuilder()
            .setStatPrefix(statPrefix)
            .setWeightedClusters(weighted)
            .setIdleTimeout(duration(TCP_IDLE))
            .addAllAccessLog(accessLog())
            .build());
  }

  /** Understands requests of the application; the routes come by their name. */
  Filter outboundHttp(String statPrefix, String routes) {
    HttpConnectionManager.Builder manager = manager(statPrefix);
    if (node.implementation() == Implementation.ENVOY) {
      manager.addHttpFilters(
          0,
          HttpFilter.newBuilder()
              .setName(NodeDescription.ENVOY_FAULT_FILTER)
              .setConfigDiscovery(EnvoyFaultSwitch.discovery()));
    }
    return http(
        manager
            .addHttpFilters(
                0,
                HttpFilter.newBuilder()
                    .setName(CORS)
                    .setTypedConfig(Protos.pack(Cors.getDefaultInstance())))
            .setRds(Rds.newBuilder().setConfigSource(Protos.ADS).setRouteConfigName(routes)));
  }

  /** Understands requests for the application. */
  Filter inboundHttp(
      String statPrefix,
      String cluster,
      AppProtocol protocol,
      HttpConnectionManager.CodecType codec,
      ForwardClientCertDetails peers) {
    HttpConnectionManager.Builder manager =
        manager(statPrefix)
            .setCodecType(codec)
            .setForwardClientCertDetails(peers)
            .setRouteConfig(
                RouteConfiguration.newBuilder()
                    .setName(cluster)
                    .addVirtualHosts(
                        VirtualHost.newBuilder()
                            .setName("app")
                            .addDomains("*")
                            .addAllRoutes(
                                new RouteTables(node.implementation(), null, protocol)
                                    .inbound(cluster))));
    if (peers == ForwardClientCertDetails.SANITIZE_SET) {
      manager.setSetCurrentClientCertDetails(
          HttpConnectionManager.SetCurrentClientCertDetails.newBuilder().setUri(true));
    }
    return http(manager);
  }

  private HttpConnectionManager.Builder manager(String statPrefix) {
    HttpConnectionManager.Builder manager =
        HttpConnectionManager.newBuilder()
            .setStatPrefix(statPrefix)
            .setCodecType(HttpConnectionManager.CodecType.AUTO)
            .setServerHeaderTransformation(
                HttpConnectionManager.ServerHeaderTransformation.PASS_THROUGH)
            .setCommonHttpProtocolOptions(
                HttpProtocolOptions.newBuilder().setIdleTimeout(duration(CONNECTION_IDLE)))
            .setNormalizePath(BoolValue.of(true))
            .setRequestHeadersTimeout(duration(REQUEST_HEADERS))
            .setStreamIdleTimeout(duration(STREAM_IDLE))
            .setHttp2ProtocolOptions(Http2ProtocolOptions.newBuilder().setAllowConnect(true))
            .addUpgradeConfigs(
                HttpConnectionManager.UpgradeConfig.newBuilder().setUpgradeType("websocket"))
            .addAllAccessLog(accessLog())
            .addHttpFilters(
                HttpFilter.newBuilder()
                    .setName("envoy.filters.http.router")
                    .setTypedConfig(Protos.pack(Router.getDefaultInstance())));
    if (mesh.samplingPercent() != null) {
      manager.setTracing(
          HttpConnectionManager.Tracing.newBuilder()
              .setRandomSampling(Percent.newBuilder().setValue(mesh.samplingPercent())));
    }
    return manager;
  }

  private static Filter http(HttpConnectionManager.Builder manager) {
    return filter("envoy.filters.network.http_connection_manager", manager.build());
  }

  private static Filter filter(String name, Message config) {
    return Filter.newBuilder().setName(name).setTypedConfig(Protos.pack(config)).build();
  }

  private List<AccessLog> accessLog() {
    return switch (mesh.accessLog()) {
      case MeshConfig.AccessLog.Off _ -> List.of();
      case MeshConfig.AccessLog.Stdout _ ->
          List.of(log("envoy.access_loggers.stdout", StdoutAccessLog.getDefaultInstance()));
      case MeshConfig.AccessLog.Stderr _ ->
          List.of(log("envoy.access_loggers.stderr", StderrAccessLog.getDefaultInstance()));
      case MeshConfig.AccessLog.File file ->
          List.of(
              log(
                  "envoy.access_loggers.file",
                  FileAccessLog.newBuilder().setPath(file.path()).build()));
    };
  }

  private static AccessLog log(String name, Message config) {
    return AccessLog.newBuilder().setName(name).setTypedConfig(Protos.pack(config)).build();
  }

  // ---- listener filters

  /** Reads where the client wanted to go before the kernel redirected it. */
  static ListenerFilter originalDestination() {
    return listenerFilter("envoy.filters.listener.original_dst", OriginalDst.getDefaultInstance())
        .build();
  }

  /** Look at the first bytes of connections to every port. */
  static List<ListenerFilter> inspectors() {
    return List.of(tls().build(), http().build());
  }

  /**
   * Look at the first bytes of connections to these ports only, so that a server that speaks first
   * on another is not waited for. Ours finds that out from the chains by itself.
   */
  List<ListenerFilter> inspectors(Set<Integer> ports) {
    if (node.implementation() == Implementation.OUTRIGGER) {
      return inspectors();
    }
    List<ListenerFilterChainMatchPredicate> rules = new ArrayList<>();
    for (int port : new TreeSet<>(ports)) {
      rules.add(
          ListenerFilterChainMatchPredicate.newBuilder()
              .setDestinationPortRange(Int32Range.newBuilder().setStart(port).setEnd(port + 1))
              .build());
    }
    ListenerFilterChainMatchPredicate wanted =
        rules.size() == 1
            ? rules.getFirst()
            : ListenerFilterChainMatchPredicate.newBuilder()
                .setOrMatch(
                    ListenerFilterChainMatchPredicate.MatchSet.newBuilder().addAllRules(rules))
                .build();
    ListenerFilterChainMatchPredicate others =
        ListenerFilterChainMatchPredicate.newBuilder().setNotMatch(wanted).build();
    return List.of(
        tls().setFilterDisabled(others).build(), http().setFilterDisabled(others).build());
  }

  private static ListenerFilter.Builder tls() {
    return listenerFilter(
        "envoy.filters.listener.tls_inspector", TlsInspector.getDefaultInstance());
  }

  private static ListenerFilter.Builder http() {
    return listenerFilter(
        "envoy.filters.listener.http_inspector", HttpInspector.getDefaultInstance());
  }

  private static ListenerFilter.Builder listenerFilter(String name, Message config) {
    return ListenerFilter.newBuilder().setName(name).setTypedConfig(Protos.pack(config));
  }
}
