package dev.outrigger.proxy.bootstrap;

import com.google.protobuf.Message;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.AdsServer;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.Dynamic;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.Target;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.Variant;
import dev.outrigger.proxy.bootstrap.ConfigReader.Position;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Unsupported;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NearestName;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.extension.UnsupportedField;
import dev.outrigger.proxy.xds.TypeUrls;
import dev.outrigger.proxy.xds.decode.ClusterDecoder;
import dev.outrigger.proxy.xds.decode.ListenerDecoder;
import dev.outrigger.proxy.xds.decode.SecretDecoder;
import dev.outrigger.proxy.xds.decode.StaticAssembler;
import dev.outrigger.proxy.xds.decode.SupportedFields;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap.DynamicResources;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.ApiConfigSource;
import io.envoyproxy.envoy.config.core.v3.ApiVersion;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.core.v3.ConfigSource.ConfigSourceSpecifierCase;
import io.envoyproxy.envoy.config.core.v3.DataSource;
import io.envoyproxy.envoy.config.core.v3.GrpcService;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.config.core.v3.TransportSocket;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CommonTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsCertificate;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a bootstrap message into its checked form and collects all that is wrong. Used once. */
final class BootstrapChecker {
  private static final String STATIC = "static_resources.";
  private static final String DYNAMIC = "dynamic_resources.";

  private final String file;
  private final Map<String, Position> positions;
  private final Unsupported unsupported;
  private final List<ConfigProblem> problems = new ArrayList<>();
  private final Map<String, ConfigProblem> notSupported = new LinkedHashMap<>();

  BootstrapChecker(String file, Map<String, Position> positions, Unsupported unsupported) {
    this.file = file;
    this.positions = positions;
    this.unsupported = unsupported;
  }

  List<ConfigProblem> warnings() {
    return List.copyOf(notSupported.values());
  }

  BootstrapConfig check(Bootstrap proto) throws BadConfigException {
    for (UnsupportedField field : SupportedFields.find(proto)) {
      unsupported(field.path(), field.hint());
    }
    Map<String, SecretConfig> secrets =
        decode(proto.getStaticResources().getSecretsList(), "secrets", new SecretDecoder());
    Dynamic dynamic = dynamic(proto);
    String own = adsCluster(proto);
    Map<String, Unresolved<ClusterConfig>> clusters = clusters(proto, own);
    Map<String, Unresolved<ListenerConfig>> listeners =
        decode(
            named(proto.getStaticResources().getListenersList()),
            "listeners",
            new ListenerDecoder());
    RuntimeLayers runtime =
        RuntimeLayers.of(proto.getLayeredRuntime(), this::problem, this::unsupported);
    listeners.replaceAll(runtime::limited);
    @Nullable SocketAddressConfig admin =
        proto.getAdmin().hasAddress()
            ? address(proto.getAdmin().getAddress(), "admin.address")
            : null;
    if (problems.isEmpty() && dynamic.isStatic()) {
      checkStatic(listeners, clusters, secrets);
    }
    if (unsupported == Unsupported.ERROR) {
      for (ConfigProblem field : notSupported.values()) {
        if (problems.stream().noneMatch(p -> p.path().equals(field.path()))) {
          problems.add(field);
        }
      }
    }
    if (!problems.isEmpty()) {
      problems.sort(
          Comparator.comparingInt(ConfigProblem::line).thenComparingInt(ConfigProblem::column));
      throw new BadConfigException(problems);
    }
    return new BootstrapConfig(node(proto.getNode()), listeners, clusters, secrets, dynamic, admin);
  }

  private void problem(String path, String message) {
    problems.add(at(path, message));
  }

  private void unsupported(String path, String hint) {
    notSupported.putIfAbsent(
        path, at(path, hint.isEmpty() ? "is not supported" : "is not supported: " + hint));
  }

  /** The place of the field or of the nearest message around it. */
  private ConfigProblem at(String path, String message) {
    String known = path;
    while (!known.isEmpty() && !positions.containsKey(known)) {
      int end = Math.max(known.lastIndexOf('.'), known.lastIndexOf('['));
      known = end < 0 ? "" : known.substring(0, end);
    }
    @Nullable Position position = positions.get(known);
    return position == null
        ? new ConfigProblem(file, 0, 0, path, message)
        : new ConfigProblem(position.file(), position.line(), position.column(), path, message);
  }

