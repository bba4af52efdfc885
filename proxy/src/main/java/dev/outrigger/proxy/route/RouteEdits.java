package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.WeightedCluster;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a route changes in messages and looks for in answers, ready to be applied. Immutable.
 *
 * @param request changes to the request's headers, in their order
 * @param response changes to the answer's headers, in their order
 * @param path how the path is rewritten, where a regular expression does it
 * @param host how a host is made of the path
 * @param hostRewrite the host of requests to one of several clusters
 * @param retryAnswers which headers make an answer worth another attempt
 * @param filters what filters are told, by their names
 * @param cors policies for pages of other origins, by the names of filters
 * @param retryRequests of which headers a request must have one to be tried again; empty is none
 */
record RouteEdits(
    List<CompiledChanges> request,
    List<CompiledChanges> response,
    @Nullable Substitution path,
    @Nullable Substitution host,
    @Nullable String hostRewrite,
    List<HeaderMatcher> retryAnswers,
    List<HeaderMatcher> retryRequests,
    Map<String, OfRoute> filters,
    Map<String, CorsRule> cors) {

  static RouteEdits of(Route route) {
    PathRewrite path =
        switch (route.action()) {
          case Action.Forward forward -> forward.rewrite().path();
          case Action.Redirect redirect -> redirect.path();
          case Action.Direct _ -> null;
        };
    HostRewrite host =
        route.action() instanceof Action.Forward forward ? forward.rewrite().host() : null;
    return of(
        route.headers().with(HeaderChanges.NONE),
        path instanceof PathRewrite.Regex regex
            ? new Substitution(regex.pattern(), regex.substitution())
            : null,
        host instanceof HostRewrite.OfPath made
            ? new Substitution(made.pattern(), made.substitution())
            : null,
        null,
        matchers(route, RetryPolicy::headers),
        matchers(route, RetryPolicy::requestHeaders),
        route.filters());
  }

  private static Map<String, CorsRule> cors(Map<String, OfRoute> filters) {
    Map<String, CorsRule> rules = new HashMap<>();
    filters.forEach(
        (name, own) -> {
          if (own instanceof OfRoute.Cors policy) {
            rules.put(name, new CorsRule(policy));
          }
        });
    return Map.copyOf(rules);
  }

  private static List<HeaderMatcher> matchers(
      Route route, Function<RetryPolicy, List<HeaderMatch>> which) {
    return route.action() instanceof Action.Forward forward
        ? which.apply(forward.retry()).stream().map(HeaderMatcher::new).toList()
        : List.of();
  }

  /** With what holds for one of the route's clusters. */
  RouteEdits towards(Route route, WeightedCluster cluster) {
    return cluster.headers().isEmpty()
            && cluster.hostRewrite() == null
            && cluster.filters().isEmpty()
        ? this
        : of(
            route.headers().with(cluster.headers()),
            path,
            host,
            cluster.hostRewrite(),
            retryAnswers,
            retryRequests,
            all(cluster.filters()));
  }

  private Map<String, OfRoute> all(Map<String, OfRoute> own) {
    Map<String, OfRoute> all = new HashMap<>(filters);
    all.putAll(own);
    return all;
  }

  private static RouteEdits of(
      List<HeaderChanges> levels,
      @Nullable Substitution path,
      @Nullable Substitution host,
      @Nullable String hostRewrite,
      List<HeaderMatcher> retryAnswers,
      List<HeaderMatcher> retryRequests,
      Map<String, OfRoute> filters) {
    return new RouteEdits(
        levels.stream()
            .map(level -> CompiledChanges.of(level.requestRemove(), level.requestAdd()))
            .filter(level -> !level.isEmpty())
            .toList(),
        levels.stream()
            .map(level -> CompiledChanges.of(level.responseRemove(), level.responseAdd()))
            .filter(level -> !level.isEmpty())
            .toList(),
        path,
        host,
        hostRewrite,
        retryAnswers,
        retryRequests,
        Map.copyOf(filters),
        cors(filters));
  }
}
