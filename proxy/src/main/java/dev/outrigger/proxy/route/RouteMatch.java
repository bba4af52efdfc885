package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.message.RequestHead;
import org.jspecify.annotations.Nullable;

/** The route of one request, with its cluster already drawn. Immutable and shared. */
public final class RouteMatch {
  private final VirtualHost virtualHost;
  private final Route route;
  private final PathMatcher path;
  private final @Nullable String cluster;

  RouteMatch(VirtualHost virtualHost, Route route, PathMatcher path, @Nullable String cluster) {
    this.virtualHost = virtualHost;
    this.route = route;
    this.path = path;
    this.cluster = cluster;
  }

  public VirtualHost virtualHost() {
    return virtualHost;
  }

  public Route route() {
    return route;
  }

  public Action action() {
    return route.action();
  }

  /**
   * The cluster that the request goes to.
   *
   * @throws IllegalStateException if the route answers itself
   */
  public String cluster() {
    if (cluster == null) {
      throw new IllegalStateException("route \"" + route.name() + "\" does not forward");
    }
    return cluster;
  }

  /**
   * The path, with its query, that the upstream is asked for: the same string where nothing is
   * rewritten. What is replaced is the matched prefix, or the whole path of an exact or regex
   * match; the query stays. After a segment prefix exactly one slash joins the two parts, so {@code
   * /a} rewritten to {@code /} turns {@code /a/b} into {@code /b} and {@code /a} into {@code /}.
   */
  public String upstreamPath(String requestPath) {
    return action() instanceof Action.Forward forward && forward.prefixRewrite() != null
        ? rewritten(requestPath, forward.prefixRewrite())
        : requestPath;
  }

  /**
   * The {@code location} of a redirect for this request (xDS: {@code RedirectAction}). A new host
   * drops the request's port; so does a new scheme if the port was the default of the old one. The
   * default port of the scheme is not written.
   *
   * @throws IllegalStateException if the route does not redirect
   */
  public String location(RequestHead head) {
    if (!(action() instanceof Action.Redirect redirect)) {
      throw new IllegalStateException("route \"" + route.name() + "\" does not redirect");
    }
    String scheme = redirect.scheme() == null ? head.scheme() : redirect.scheme();
    StringBuilder location = new StringBuilder(64).append(scheme).append("://");
    String authority = head.authority();
    int portMark = portMark(authority);
    boolean schemeChanged = !scheme.equals(head.scheme());
    location.append(redirect.host() == null ? authority.substring(0, portMark) : redirect.host());
    if (redirect.port() != null) {
      if (redirect.port() != defaultPort(scheme)) {
        location.append(':').append(redirect.port());
      }
    } else if (redirect.host() == null && portMark < authority.length()) {
      String port = authority.substring(portMark);
      if (!schemeChanged || !port.equals(":" + defaultPort(head.scheme()))) {
        location.append(port);
      }
    }
    return location.append(redirectPath(redirect, head.path())).toString();
  }

  private String redirectPath(Action.Redirect redirect, String requestPath) {
    int mark = requestPath.indexOf('?');
    String query = mark < 0 || redirect.stripQuery() ? "" : requestPath.substring(mark);
    if (redirect.path() != null) {
      // A path that brings its own query replaces both.
      return redirect.path().indexOf('?') >= 0 ? redirect.path() : redirect.path() + query;
    }
    String bare = mark < 0 ? requestPath : requestPath.substring(0, mark);
    return redirect.prefixRewrite() == null
        ? bare + query
        : rewritten(bare, redirect.prefixRewrite()) + query;
  }

  private String rewritten(String requestPath, String replacement) {
    int mark = requestPath.indexOf('?');
    int end = mark < 0 ? requestPath.length() : mark;
    int replaced = path.match(requestPath, end);
    if (replaced < 0) {
      // The path was changed since the route was found; it is no longer ours to rewrite.
      return requestPath;
    }
    if (!(route.match().path() instanceof PathMatch.SegmentPrefix)) {
      return replacement + requestPath.substring(replaced);
    }
    String head =
        replacement.endsWith("/")
            ? replacement.substring(0, replacement.length() - 1)
            : replacement;
    boolean nothingLeft = replaced == end && head.isEmpty();
    return head + (nothingLeft ? "/" : "") + requestPath.substring(replaced);
  }

  private static int portMark(String authority) {
    int colon = authority.lastIndexOf(':');
    return colon < 0 || authority.indexOf(']', colon) >= 0 ? authority.length() : colon;
  }

  private static int defaultPort(String scheme) {
    return switch (scheme) {
      case "http" -> 80;
      case "https" -> 443;
      default -> -1;
    };
  }
}