  private static BootstrapConfig.Node node(Node node) {
    return new BootstrapConfig.Node(
        node.getId(),
        node.getCluster(),
        node.getLocality().getRegion(),
        node.getLocality().getZone(),
        node.getLocality().getSubZone());
  }

  // --------------------------------------------------------------------------- static resources

  /** Envoy lets a static listener go without a name; its address tells it apart. */
  private static List<Listener> named(List<Listener> listeners) {
    List<Listener> named = new ArrayList<>();
    for (Listener listener : listeners) {
      SocketAddress address = listener.getAddress().getSocketAddress();
      named.add(
          listener.getName().isEmpty()
              ? listener.toBuilder()
                  .setName("listener-" + address.getAddress() + ":" + address.getPortValue())
                  .build()
              : listener);
    }
    return named;
  }

  private <P extends Message, R> Map<String, R> decode(
      List<P> messages, String field, ResourceType<P, R> type) {
    Map<String, R> decoded = new LinkedHashMap<>();
    for (int i = 0; i < messages.size(); i++) {
      P message = messages.get(i);
      String path = STATIC + field + "[" + i + "]";
      @Nullable R resource = one(message, path, type);
      String name = type.nameOf(message);
      if (resource == null) {
        continue;
      }
      if (name.isEmpty()) {
        problem(path + ".name", "is required");
      } else if (decoded.put(name, resource) != null) {
        problem(path + ".name", "'" + name + "' is there already");
      }
    }
    return decoded;
  }

  private <P extends Message, R> @Nullable R one(P message, String path, ResourceType<P, R> type) {
    try {
      return type.decode(message, (inside, hint) -> unsupported(path + "." + inside, hint));
    } catch (InvalidResourceException e) {
      problem(e.field().isEmpty() ? path : path + "." + e.field(), e.reason());
      return null;
    }
  }

  private Map<String, Unresolved<ClusterConfig>> clusters(Bootstrap proto, String own) {
    Map<String, Unresolved<ClusterConfig>> clusters = new LinkedHashMap<>();
    List<Cluster> messages = proto.getStaticResources().getClustersList();
    ClusterDecoder decoder = new ClusterDecoder();
    for (int i = 0; i < messages.size(); i++) {
      Cluster cluster = messages.get(i);
      String path = STATIC + "clusters[" + i + "]";
      if (!own.isEmpty() && cluster.getName().equals(own)) {
        continue;
      }
      @Nullable Unresolved<ClusterConfig> decoded = one(cluster, path, decoder);
      if (decoded != null && clusters.put(cluster.getName(), decoded) != null) {
        problem(path + ".name", "'" + cluster.getName() + "' is there already");
      }
    }
    return clusters;
  }

  /** Without a control plane whatever is named must be here. */
  private void checkStatic(
      Map<String, Unresolved<ListenerConfig>> listeners,
      Map<String, Unresolved<ClusterConfig>> clusters,
      Map<String, SecretConfig> secrets) {
    RuntimeConfig config;
    try {
      config = StaticAssembler.assemble(listeners, clusters, secrets);
    } catch (InvalidResourceException e) {
      String kind = e.typeUrl().equals(TypeUrls.CLUSTER) ? "clusters" : "listeners";
      int index =
          new ArrayList<>((kind.equals("clusters") ? clusters : listeners).keySet())
              .indexOf(e.name());
      String path = STATIC + kind + "[" + index + "]";
      problem(e.field().isEmpty() ? path : path + "." + e.field(), e.reason());
      return;
    }
    for (int i = 0; i < config.listeners().size(); i++) {
      ListenerConfig listener = config.listeners().get(i);
      String path = STATIC + "listeners[" + i + "]";
      for (int j = 0; j < listener.chains().size(); j++) {
        checkTargets(listener.chains().get(j), path + ".filter_chains[" + j + "]", config);
      }
      if (listener.defaultChain() != null) {
        checkTargets(listener.defaultChain(), path + ".default_filter_chain", config);
      }
    }
  }

  private void checkTargets(FilterChainConfig chain, String path, RuntimeConfig config) {
    String at = path + ".filters[0].typed_config";
    switch (chain.network()) {
      case NetworkFilter.Tcp tcp -> checkTargets(tcp.clusters(), at, config);
      case NetworkFilter.Http http -> {
        List<RouteTableConfig.VirtualHost> hosts = http.config().routes().virtualHosts();
        for (int i = 0; i < hosts.size(); i++) {
          List<RouteTableConfig.Route> routes = hosts.get(i).routes();
          for (int j = 0; j < routes.size(); j++) {
            if (routes.get(j).action() instanceof RouteTableConfig.Action.Forward forward) {
              checkTargets(
                  forward.clusters(),
                  at + ".route_config.virtual_hosts[" + i + "].routes[" + j + "].route",
                  config);
            }
          }
        }
      }
    }
  }

