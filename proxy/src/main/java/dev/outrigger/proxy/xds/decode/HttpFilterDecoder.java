package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import dev.outrigger.proxy.config.HttpFilterConfig.Compression;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.RuntimeFeatureFlag;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.Buffer;
import io.envoyproxy.envoy.extensions.filters.http.compressor.v3.Compressor;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.Cors;
import io.envoyproxy.envoy.extensions.filters.http.grpc_web.v3.GrpcWeb;
import io.envoyproxy.envoy.extensions.filters.http.router.v3.Router;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The filters of a connection manager. */
final class HttpFilterDecoder {
  /** A body that is held whole takes so much memory. */
  private static final int MAX_BUFFER = 64 << 20;

  private static final int DEFAULT_MIN_BYTES = 30;

  /** As in Envoy. */
  private static final List<String> DEFAULT_TYPES =
      List.of(
          "application/javascript",
          "application/json",
          "application/xhtml+xml",
          "image/svg+xml",
          "text/css",
          "text/html",
          "text/plain",
          "text/xml");

  private HttpFilterDecoder() {}

  static List<HttpFilterConfig> decode(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    List<HttpFilterConfig> filters = new ArrayList<>();
    Set<Object> kinds = new HashSet<>();
    boolean router = false;
    for (int i = 0; i < manager.getHttpFiltersCount(); i++) {
      HttpFilter filter = manager.getHttpFilters(i);
      Scope at = scope.in("http_filters", i);
      if (!filter.hasTypedConfig()) {
        throw at.in("typed_config").refuse("is required");
      }
      if (filter.getTypedConfig().is(Router.class)) {
        if (i < manager.getHttpFiltersCount() - 1) {
          throw at.refuse("the router must be the last filter");
        }
        router = true;
        continue;
      }
      @Nullable HttpFilterConfig decoded =
          one(filter.getName(), filter.getTypedConfig(), at.in("typed_config"));
      if (decoded != null) {
        if (!kinds.add(kind(decoded))) {
          throw at.refuse("there is a filter of this kind already");
        }
        filters.add(decoded);
      }
    }
    if (!router) {
      throw scope
          .in("http_filters")
          .refuse("the last filter must be envoy.filters.http.router, with its typed_config");
    }
    return filters;
  }

  /** Null for what is not known, which was reported as such. */
  private static @Nullable HttpFilterConfig one(String name, Any config, Scope scope)
      throws InvalidResourceException {
    if (config.is(Cors.class)) {
      return new HttpFilterConfig.Cors(name);
    }
    if (config.is(Compressor.class)) {
      return new HttpFilterConfig.Compressor(
          name, compression(scope.unpack(config, Compressor.class), scope));
    }
    if (config.is(GrpcWeb.class)) {
      return new HttpFilterConfig.GrpcWeb(name);
    }
    if (config.is(Buffer.class)) {
      return new HttpFilterConfig.Buffer(name, bytes(scope.unpack(config, Buffer.class), scope));
    }
    if (KnownTypes.prototype(KnownTypes.nameIn(config.getTypeUrl())) != null) {
      throw scope.refuse("is no HTTP filter");
    }
    return null;
  }

  static int bytes(Buffer buffer, Scope scope) throws InvalidResourceException {
    Scope at = scope.in("max_request_bytes");
    if (!buffer.hasMaxRequestBytes()) {
      throw at.refuse("is required");
    }
    return at.number(buffer.getMaxRequestBytes(), 1, MAX_BUFFER);
  }

  /** Of one kind there is one; compressors of different codings stand side by side. */
  private static Object kind(HttpFilterConfig filter) {
    return filter instanceof HttpFilterConfig.Compressor compressor
        ? compressor.compression().coding().token()
        : filter.getClass();
  }

  private static Compression compression(Compressor compressor, Scope scope)
      throws InvalidResourceException {
    Any library = compressor.getCompressorLibrary().getTypedConfig();
    Scope at = scope.in("compressor_library").in("typed_config");
    Coding coding = CodingDecoder.coding(library, at);
    Compressor.ResponseDirectionConfig direction = compressor.getResponseDirectionConfig();
    Compressor.CommonDirectionConfig common = direction.getCommonConfig();
    Scope of = scope.in("response_direction_config");
    Scope ofCommon = of.in("common_config");
    enabled(common.getEnabled(), ofCommon.in("enabled"));
    Set<String> types = new HashSet<>();
    for (String type :
        common.getContentTypeCount() == 0 ? DEFAULT_TYPES : common.getContentTypeList()) {
      types.add(type.toLowerCase(Locale.ROOT));
    }
    Set<Integer> statuses = new HashSet<>();
    for (int i = 0; i < direction.getUncompressibleResponseCodesCount(); i++) {
      statuses.add(
          of.in("uncompressible_response_codes", i)
              .number(direction.getUncompressibleResponseCodes(i), 200, 599));
    }
    UInt32Value least = common.getMinContentLength();
    return new Compression(
        coding,
        common.hasMinContentLength()
            ? ofCommon.in("min_content_length").atLeast(least, 0)
            : DEFAULT_MIN_BYTES,
        types,
        direction.getDisableOnEtagHeader(),
        direction.getRemoveAcceptEncodingHeader(),
        statuses,
        compressor.getChooseFirst());
  }

  private static void enabled(RuntimeFeatureFlag flag, Scope scope)
      throws InvalidResourceException {
    if (flag.hasDefaultValue() && !flag.getDefaultValue().getValue()) {
      scope.in("default_value").unsupported("leave the filter out instead");
    }
  }
}
