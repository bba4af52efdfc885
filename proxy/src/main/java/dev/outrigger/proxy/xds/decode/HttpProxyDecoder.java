package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.CertDetail;
import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.xds.TypeUrls;
import io.envoyproxy.envoy.config.core.v3.HttpProtocolOptions;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The HTTP connection manager. */
final class HttpProxyDecoder {
  private static final int MAX_HEAD_KIB = 8192;
  private static final int MAX_HOPS = 100;
  private static final String SERVER = "outrigger";

  private HttpProxyDecoder() {}

  static Unresolved<NetworkFilter> decode(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    List<HttpFilterConfig> filters = HttpFilterDecoder.decode(manager, scope);
    HttpProxyConfig.Codec codec = codec(manager, scope.in("codec_type"));
    HttpProxyConfig.Limits limits = limits(manager, scope);
    HttpProxyConfig.Timeouts timeouts = timeouts(manager, scope);
    HttpProxyConfig.Forwarding forwarding = forwarding(manager, scope);
    TracingConfig tracing = tracing(manager, scope.in("tracing"));
    AccessLogConfig log = accessLog(manager, scope);
    UpgradesConfig upgrades = UpgradesDecoder.ofListener(manager, scope);
    String serverName = serverName(manager, scope);
    boolean serverIfAbsent =
        manager.getServerHeaderTransformation()
            == HttpConnectionManager.ServerHeaderTransformation.APPEND_IF_ABSENT;
    HttpProxyConfig.RequestIds requestIds =
        new HttpProxyConfig.RequestIds(
            !manager.hasGenerateRequestId() || manager.getGenerateRequestId().getValue(),
            manager.getPreserveExternalRequestId(),
            manager.getAlwaysSetRequestIdInResponse());
    NameCase nameCase =
        NameCaseDecoder.decode(manager.getHttpProtocolOptions(), scope.in("http_protocol_options"));
    Deferred.Step<RouteTableConfig> routes;
    Set<ResourceRef> needs;
    switch (manager.getRouteSpecifierCase()) {
      case ROUTE_CONFIG -> {
        RouteTableConfig table =
            RouteDecoder.decode(manager.getRouteConfig(), scope.in("route_config"));
        routes = _ -> table;
        needs = Set.of();
      }
      case RDS -> {
        Scope at = scope.in("rds");
        TlsDecoder.checkSource(manager.getRds().getConfigSource(), at.in("config_source"));
        String name = at.in("route_config_name").required(manager.getRds().getRouteConfigName());
        routes = r -> r.routes(name);
        needs = Set.of(new ResourceRef(TypeUrls.ROUTE, name));
      }
      case ROUTESPECIFIER_NOT_SET -> throw scope.refuse("expected route_config or rds");
      default -> throw scope.refuse("expected route_config or rds");
    }
    return new Deferred<>(
        needs,
        r ->
            new NetworkFilter.Http(
                new HttpProxyConfig(
                    manager.getStatPrefix(),
                    routes.resolve(r),
                    codec,
                    limits,
                    timeouts,
                    forwarding,
                    tracing,
                    log,
                    upgrades,
                    serverName,
                    serverIfAbsent,
                    requestIds,
                    filters,
                    nameCase)));
  }

  @SuppressWarnings("deprecation") // the field beside access_log_options
  private static AccessLogConfig accessLog(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    HttpConnectionManager.HcmAccessLogOptions options = manager.getAccessLogOptions();
    return AccessLogDecoder.decode(
        manager.getAccessLogList(),
        options.hasAccessLogFlushInterval()
            ? options.getAccessLogFlushInterval()
            : manager.getAccessLogFlushInterval(),
        options.getFlushAccessLogOnNewRequest() || manager.getFlushAccessLogOnNewRequest(),
        scope);
  }

  private static HttpProxyConfig.Codec codec(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    return switch (manager.getCodecType()) {
      case AUTO -> HttpProxyConfig.Codec.AUTO;
      case HTTP1 -> HttpProxyConfig.Codec.HTTP1;
      case HTTP2 -> HttpProxyConfig.Codec.HTTP2;
      case HTTP3 -> throw scope.refuse("HTTP/3 is not supported yet");
      case UNRECOGNIZED -> throw scope.refuse("is no known codec");
    };
  }

  private static HttpProxyConfig.Limits limits(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    HttpProxyConfig.Limits defaults = HttpProxyConfig.Limits.DEFAULT;
    HttpProtocolOptions common = manager.getCommonHttpProtocolOptions();
    Scope at = scope.in("common_http_protocol_options");
    return new HttpProxyConfig.Limits(
        manager.hasMaxRequestHeadersKb()
            ? 1024
                * scope
                    .in("max_request_headers_kb")
                    .number(manager.getMaxRequestHeadersKb(), 1, MAX_HEAD_KIB)
            : defaults.maxHeadBytes(),
        common.hasMaxHeadersCount()
            ? at.in("max_headers_count").number(common.getMaxHeadersCount(), 1, 10_000)
            : defaults.maxHeaders(),
        noBound(common.getMaxRequestsPerConnection(), at.in("max_requests_per_connection")),
        Http2OptionsDecoder.decode(
            manager.getHttp2ProtocolOptions(),
            defaults.http2(),
            scope.in("http2_protocol_options")),
        RequestRulesDecoder.decode(manager, scope));
  }

