package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.outrigger.api.http.v1.Forwarded;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.FilterConfig;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.extensions.access_loggers.file.v3.FileAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StderrAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import io.envoyproxy.envoy.extensions.compression.brotli.compressor.v3.Brotli;
import io.envoyproxy.envoy.extensions.compression.gzip.compressor.v3.Gzip;
import io.envoyproxy.envoy.extensions.compression.zstd.compressor.v3.Zstd;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.Buffer;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.BufferPerRoute;
import io.envoyproxy.envoy.extensions.filters.http.compressor.v3.Compressor;
import io.envoyproxy.envoy.extensions.filters.http.compressor.v3.CompressorPerRoute;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.Cors;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.CorsPolicy;
import io.envoyproxy.envoy.extensions.filters.http.grpc_web.v3.GrpcWeb;
import io.envoyproxy.envoy.extensions.filters.http.router.v3.Router;
import io.envoyproxy.envoy.extensions.filters.listener.http_inspector.v3.HttpInspector;
import io.envoyproxy.envoy.extensions.filters.listener.original_dst.v3.OriginalDst;
import io.envoyproxy.envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol;
import io.envoyproxy.envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import io.envoyproxy.envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig;
import io.envoyproxy.envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided;
import io.envoyproxy.envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest;
import io.envoyproxy.envoy.extensions.load_balancing_policies.random.v3.Random;
import io.envoyproxy.envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin;
import io.envoyproxy.envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate;
import io.envoyproxy.envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.Secret;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The messages that may stand in an {@code Any}, by full name. Only classes that are asked for are
 * loaded.
 */
public final class KnownTypes {
  private static final Map<String, Supplier<Message>> TYPES = new TreeMap<>();

  static {
    TYPES.put("envoy.config.cluster.v3.Cluster", Cluster::getDefaultInstance);
    TYPES.put(
        "envoy.config.endpoint.v3.ClusterLoadAssignment",
        ClusterLoadAssignment::getDefaultInstance);
    TYPES.put("envoy.config.listener.v3.Listener", Listener::getDefaultInstance);
    TYPES.put("envoy.config.route.v3.RouteConfiguration", RouteConfiguration::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.access_loggers.file.v3.FileAccessLog", FileAccessLog::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
        StderrAccessLog::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        StdoutAccessLog::getDefaultInstance);
    TYPES.put("envoy.extensions.filters.http.cors.v3.Cors", Cors::getDefaultInstance);
    TYPES.put("envoy.extensions.filters.http.cors.v3.CorsPolicy", CorsPolicy::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.http.compressor.v3.Compressor", Compressor::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute",
        CompressorPerRoute::getDefaultInstance);
    TYPES.put("envoy.extensions.filters.http.buffer.v3.Buffer", Buffer::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
        BufferPerRoute::getDefaultInstance);
    TYPES.put("envoy.extensions.compression.gzip.compressor.v3.Gzip", Gzip::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.compression.brotli.compressor.v3.Brotli", Brotli::getDefaultInstance);
    TYPES.put("envoy.extensions.compression.zstd.compressor.v3.Zstd", Zstd::getDefaultInstance);
    TYPES.put("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", GrpcWeb::getDefaultInstance);
    TYPES.put("envoy.config.route.v3.FilterConfig", FilterConfig::getDefaultInstance);
    TYPES.put("envoy.extensions.filters.http.router.v3.Router", Router::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        HttpInspector::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        OriginalDst::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        ProxyProtocol::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        TlsInspector::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        HttpConnectionManager::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", TcpProxy::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
        PreserveCaseFormatterConfig::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided",
        ClusterProvided::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
        LeastRequest::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.load_balancing_policies.random.v3.Random", Random::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
        RoundRobin::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        PreviousHostsPredicate::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
        RawBuffer::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        DownstreamTlsContext::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig",
        SPIFFECertValidatorConfig::getDefaultInstance);
    TYPES.put("envoy.extensions.transport_sockets.tls.v3.Secret", Secret::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        UpstreamTlsContext::getDefaultInstance);
    TYPES.put(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        HttpProtocolOptions::getDefaultInstance);
    TYPES.put("outrigger.http.v1.Forwarded", Forwarded::getDefaultInstance);
  }

  private KnownTypes() {}

  /** Full names such as {@code envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy}. */
  public static Set<String> names() {
    return TYPES.keySet();
  }

  /** An empty message of the type; null if this proxy does not know it. */
  public static @Nullable Message prototype(String fullName) {
    Supplier<Message> type = TYPES.get(fullName);
    return type == null ? null : type.get();
  }

  /** The full name within a type URL. */
  public static String nameIn(String typeUrl) {
    return typeUrl.substring(typeUrl.lastIndexOf('/') + 1);
  }

  static boolean holds(Any any, Class<? extends Message> kind) {
    return any.is(kind);
  }
}
