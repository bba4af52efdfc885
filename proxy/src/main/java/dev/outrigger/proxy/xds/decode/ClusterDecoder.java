package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.AnswerLimits;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.Family;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.ClusterConfig.TlsMatch;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.config.OutlierPolicy;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.xds.TypeUrls;
import io.envoyproxy.envoy.config.cluster.v3.CircuitBreakers.Thresholds;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.RoutingPriority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Clusters. */
public final class ClusterDecoder implements ResourceType<Cluster, Unresolved<ClusterConfig>> {
  private static final Duration DEFAULT_CONNECT = Duration.ofSeconds(5);
  private static final Duration DEFAULT_REFRESH = Duration.ofSeconds(5);
  private static final int MAX_HEAD_KIB = 8192;
  private static final String HTTP_OPTIONS =
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

  /** Whom a cluster serves. */
  public enum Use {
    /** Exchanges and connections of clients. */
    TRAFFIC,
    /** This proxy's own gRPC calls, for which HTTP/2 is right. */
    OWN_GRPC
  }

  private final Use use;

  public ClusterDecoder() {
    this(Use.TRAFFIC);
  }

  public ClusterDecoder(Use use) {
    this.use = use;
  }

  @Override
  public String typeUrl() {
    return TypeUrls.CLUSTER;
  }

  @Override
  public Class<Cluster> messageType() {
    return Cluster.class;
  }

  @Override
  public String nameOf(Cluster message) {
    return message.getName();
  }

  @Override
  public Unresolved<ClusterConfig> decode(Cluster cluster, DecodeContext context)
      throws InvalidResourceException {
    Scope scope = Scope.of(typeUrl(), cluster.getName(), context);
    SupportedFields.check(cluster, scope);
    scope.in("name").required(cluster.getName());
    Unresolved<Discovery> discovery = discovery(cluster, scope);
    LbPolicy balancing = BalancingDecoder.decode(cluster, scope);
    Duration connect =
        cluster.hasConnectTimeout()
            ? scope.in("connect_timeout").positive(cluster.getConnectTimeout())
            : DEFAULT_CONNECT;
    PoolConfig pool = pool(cluster, scope);
    BreakerConfig breaker = breaker(cluster, scope);
    @Nullable HealthCheckPolicy health = HealthCheckDecoder.decode(cluster, scope);
    @Nullable OutlierPolicy outliers =
        cluster.hasOutlierDetection()
            ? HealthCheckDecoder.outliers(
                cluster.getOutlierDetection(), scope.in("outlier_detection"))
            : null;
    List<Tls> tls = tls(cluster, scope);
    Map<String, String> labels = labels(cluster, scope);
    List<Unresolved<?>> parts = new ArrayList<>();
    parts.add(discovery);
    for (Tls one : tls) {
      parts.add(one.tls());
    }
    return new Deferred<>(
        Deferred.needsOf(parts),
        r -> {
          List<TlsMatch> matches = new ArrayList<>();
          for (Tls one : tls) {
            matches.add(one.resolve(r));
          }
          return new ClusterConfig(
              cluster.getName(),
              discovery.resolve(r),
              balancing,
              connect,
              pool,
              breaker,
              health,
              outliers,
              matches,
              labels);
        });
  }