  static int noBound(UInt32Value value, Scope scope) throws InvalidResourceException {
    return scope.atLeast(value, 0);
  }

  private static HttpProxyConfig.Timeouts timeouts(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    HttpProxyConfig.Timeouts defaults = HttpProxyConfig.Timeouts.DEFAULT;
    HttpProtocolOptions common = manager.getCommonHttpProtocolOptions();
    Scope at = scope.in("common_http_protocol_options");
    if (common.hasMaxResponseHeadersKb()) {
      at.in("max_response_headers_kb").unsupported("only for answers of endpoints");
    }
    return new HttpProxyConfig.Timeouts(
        or(
            common.hasIdleTimeout(),
            common.getIdleTimeout(),
            defaults.connectionIdle(),
            at.in("idle_timeout")),
        or(
            manager.hasRequestHeadersTimeout(),
            manager.getRequestHeadersTimeout(),
            defaults.requestHeaders(),
            scope.in("request_headers_timeout")),
        or(
            manager.hasStreamIdleTimeout(),
            manager.getStreamIdleTimeout(),
            defaults.streamIdle(),
            scope.in("stream_idle_timeout")),
        or(
            manager.hasDrainTimeout(),
            manager.getDrainTimeout(),
            defaults.drain(),
            scope.in("drain_timeout")),
        or(
            manager.hasRequestTimeout(),
            manager.getRequestTimeout(),
            defaults.request(),
            scope.in("request_timeout")),
        or(
            common.hasMaxStreamDuration(),
            common.getMaxStreamDuration(),
            defaults.maxStreamDuration(),
            at.in("max_stream_duration")),
        or(
            common.hasMaxConnectionDuration(),
            common.getMaxConnectionDuration(),
            defaults.maxConnectionAge(),
            at.in("max_connection_duration")));
  }

  private static Duration or(
      boolean set, com.google.protobuf.Duration value, Duration otherwise, Scope scope)
      throws InvalidResourceException {
    return set ? scope.duration(value) : otherwise;
  }

  private static HttpProxyConfig.Forwarding forwarding(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    HttpProxyConfig.ClientCert clientCert =
        switch (manager.getForwardClientCertDetails()) {
          case SANITIZE -> HttpProxyConfig.ClientCert.SANITIZE;
          case FORWARD_ONLY -> HttpProxyConfig.ClientCert.FORWARD_ONLY;
          case APPEND_FORWARD -> HttpProxyConfig.ClientCert.APPEND_FORWARD;
          case SANITIZE_SET -> HttpProxyConfig.ClientCert.SANITIZE_SET;
          case ALWAYS_FORWARD_ONLY -> HttpProxyConfig.ClientCert.ALWAYS_FORWARD_ONLY;
          case UNRECOGNIZED ->
              throw scope.in("forward_client_cert_details").refuse("is no known choice");
        };
    Set<CertDetail> details = EnumSet.noneOf(CertDetail.class);
    if (manager.getSetCurrentClientCertDetails().getSubject().getValue()) {
      details.add(CertDetail.SUBJECT);
    }
    if (manager.getSetCurrentClientCertDetails().getDns()) {
      details.add(CertDetail.DNS);
    }
    if (manager.getSetCurrentClientCertDetails().getCert()) {
      details.add(CertDetail.CERT);
    }
    if (manager.getSetCurrentClientCertDetails().getChain()) {
      details.add(CertDetail.CHAIN);
    }
    if (manager.getSetCurrentClientCertDetails().getUri()) {
      details.add(CertDetail.URI);
    }
    return new HttpProxyConfig.Forwarding(
        manager.getUseRemoteAddress().getValue(),
        clientCert,
        details,
        scope.in("xff_num_trusted_hops").number(manager.getXffNumTrustedHops(), 0, MAX_HOPS),
        manager.getSkipXffAppend(),
        manager.getAppendXForwardedPort(),
        via(manager.getVia(), scope.in("via")),
        ForwardedDecoder.decode(manager, scope));
  }

  private static String via(String text, Scope scope) throws InvalidResourceException {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < ' ' || text.charAt(i) >= 0x7f) {
        throw scope.refuse("holds a character that cannot be sent");
      }
    }
    return text;
  }

  private static TracingConfig tracing(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    if (!manager.hasTracing()) {
      return TracingConfig.OFF;
    }
    HttpConnectionManager.Tracing tracing = manager.getTracing();
    double random =
        tracing.hasRandomSampling()
            ? percent(tracing.getRandomSampling().getValue(), scope.in("random_sampling"))
            : 100;
    double overall =
        tracing.hasOverallSampling()
            ? percent(tracing.getOverallSampling().getValue(), scope.in("overall_sampling"))
            : 100;
    return new TracingConfig(true, Math.min(random, overall));
  }

  static double percent(double value, Scope scope) throws InvalidResourceException {
    if (!(value >= 0 && value <= 100)) {
      throw scope.refuse("is " + value + ", expected 0 to 100");
    }
    return value;
  }

  private static String serverName(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    return switch (manager.getServerHeaderTransformation()) {
      case OVERWRITE, APPEND_IF_ABSENT ->
          manager.getServerName().isEmpty() ? SERVER : manager.getServerName();
      case PASS_THROUGH -> "";
      case UNRECOGNIZED ->
          throw scope.in("server_header_transformation").refuse("is no known choice");
    };
  }
}
