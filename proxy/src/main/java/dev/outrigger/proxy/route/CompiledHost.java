package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One virtual host, ready. Immutable. */
final class CompiledHost {
  private static final int MOVED_PERMANENTLY = 301;

  private final String name;
  private final CompiledRoute[] routes;
  private final @Nullable RouteMatch toHttps;

  CompiledHost(VirtualHost host) {
    name = host.name();
    routes =
        host.routes().stream()
            .map(route -> new CompiledRoute(host, route))
            .toArray(CompiledRoute[]::new);
    toHttps = host.tlsOnly() ? toHttps(host) : null;
  }

  private static RouteMatch toHttps(VirtualHost host) {
    Route route =
        new Route(
            "",
            new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of()),
            new Action.Redirect(MOVED_PERMANENTLY, "https", null, null, null, false),
            HeaderChanges.NONE);
    return new RouteMatch(
        host, route, PathMatcher.of(route.match().path()), RouteEdits.of(route), null);
  }

  String name() {
    return name;
  }

  /** In their order; not to be changed. */
  CompiledRoute[] routes() {
    return routes;
  }

  /**
   * Where a request that came without TLS is sent; null where it may stay. What counts is {@code
   * x-forwarded-proto}, which each request has by now and strangers do not choose.
   */
  @Nullable RouteMatch toHttps(RequestHead head) {
    return toHttps == null
            || head.headers().valueEqualsIgnoreCase(HeaderName.X_FORWARDED_PROTO, "https")
        ? null
        : toHttps;
  }
}