  private void checkTargets(List<WeightedCluster> targets, String path, RuntimeConfig config) {
    for (int i = 0; i < targets.size(); i++) {
      String name = targets.get(i).cluster();
      if (targets.get(i).header() == null && !config.clusters().containsKey(name)) {
        String field =
            positions.containsKey(path + ".weighted_clusters")
                ? ".weighted_clusters.clusters[" + i + "].name"
                : ".cluster";
        problem(
            path + field,
            "there is no cluster '"
                + name
                + "'"
                + NearestName.hint(name, config.clusters().keySet()));
      }
    }
  }

  private @Nullable SocketAddressConfig address(Address address, String path) {
    SocketAddress socket = address.getSocketAddress();
    if (!address.hasSocketAddress()) {
      problem(path, "expected socket_address");
      return null;
    }
    if (socket.getAddress().isEmpty()) {
      problem(path + ".socket_address.address", "is required");
      return null;
    }
    if (socket.getPortValue() < 0 || socket.getPortValue() > 65535) {
      problem(path + ".socket_address.port_value", "expected 0 to 65535");
      return null;
    }
    return new SocketAddressConfig(socket.getAddress(), socket.getPortValue());
  }

  // -------------------------------------------------------------------------- dynamic resources

  private static String adsCluster(Bootstrap proto) {
    ApiConfigSource ads = proto.getDynamicResources().getAdsConfig();
    return ads.getGrpcServicesCount() == 0
        ? ""
        : ads.getGrpcServices(0).getEnvoyGrpc().getClusterName();
  }

  private Dynamic dynamic(Bootstrap proto) {
    if (!proto.hasDynamicResources()) {
      return Dynamic.NONE;
    }
    DynamicResources resources = proto.getDynamicResources();
    @Nullable AdsServer ads = resources.hasAdsConfig() ? ads(proto) : null;
    BootstrapConfig.Source listeners =
        source(resources.hasLdsConfig(), resources.getLdsConfig(), resources, "lds_config");
    BootstrapConfig.Source clusters =
        source(resources.hasCdsConfig(), resources.getCdsConfig(), resources, "cds_config");
    if (resources.hasAdsConfig() && proto.getNode().getId().isEmpty()) {
      problem("node.id", "is required with ads_config");
    }
    return new Dynamic(listeners, clusters, ads);
  }

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private BootstrapConfig.Source source(
      boolean set, ConfigSource source, DynamicResources resources, String field) {
    String path = DYNAMIC + field;
    if (!set) {
      return new BootstrapConfig.Source.None();
    }
    if (source.getResourceApiVersion() == ApiVersion.V2) {
      problem(path + ".resource_api_version", "expected V3");
    }
    return switch (source.getConfigSourceSpecifierCase()) {
      case ADS -> {
        if (!resources.hasAdsConfig()) {
          problem(path + ".ads", "needs dynamic_resources.ads_config");
        }
        yield new BootstrapConfig.Source.Ads();
      }
      case PATH_CONFIG_SOURCE, PATH -> {
        problem(
            path
                + (source.getConfigSourceSpecifierCase() == ConfigSourceSpecifierCase.PATH
                    ? ".path"
                    : ".path_config_source"),
            "resources in files are not supported; expected ads, or list them in static_resources");
        yield new BootstrapConfig.Source.None();
      }
      case API_CONFIG_SOURCE, SELF, CONFIGSOURCESPECIFIER_NOT_SET -> {
        problem(path, "expected ads");
        yield new BootstrapConfig.Source.None();
      }
    };
  }

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private @Nullable AdsServer ads(Bootstrap proto) {
    String path = DYNAMIC + "ads_config";
    ApiConfigSource ads = proto.getDynamicResources().getAdsConfig();
    @Nullable Variant variant =
        switch (ads.getApiType()) {
          case GRPC, AGGREGATED_GRPC -> Variant.STATE_OF_THE_WORLD;
          case DELTA_GRPC, AGGREGATED_DELTA_GRPC -> Variant.DELTA;
          case REST, DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE, UNRECOGNIZED -> null;
        };
    if (variant == null) {
      problem(path + ".api_type", "expected GRPC or DELTA_GRPC");
      return null;
    }
    if (ads.getTransportApiVersion() == ApiVersion.V2) {
      problem(path + ".transport_api_version", "expected V3");
    }
    if (ads.getGrpcServicesCount() != 1) {
      problem(path + ".grpc_services", "expected one, found " + ads.getGrpcServicesCount());
      return null;
    }
    GrpcService service = ads.getGrpcServices(0);
    String at = path + ".grpc_services[0]";
    @Nullable Target target =
        switch (service.getTargetSpecifierCase()) {
          case ENVOY_GRPC -> byCluster(proto, service.getEnvoyGrpc(), at + ".envoy_grpc");
          case GOOGLE_GRPC -> byUri(service.getGoogleGrpc(), at + ".google_grpc");
          case TARGETSPECIFIER_NOT_SET -> {
            problem(at, "expected envoy_grpc or google_grpc");
            yield null;
          }
        };
    List<BootstrapConfig.Header> metadata = new ArrayList<>();
    service
        .getInitialMetadataList()
        .forEach(h -> metadata.add(new BootstrapConfig.Header(h.getKey(), h.getValue())));
    return target == null ? null : new AdsServer(variant, target, metadata);
  }

