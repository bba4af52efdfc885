package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.BoolValue;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.CorsPolicy;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatcher;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import java.util.List;
import java.util.regex.Pattern;

/** What a route says to the CORS filter. */
final class CorsPolicies {
  private static final Pattern SPECIAL = Pattern.compile("[.+()\\[\\]{}^$|?\\\\]");

  private CorsPolicies() {}

  static CorsPolicy of(Filter.Cors cors) {
    CorsPolicy.Builder policy =
        CorsPolicy.newBuilder()
            .setAllowMethods(String.join(", ", cors.methods()))
            .setAllowHeaders(String.join(", ", cors.headers()))
            .setExposeHeaders(String.join(", ", cors.exposed()))
            .setMaxAge(Long.toString(cors.maxAge().toSeconds()))
            .setAllowCredentials(BoolValue.of(cors.credentials()))
            // Who is not allowed hears so here; the application need not know of preflights.
            .setForwardNotMatchingPreflights(BoolValue.of(false));
    List<String> origins = cors.origins();
    for (String origin : origins) {
      policy.addAllowOriginStringMatch(origin(origin));
    }
    return policy.build();
  }

  private static StringMatcher origin(String origin) {
    if (origin.equals("*") || origin.indexOf('*') < 0) {
      return StringMatcher.newBuilder().setExact(origin).build();
    }
    String regex =
        SPECIAL
            .matcher(origin)
            .replaceAll("\\\\$0")
            .replace(":*", ":[0-9]+")
            .replace("*", "[^/:]+");
    return StringMatcher.newBuilder()
        .setSafeRegex(RegexMatcher.newBuilder().setRegex(regex))
        .build();
  }
}
