package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.HttpRoute.Match;
import dev.outrigger.controlplane.model.HttpRoute.PathMatch;
import dev.outrigger.controlplane.model.HttpRoute.ValueMatch;
import io.envoyproxy.envoy.config.route.v3.HeaderMatcher;
import io.envoyproxy.envoy.config.route.v3.QueryParameterMatcher;
import io.envoyproxy.envoy.config.route.v3.RouteMatch;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatcher;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;

/** What a request must be like, in the words of xDS. */
final class RouteMatches {
  private RouteMatches() {}

  static void addPath(RouteMatch.Builder match, PathMatch path) {
    switch (path) {
      case PathMatch.Exact exact -> match.setPath(exact.value());
      case PathMatch.Regex regex -> match.setSafeRegex(regex(regex.value()));
      case PathMatch.Prefix prefix -> {
        String value = stripped(prefix.value());
        if (value.isEmpty()) {
          match.setPrefix("/");
        } else {
          match.setPathSeparatedPrefix(value);
        }
      }
      case PathMatch.Call call -> addCall(match, call);
    }
  }

  /** The path of a call is the service and the method. */
  private static void addCall(RouteMatch.Builder match, PathMatch.Call call) {
    if (call.service().isEmpty() && call.method().isEmpty()) {
      match.setPrefix("/");
    } else if (call.regex() || call.service().isEmpty()) {
      // The name of a method has no character that means anything in a pattern.
      match.setSafeRegex(regex("/" + part(call.service()) + "/" + part(call.method())));
    } else if (call.method().isEmpty()) {
      match.setPrefix("/" + call.service() + "/");
    } else {
      match.setPath(call.value());
    }
  }

  private static String part(String pattern) {
    return pattern.isEmpty() ? "[^/]+" : "(?:" + pattern + ")";
  }

  /** Adds all but the path. */
  static void addRest(RouteMatch.Builder match, Match wanted) {
    for (ValueMatch header : wanted.headers()) {
      match.addHeaders(
          HeaderMatcher.newBuilder()
              .setName(header.name().equals("host") ? ":authority" : header.name())
              .setStringMatch(string(header)));
    }
    for (ValueMatch query : wanted.query()) {
      match.addQueryParameters(
          QueryParameterMatcher.newBuilder().setName(query.name()).setStringMatch(string(query)));
    }
    if (wanted.method() != null) {
      match.addHeaders(
          HeaderMatcher.newBuilder()
              .setName(":method")
              .setStringMatch(StringMatcher.newBuilder().setExact(wanted.method())));
    }
  }

  private static StringMatcher string(ValueMatch value) {
    return value.regex()
        ? StringMatcher.newBuilder().setSafeRegex(regex(value.value())).build()
        : StringMatcher.newBuilder().setExact(value.value()).build();
  }

  static RegexMatcher regex(String value) {
    return RegexMatcher.newBuilder().setRegex(value).build();
  }

  /** Without slashes at the end. */
  static String stripped(String path) {
    String result = path;
    while (result.endsWith("/")) {
      result = result.substring(0, result.length() - 1);
    }
    return result;
  }
}