  private @Nullable Target byCluster(Bootstrap proto, GrpcService.EnvoyGrpc grpc, String path) {
    List<Cluster> clusters = proto.getStaticResources().getClustersList();
    for (int i = 0; i < clusters.size(); i++) {
      if (clusters.get(i).getName().equals(grpc.getClusterName())) {
        @Nullable Unresolved<ClusterConfig> cluster =
            one(
                clusters.get(i),
                STATIC + "clusters[" + i + "]",
                new ClusterDecoder(ClusterDecoder.Use.OWN_GRPC));
        return cluster == null ? null : new Target.ByCluster(cluster, grpc.getAuthority());
      }
    }
    problem(
        path + ".cluster_name",
        "there is no static cluster '"
            + grpc.getClusterName()
            + "'"
            + NearestName.hint(
                grpc.getClusterName(), clusters.stream().map(Cluster::getName).toList()));
    return null;
  }

  private @Nullable Target byUri(GrpcService.GoogleGrpc grpc, String path) {
    if (grpc.getTargetUri().isEmpty()) {
      problem(path + ".target_uri", "is required");
      return null;
    }
    if (!grpc.getChannelCredentials().hasSslCredentials()) {
      return new Target.ByUri(grpc.getTargetUri(), new UpstreamTls.Plain());
    }
    // Said in another way it is the TLS of a cluster, which is checked there.
    GrpcService.GoogleGrpc.SslCredentials ssl = grpc.getChannelCredentials().getSslCredentials();
    CommonTlsContext.Builder common =
        CommonTlsContext.newBuilder()
            .setValidationContext(
                CertificateValidationContext.newBuilder().setTrustedCa(ssl.getRootCerts()))
            .addAlpnProtocols("h2");
    if (!ssl.getCertChain().equals(DataSource.getDefaultInstance())) {
      common.addTlsCertificates(
          TlsCertificate.newBuilder()
              .setCertificateChain(ssl.getCertChain())
              .setPrivateKey(ssl.getPrivateKey()));
    }
    Cluster carrier =
        Cluster.newBuilder()
            .setName(grpc.getTargetUri())
            .setTransportSocket(
                TransportSocket.newBuilder()
                    .setTypedConfig(
                        com.google.protobuf.Any.pack(
                            UpstreamTlsContext.newBuilder().setCommonTlsContext(common).build())))
            .build();
    try {
      Unresolved<ClusterConfig> decoded =
          new ClusterDecoder(ClusterDecoder.Use.OWN_GRPC)
              .decode(
                  carrier,
                  dev.outrigger.proxy.extension.DecodeContext.strict(
                      TypeUrls.CLUSTER, grpc.getTargetUri()));
      ClusterConfig cluster =
          StaticAssembler.assemble(Map.of(), Map.of(grpc.getTargetUri(), decoded), Map.of())
              .clusters()
              .values()
              .iterator()
              .next();
      return new Target.ByUri(grpc.getTargetUri(), cluster.tlsMatches().getFirst().tls());
    } catch (InvalidResourceException e) {
      problem(path + ".channel_credentials.ssl_credentials", e.reason());
      return null;
    }
  }
}
