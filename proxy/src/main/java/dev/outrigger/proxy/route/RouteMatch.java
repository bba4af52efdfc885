package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The route of one request, with its cluster already drawn. Immutable and shared. */
public final class RouteMatch {
  private final VirtualHost virtualHost;
  private final Route route;
  private final PathMatcher path;
  private final RouteEdits edits;
  private final @Nullable String cluster;

  RouteMatch(
      VirtualHost virtualHost,
      Route route,
      PathMatcher path,
      RouteEdits edits,
      @Nullable String cluster) {
    this.virtualHost = virtualHost;
    this.route = route;
    this.path = path;
    this.edits = edits;
    this.cluster = cluster;
  }

  /** The same route to a cluster that the request named. */
  RouteMatch towards(String named) {
    return new RouteMatch(virtualHost, route, path, edits, named);
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

  /** What filters are told where the request goes, by their names. */
  public Map<String, OfRoute> filters() {
    return edits.filters();
  }

  /** The route's policy for pages of other origins, under a filter's name; null has none. */
  public @Nullable CorsRule cors(String filter) {
    return edits.cors().get(filter);
  }

  /** Changes to the request's headers, in the order in which they are applied. */
  public List<CompiledChanges> requestChanges() {
    return edits.request();
  }

  /** Changes to the answer's headers, in the order in which they are applied. */
  public List<CompiledChanges> responseChanges() {
    return edits.response();
  }

  /** Whether the request may be tried again, as far as its headers say. */
  public boolean retriable(RequestHead head) {
    try {
      return edits.retryRequests().isEmpty()
          || edits.retryRequests().stream().anyMatch(wanted -> wanted.matches(head));
    } catch (BoundedRegex.Exhausted _) {
      return false;
    }
  }

  /** Whether the answer's headers make it worth another attempt. */
  public boolean answerWorthRetrying(Headers answer) {
    try {
      return edits.retryAnswers().stream().anyMatch(wanted -> wanted.matches(answer));
    } catch (BoundedRegex.Exhausted _) {
      return false;
    }
  }

  /**
   * The path, with its query, that the upstream is asked for: the same string where nothing is
   * rewritten. What is replaced is the matched prefix, or the whole path of an exact or regex
   * match; the query stays. After a segment prefix exactly one slash joins the two parts, so {@code
   * /a} rewritten to {@code /} turns {@code /a/b} into {@code /b} and {@code /a} into {@code /}.
   *
   * @return null when a regular expression had to be given up
   */
  public @Nullable String upstreamPath(String requestPath) {
    if (!(action() instanceof Action.Forward forward) || forward.rewrite().path() == null) {
      return requestPath;
    }
    try {
      String rewritten = rewritten(forward.rewrite().path(), requestPath);
      return rewritten.startsWith("/") ? rewritten : "/" + rewritten;
    } catch (BoundedRegex.Exhausted _) {
      return null;
    }
  }

  /**
   * The host that the upstream is asked for, or null where it stays; also where what was to become
   * one is none.
   */
  public @Nullable String upstreamHost(RequestHead head) {
    if (edits.hostRewrite() != null) {
      return edits.hostRewrite();
    }
    if (!(action() instanceof Action.Forward forward)) {
      return null;
    }
    String host =
        switch (forward.rewrite().host()) {
          case null -> null;
          case HostRewrite.Literal(String literal) -> literal;
          case HostRewrite.OfEndpoint _ -> null; // not chosen yet
          case HostRewrite.OfHeader(String name) -> head.headers().get(name);
          case HostRewrite.OfPath _ -> ofPath(head);
        };
    return host != null && isHost(host) ? host : null;
  }

  private @Nullable String ofPath(RequestHead head) {
    try {
      Substitution host = edits.host();
      return host == null ? null : host.in(head.pathOnly());
    } catch (BoundedRegex.Exhausted _) {
      return null;
    }
  }

  private static boolean isHost(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7f || "/?#@\\\"<>,".indexOf(c) >= 0) {
        return false;
      }
    }
    return !text.isEmpty();
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
    String bare = mark < 0 ? requestPath : requestPath.substring(0, mark);
    PathRewrite change = redirect.path();
    if (change == null) {
      return bare + query;
    }
    if (change instanceof PathRewrite.Full(String full) && full.indexOf('?') >= 0) {
      return full; // a path that brings its own query replaces both
    }
    try {
      return rewritten(change, bare) + query;
    } catch (BoundedRegex.Exhausted _) {
      return bare + query;
    }
  }

  private String rewritten(PathRewrite change, String requestPath) {
    int mark = requestPath.indexOf('?');
    int end = mark < 0 ? requestPath.length() : mark;
    return switch (change) {
      case PathRewrite.Full(String full) -> full + requestPath.substring(end);
      case PathRewrite.Prefix(String prefix) -> prefixRewritten(requestPath, end, prefix);
      case PathRewrite.Regex _ -> {
        Substitution substitution = edits.path();
        yield substitution == null
            ? requestPath
            : substitution.in(requestPath.substring(0, end)) + requestPath.substring(end);
      }
    };
  }

  private String prefixRewritten(String requestPath, int end, String replacement) {
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