  private static Unresolved<Discovery> discovery(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    if (DroppedFields.isSet(cluster, "cluster_type")) {
      throw scope.in("cluster_type").refuse("is not supported, expected type");
    }
    Scope load = scope.in("load_assignment");
    return switch (cluster.getType()) {
      case STATIC ->
          Unresolved.complete(
              new Discovery.Listed(
                  EndpointDecoder.decode(
                      cluster.getLoadAssignment(), EndpointDecoder.Addressing.LITERALS, load)));
      case STRICT_DNS -> Unresolved.complete(names(cluster, false, scope));
      case LOGICAL_DNS -> {
        Discovery.Dns names = names(cluster, true, scope);
        if (names.names().endpoints().size() != 1) {
          throw load.in("endpoints").refuse("LOGICAL_DNS needs exactly one endpoint");
        }
        yield Unresolved.complete(names);
      }
      case EDS -> {
        if (!cluster.hasEdsClusterConfig()) {
          throw scope.in("eds_cluster_config").refuse("is required with type EDS");
        }
        Cluster.EdsClusterConfig eds = cluster.getEdsClusterConfig();
        TlsDecoder.checkSource(eds.getEdsConfig(), scope.in("eds_cluster_config").in("eds_config"));
        String name = eds.getServiceName().isEmpty() ? cluster.getName() : eds.getServiceName();
        yield new Deferred<>(
            Set.of(new ResourceRef(TypeUrls.ENDPOINT, name)),
            r -> new Discovery.Listed(r.endpoints(name)));
      }
      case ORIGINAL_DST -> Unresolved.complete(originalDestination(cluster, scope));
      case UNRECOGNIZED -> throw scope.in("type").refuse("is no known type");
    };
  }

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private static Discovery.Dns names(Cluster cluster, boolean firstOnly, Scope scope)
      throws InvalidResourceException {
    EndpointSet endpoints =
        EndpointDecoder.decode(
            cluster.getLoadAssignment(),
            EndpointDecoder.Addressing.LITERALS_OR_NAMES,
            scope.in("load_assignment"));
    Duration refresh =
        cluster.hasDnsRefreshRate()
            ? scope.in("dns_refresh_rate").positive(cluster.getDnsRefreshRate())
            : DEFAULT_REFRESH;
    Family family =
        switch (cluster.getDnsLookupFamily()) {
          case AUTO -> Family.V6_PREFERRED;
          case V4_ONLY -> Family.V4_ONLY;
          case V6_ONLY -> Family.V6_ONLY;
          case V4_PREFERRED -> Family.V4_PREFERRED;
          case ALL -> Family.ALL;
          case UNRECOGNIZED -> throw scope.in("dns_lookup_family").refuse("is no known family");
        };
    return new Discovery.Dns(endpoints, refresh, family, firstOnly);
  }

  private static Discovery.OriginalDestination originalDestination(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    if (cluster.hasLoadAssignment()) {
      throw scope.in("load_assignment").refuse("cannot stand beside type ORIGINAL_DST");
    }
    Scope port = scope.in("original_dst_lb_config").in("upstream_port_override");
    var config = cluster.getOriginalDstLbConfig();
    @Nullable String source = null;
    if (cluster.getUpstreamBindConfig().hasSourceAddress()) {
      source =
          Addresses.socket(
                  cluster.getUpstreamBindConfig().getSourceAddress(),
                  scope.in("upstream_bind_config").in("source_address"))
              .host();
    }
    return new Discovery.OriginalDestination(
        config.hasUpstreamPortOverride()
            ? port.number(config.getUpstreamPortOverride(), 0, 65535)
            : 0,
        source);
  }

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private PoolConfig pool(Cluster cluster, Scope scope) throws InvalidResourceException {
    if (cluster.getType() != Cluster.DiscoveryType.ORIGINAL_DST
        && cluster.getUpstreamBindConfig().hasSourceAddress()) {
      scope.in("upstream_bind_config").unsupported("only with type ORIGINAL_DST");
    }
    HttpProtocolOptions common = cluster.getCommonHttpProtocolOptions();
    Spoken spoken =
        new Spoken(
            Speech.HTTP1,
            Http2ProtocolOptions.getDefaultInstance(),
            scope.in("http2_protocol_options"),
            NameCaseDecoder.decode(
                cluster.getHttpProtocolOptions(), scope.in("http_protocol_options")));
    Scope at = scope.in("common_http_protocol_options");
    for (Map.Entry<String, Any> entry : cluster.getTypedExtensionProtocolOptionsMap().entrySet()) {
      Scope in = scope.in("typed_extension_protocol_options", entry.getKey());
      if (!entry.getKey().equals(HTTP_OPTIONS)) {
        in.unsupported("expected " + HTTP_OPTIONS);
        continue;
      }
      var options =
          in.unpack(
              entry.getValue(),
              io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions.class);
      spoken = spoken(options, in);
      if (options.hasCommonHttpProtocolOptions()) {
        common = options.getCommonHttpProtocolOptions();
        at = in.in("common_http_protocol_options");
      }
    }
    if (common.getHeadersWithUnderscoresActionValue() != 0) {
      at.in("headers_with_underscores_action").unsupported("only for requests of clients");
    }
    if (common.hasMaxStreamDuration()) {
      at.in("max_stream_duration").unsupported("only for requests of clients, and of a route");
    }
    PoolConfig defaults = PoolConfig.DEFAULT;
    int requests =
        common.hasMaxRequestsPerConnection()
            ? HttpProxyDecoder.noBound(
                common.getMaxRequestsPerConnection(), at.in("max_requests_per_connection"))
            : HttpProxyDecoder.noBound(
                cluster.getMaxRequestsPerConnection(), scope.in("max_requests_per_connection"));
    Map<String, Value> own = ownPool(cluster, scope);
    Scope pool = scope.in("metadata").in("filter_metadata", EndpointDecoder.OWN).in("pool");
    return new PoolConfig(
        count(own, "minIdle", pool),
        count(own, "maxConnectionsPerWorker", pool),
        common.hasIdleTimeout()
            ? at.in("idle_timeout").duration(common.getIdleTimeout())
            : defaults.idleTimeout(),
        common.hasMaxConnectionDuration()
            ? at.in("max_connection_duration").duration(common.getMaxConnectionDuration())
            : defaults.maxAge(),
        requests,
        use == Use.OWN_GRPC ? Speech.HTTP1 : spoken.speech(),
        Http2OptionsDecoder.decode(spoken.http2(), defaults.http2(), spoken.scope()),
        answers(common, at),
        spoken.nameCase());
  }

