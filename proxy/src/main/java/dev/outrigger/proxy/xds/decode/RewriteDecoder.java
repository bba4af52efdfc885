package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.Rewrite;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.RedirectAction;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatchAndSubstitute;
import org.jspecify.annotations.Nullable;

/** New paths and hosts. */
final class RewriteDecoder {
  private RewriteDecoder() {}

  static Rewrite decode(RouteAction route, Scope scope) throws InvalidResourceException {
    if (!route.getPrefixRewrite().isEmpty() && route.hasRegexRewrite()) {
      throw scope.in("regex_rewrite").refuse("cannot stand beside prefix_rewrite");
    }
    @Nullable PathRewrite path =
        route.hasRegexRewrite()
            ? regex(route.getRegexRewrite(), scope.in("regex_rewrite"))
            : route.getPrefixRewrite().isEmpty()
                ? null
                : new PathRewrite.Prefix(
                    target(route.getPrefixRewrite(), scope.in("prefix_rewrite")));
    return new Rewrite(path, host(route, scope), route.getAppendXForwardedHost());
  }

  private static @Nullable HostRewrite host(RouteAction route, Scope scope)
      throws InvalidResourceException {
    return switch (route.getHostRewriteSpecifierCase()) {
      case HOST_REWRITE_LITERAL ->
          new HostRewrite.Literal(
              target(route.getHostRewriteLiteral(), scope.in("host_rewrite_literal")));
      case AUTO_HOST_REWRITE ->
          route.getAutoHostRewrite().getValue() ? new HostRewrite.OfEndpoint() : null;
      case HOST_REWRITE_HEADER ->
          new HostRewrite.OfHeader(
              HeaderChangesDecoder.name(
                  route.getHostRewriteHeader(), scope.in("host_rewrite_header")));
      case HOST_REWRITE_PATH_REGEX -> {
        Scope at = scope.in("host_rewrite_path_regex");
        RegexMatchAndSubstitute rewrite = route.getHostRewritePathRegex();
        RegexPattern pattern = MatchDecoder.regex(rewrite.getPattern(), at.in("pattern"));
        yield new HostRewrite.OfPath(pattern, MatchDecoder.substitution(rewrite, pattern, at));
      }
      case HOSTREWRITESPECIFIER_NOT_SET -> null;
    };
  }

  static @Nullable PathRewrite path(RedirectAction redirect, Scope scope)
      throws InvalidResourceException {
    return switch (redirect.getPathRewriteSpecifierCase()) {
      case PATH_REDIRECT ->
          new PathRewrite.Full(target(redirect.getPathRedirect(), scope.in("path_redirect")));
      case PREFIX_REWRITE ->
          new PathRewrite.Prefix(target(redirect.getPrefixRewrite(), scope.in("prefix_rewrite")));
      case REGEX_REWRITE -> regex(redirect.getRegexRewrite(), scope.in("regex_rewrite"));
      case PATHREWRITESPECIFIER_NOT_SET -> null;
    };
  }

  private static PathRewrite regex(RegexMatchAndSubstitute rewrite, Scope scope)
      throws InvalidResourceException {
    RegexPattern pattern = MatchDecoder.regex(rewrite.getPattern(), scope.in("pattern"));
    return new PathRewrite.Regex(pattern, MatchDecoder.substitution(rewrite, pattern, scope));
  }

  /** Text that goes into a request line or a header: no spaces, no control characters. */
  static String target(String text, Scope scope) throws InvalidResourceException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7f) {
        throw scope.refuse("'" + text.strip() + "' holds a character that cannot be sent");
      }
    }
    return text;
  }
}
