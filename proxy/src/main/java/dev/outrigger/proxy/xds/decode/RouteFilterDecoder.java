package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.FilterConfig;
import io.envoyproxy.envoy.extensions.filters.http.buffer.v3.BufferPerRoute;
import io.envoyproxy.envoy.extensions.filters.http.compressor.v3.CompressorPerRoute;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.CorsPolicy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What route tables, virtual hosts and routes say to filters, by the names of the filters. */
final class RouteFilterDecoder {
  private RouteFilterDecoder() {}

  /**
   * What holds at one level.
   *
   * @param above what holds at the level above; what is said here replaces it, filter by filter
   */
  static Map<String, OfRoute> decode(Map<String, Any> said, Map<String, OfRoute> above, Scope scope)
      throws InvalidResourceException {
    if (said.isEmpty()) {
      return above;
    }
    Map<String, OfRoute> all = new HashMap<>(above);
    for (Map.Entry<String, Any> entry : said.entrySet()) {
      Scope at = scope.in("typed_per_filter_config", entry.getKey());
      @Nullable OfRoute one = one(entry.getValue(), at);
      if (one != null) {
        all.put(entry.getKey(), one);
      }
    }
    return all;
  }

  /** Null for what is not known, which was reported as such. */
  private static @Nullable OfRoute one(Any any, Scope scope) throws InvalidResourceException {
    if (any.is(FilterConfig.class)) {
      FilterConfig config = scope.unpack(any, FilterConfig.class);
      return config.getDisabled()
          ? new OfRoute.Disabled()
          : one(config.getConfig(), scope.in("config"));
    }
    if (any.is(CorsPolicy.class)) {
      return cors(scope.unpack(any, CorsPolicy.class), scope);
    }
    if (any.is(CompressorPerRoute.class)) {
      CompressorPerRoute config = scope.unpack(any, CompressorPerRoute.class);
      if (config.getDisabled()) {
        return new OfRoute.Disabled();
      }
      var direction = config.getOverrides().getResponseDirectionConfig();
      return direction.hasRemoveAcceptEncodingHeader()
          ? new OfRoute.Compressor(direction.getRemoveAcceptEncodingHeader().getValue())
          : null;
    }
    if (any.is(BufferPerRoute.class)) {
      BufferPerRoute config = scope.unpack(any, BufferPerRoute.class);
      return config.getDisabled()
          ? new OfRoute.Disabled()
          : new OfRoute.Buffer(HttpFilterDecoder.bytes(config.getBuffer(), scope.in("buffer")));
    }
    if (KnownTypes.prototype(KnownTypes.nameIn(any.getTypeUrl())) != null) {
      throw scope.refuse("is nothing that a filter could be told");
    }
    return null;
  }

  private static OfRoute cors(CorsPolicy policy, Scope scope) throws InvalidResourceException {
    List<ValueMatch> origins = new ArrayList<>();
    for (int i = 0; i < policy.getAllowOriginStringMatchCount(); i++) {
      Scope at = scope.in("allow_origin_string_match", i);
      ValueMatch match = MatchDecoder.string(policy.getAllowOriginStringMatch(i), at);
      // Envoy takes this one for any origin.
      origins.add(
          match instanceof ValueMatch.Exact exact && exact.value().equals("*")
              ? new ValueMatch.Present()
              : match);
    }
    return new OfRoute.Cors(
        origins,
        text(policy.getAllowMethods(), scope.in("allow_methods")),
        text(policy.getAllowHeaders(), scope.in("allow_headers")),
        text(policy.getExposeHeaders(), scope.in("expose_headers")),
        text(policy.getMaxAge(), scope.in("max_age")),
        policy.getAllowCredentials().getValue(),
        policy.getAllowPrivateNetworkAccess().getValue(),
        !policy.hasForwardNotMatchingPreflights()
            || policy.getForwardNotMatchingPreflights().getValue(),
        policy.hasFilterEnabled()
            ? MatchDecoder.share(policy.getFilterEnabled(), scope.in("filter_enabled"))
            : 1);
  }

  private static String text(String value, Scope scope) throws InvalidResourceException {
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) < ' ' || value.charAt(i) >= 0x7f) {
        throw scope.refuse("holds a character that cannot be sent");
      }
    }
    return value;
  }
}