  private static AnswerLimits answers(HttpProtocolOptions common, Scope at)
      throws InvalidResourceException {
    AnswerLimits defaults = AnswerLimits.DEFAULT;
    return new AnswerLimits(
        common.hasMaxResponseHeadersKb()
            ? 1024
                * at.in("max_response_headers_kb")
                    .number(common.getMaxResponseHeadersKb(), 1, MAX_HEAD_KIB)
            : defaults.maxHeadBytes(),
        common.hasMaxHeadersCount()
            ? at.in("max_headers_count").number(common.getMaxHeadersCount(), 1, 10_000)
            : defaults.maxHeaders());
  }

  private record Spoken(
      Speech speech, Http2ProtocolOptions http2, Scope scope, NameCase nameCase) {}

  private Spoken spoken(
      io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions options, Scope scope)
      throws InvalidResourceException {
    String field = "http2_protocol_options";
    String first = "http_protocol_options";
    return switch (options.getUpstreamProtocolOptionsCase()) {
      case EXPLICIT_HTTP_CONFIG -> {
        Scope at = scope.in("explicit_http_config");
        var explicit = options.getExplicitHttpConfig();
        Speech speech =
            switch (explicit.getProtocolConfigCase()) {
              case HTTP_PROTOCOL_OPTIONS -> Speech.HTTP1;
              case HTTP2_PROTOCOL_OPTIONS -> Speech.HTTP2;
              case PROTOCOLCONFIG_NOT_SET ->
                  throw at.refuse("expected http_protocol_options or http2_protocol_options");
            };
        yield new Spoken(
            speech,
            explicit.getHttp2ProtocolOptions(),
            at.in(field),
            NameCaseDecoder.decode(explicit.getHttpProtocolOptions(), at.in(first)));
      }
      case USE_DOWNSTREAM_PROTOCOL_CONFIG -> {
        var same = options.getUseDownstreamProtocolConfig();
        yield new Spoken(
            same.hasHttp2ProtocolOptions() ? Speech.AS_DOWNSTREAM : Speech.HTTP1,
            same.getHttp2ProtocolOptions(),
            scope.in("use_downstream_protocol_config").in(field),
            NameCaseDecoder.decode(
                same.getHttpProtocolOptions(),
                scope.in("use_downstream_protocol_config").in(first)));
      }
      case AUTO_CONFIG -> {
        var either = options.getAutoConfig();
        Scope at = scope.in("auto_config");
        yield new Spoken(
            Speech.NEGOTIATED,
            either.getHttp2ProtocolOptions(),
            at.in(field),
            NameCaseDecoder.decode(either.getHttpProtocolOptions(), at.in(first)));
      }
      case UPSTREAMPROTOCOLOPTIONS_NOT_SET ->
          throw scope.refuse(
              "expected explicit_http_config, use_downstream_protocol_config or auto_config");
    };
  }

  private static Map<String, Value> ownPool(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    @Nullable Struct own = cluster.getMetadata().getFilterMetadataMap().get(EndpointDecoder.OWN);
    @Nullable Value pool = own == null ? null : own.getFieldsMap().get("pool");
    if (pool == null) {
      return Map.of();
    }
    Scope at = scope.in("metadata").in("filter_metadata", EndpointDecoder.OWN).in("pool");
    if (!pool.hasStructValue()) {
      throw at.refuse("expected minIdle and maxConnectionsPerWorker");
    }
    for (String name : pool.getStructValue().getFieldsMap().keySet()) {
      if (!name.equals("minIdle") && !name.equals("maxConnectionsPerWorker")) {
        throw at.in(name).refuse("is unknown, expected minIdle or maxConnectionsPerWorker");
      }
    }
    return pool.getStructValue().getFieldsMap();
  }

  private static int count(Map<String, Value> values, String name, Scope scope)
      throws InvalidResourceException {
    @Nullable Value value = values.get(name);
    if (value == null) {
      return 0;
    }
    double number = value.getNumberValue();
    if (!value.hasNumberValue() || number != Math.rint(number) || number < 0 || number > 65535) {
      throw scope.in(name).refuse("expected a whole number from 0 to 65535");
    }
    return (int) number;
  }

  private static BreakerConfig breaker(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    BreakerConfig breaker = BreakerConfig.DEFAULT;
    for (int i = 0; i < cluster.getCircuitBreakers().getThresholdsCount(); i++) {
      Thresholds limits = cluster.getCircuitBreakers().getThresholds(i);
      // No route can ask for the other priority.
      if (limits.getPriority() == RoutingPriority.DEFAULT) {
        breaker = thresholds(limits, scope.in("circuit_breakers").in("thresholds", i));
      }
    }
    return breaker;
  }

  private static BreakerConfig thresholds(Thresholds limits, Scope scope)
      throws InvalidResourceException {
    BreakerConfig defaults = BreakerConfig.DEFAULT;
    double percent = defaults.retryBudgetPercent();
    int least = defaults.minRetryConcurrency();
    if (limits.hasRetryBudget()) {
      Scope at = scope.in("retry_budget");
      var budget = limits.getRetryBudget();
      if (budget.hasBudgetPercent()) {
        percent =
            HttpProxyDecoder.percent(budget.getBudgetPercent().getValue(), at.in("budget_percent"));
      }
      if (budget.hasMinRetryConcurrency()) {
        least = at.in("min_retry_concurrency").atLeast(budget.getMinRetryConcurrency(), 0);
      }
    } else if (limits.hasMaxRetries()) {
      // A plain bound is a budget without a share.
      percent = 0;
      least = scope.in("max_retries").atLeast(limits.getMaxRetries(), 0);
    }
    return new BreakerConfig(
        limits.hasMaxConnections()
            ? scope.in("max_connections").atLeast(limits.getMaxConnections(), 0)
            : defaults.maxConnections(),
        limits.hasMaxPendingRequests()
            ? scope.in("max_pending_requests").atLeast(limits.getMaxPendingRequests(), 0)
            : defaults.maxPending(),
        limits.hasMaxRequests()
            ? scope.in("max_requests").atLeast(limits.getMaxRequests(), 0)
            : defaults.maxRequests(),
        percent,
        least);
  }

  private record Tls(String name, Map<String, String> labels, Unresolved<UpstreamTls> tls) {
    TlsMatch resolve(ResourceLookup resources) throws InvalidResourceException {
      return new TlsMatch(name, labels, tls.resolve(resources));
    }
  }

  /** The matches in their order, then what holds for everybody else. */
  private static List<Tls> tls(Cluster cluster, Scope scope) throws InvalidResourceException {
    List<Tls> all = new ArrayList<>();
    for (int i = 0; i < cluster.getTransportSocketMatchesCount(); i++) {
      Cluster.TransportSocketMatch match = cluster.getTransportSocketMatches(i);
      Scope at = scope.in("transport_socket_matches", i);
      all.add(
          new Tls(
              at.in("name").required(match.getName()),
              EndpointDecoder.texts(match.getMatch(), at.in("match")),
              match.hasTransportSocket()
                  ? TlsDecoder.upstream(match.getTransportSocket(), at.in("transport_socket"))
                  : Unresolved.complete(new UpstreamTls.Plain())));
    }
    all.add(
        new Tls(
            "default",
            Map.of(),
            cluster.hasTransportSocket()
                ? TlsDecoder.upstream(cluster.getTransportSocket(), scope.in("transport_socket"))
                : Unresolved.complete(new UpstreamTls.Plain())));
    return all;
  }

  private static Map<String, String> labels(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    @Nullable Struct own = cluster.getMetadata().getFilterMetadataMap().get(EndpointDecoder.OWN);
    if (own == null) {
      return Map.of();
    }
    Map<String, Value> fields = new HashMap<>(own.getFieldsMap());
    fields.remove("pool");
    return EndpointDecoder.texts(
        Struct.newBuilder().putAllFields(fields).build(),
        scope.in("metadata").in("filter_metadata", EndpointDecoder.OWN));
  }
}
