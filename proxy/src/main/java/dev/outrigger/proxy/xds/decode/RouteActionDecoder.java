package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.DirectResponseAction;
import io.envoyproxy.envoy.config.route.v3.RedirectAction;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.config.route.v3.RouteAction.RequestMirrorPolicy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is done with a request that matched. */
final class RouteActionDecoder {
  private static final int MAX_MIRRORS = 8;
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(15);

  private RouteActionDecoder() {}

  /**
   * What a route takes from the levels above it where it says nothing itself.
   *
   * @param retryBufferBytes how much of a body is kept so that it can be sent again
   */
  record Inherited(RetryPolicy retry, List<Mirror> mirrors, int retryBufferBytes) {}

  static Action.Forward forward(RouteAction route, Inherited inherited, Scope scope)
      throws InvalidResourceException {
    Duration timeout =
        route.hasTimeout() ? scope.in("timeout").duration(route.getTimeout()) : DEFAULT_TIMEOUT;
    if (route.hasMaxStreamDuration()) {
      timeout = Duration.ZERO; // which takes the place of it, also where it says nothing
    }
    @Nullable Duration idle =
        route.hasIdleTimeout() ? scope.in("idle_timeout").duration(route.getIdleTimeout()) : null;
    RetryPolicy retry =
        route.hasRetryPolicy()
            ? RetryDecoder.decode(route.getRetryPolicy(), scope.in("retry_policy"))
            : inherited.retry();
    List<Mirror> mirrors =
        route.getRequestMirrorPoliciesCount() == 0
            ? inherited.mirrors()
            : mirrors(route.getRequestMirrorPoliciesList(), scope);
    return new Action.Forward(
        clusters(route, scope),
        timeout,
        idle,
        retry,
        RewriteDecoder.decode(route, scope),
        UpgradesDecoder.ofRoute(route, scope),
        CallTimesDecoder.decode(route, scope),
        inherited.retryBufferBytes(),
        mirrors,
        header(route.getClusterHeader(), scope));
  }

  /** The header that names a cluster; null where none does. */
  private static @Nullable String header(String name, Scope scope) throws InvalidResourceException {
    return name.isEmpty() ? null : HeaderChangesDecoder.name(name, scope.in("cluster_header"));
  }

  /** Who gets copies of requests. */
  static List<Mirror> mirrors(List<RequestMirrorPolicy> policies, Scope scope)
      throws InvalidResourceException {
    if (policies.size() > MAX_MIRRORS) {
      throw scope
          .in("request_mirror_policies")
          .refuse("has " + policies.size() + " items, expected at most " + MAX_MIRRORS);
    }
    List<Mirror> mirrors = new ArrayList<>();
    for (int i = 0; i < policies.size(); i++) {
      RequestMirrorPolicy policy = policies.get(i);
      Scope at = scope.in("request_mirror_policies", i);
      @Nullable String header = header(policy.getClusterHeader(), at);
      if (header != null && !policy.getCluster().isEmpty()) {
        throw at.in("cluster_header").refuse("cannot stand beside cluster");
      }
      mirrors.add(
          new Mirror(
              header == null ? at.in("cluster").required(policy.getCluster()) : "",
              policy.hasRuntimeFraction()
                  ? MatchDecoder.share(policy.getRuntimeFraction(), at.in("runtime_fraction"))
                  : 1,
              !policy.getDisableShadowHostSuffixAppend(),
              header));
    }
    return mirrors;
  }

  private static List<WeightedCluster> clusters(RouteAction route, Scope scope)
      throws InvalidResourceException {
    return switch (route.getClusterSpecifierCase()) {
      case CLUSTER ->
          List.of(new WeightedCluster(scope.in("cluster").required(route.getCluster()), 1));
      case WEIGHTED_CLUSTERS -> {
        Scope at = scope.in("weighted_clusters");
        List<WeightedCluster> clusters = new ArrayList<>();
        for (int i = 0; i < route.getWeightedClusters().getClustersCount(); i++) {
          var weighted = route.getWeightedClusters().getClusters(i);
          Scope one = at.in("clusters", i);
          @Nullable String header = header(weighted.getClusterHeader(), one);
          if (header != null && !weighted.getName().isEmpty()) {
            throw one.in("cluster_header").refuse("cannot stand beside name");
          }
          clusters.add(
              new WeightedCluster(
                  header == null ? one.in("name").required(weighted.getName()) : "",
                  one.in("weight").number(weighted.getWeight(), 0, Integer.MAX_VALUE),
                  HeaderChangesDecoder.decode(
                      weighted.getRequestHeadersToAddList(),
                      weighted.getRequestHeadersToRemoveList(),
                      weighted.getResponseHeadersToAddList(),
                      weighted.getResponseHeadersToRemoveList(),
                      one),
                  weighted.getHostRewriteLiteral().isEmpty()
                      ? null
                      : RewriteDecoder.target(
                          weighted.getHostRewriteLiteral(), one.in("host_rewrite_literal")),
                  header,
                  RouteFilterDecoder.decode(weighted.getTypedPerFilterConfigMap(), Map.of(), one)));
        }
        yield checkedWeights(clusters, at);
      }
      case CLUSTER_HEADER -> List.of();
      case CLUSTERSPECIFIER_NOT_SET ->
          throw scope.refuse("expected cluster, weighted_clusters or cluster_header");
    };
  }

  /** At least one cluster gets something, and the sum is a number. */
  static List<WeightedCluster> checkedWeights(List<WeightedCluster> clusters, Scope scope)
      throws InvalidResourceException {
    long sum = clusters.stream().mapToLong(WeightedCluster::weight).sum();
    if (sum < 1 || sum > Integer.MAX_VALUE) {
      throw scope.refuse("the weights add up to " + sum + ", expected 1 to " + Integer.MAX_VALUE);
    }
    return clusters;
  }

  static Action.Direct direct(DirectResponseAction direct, int maxBody, Scope scope)
      throws InvalidResourceException {
    int status = scope.in("status").number(direct.getStatus(), 200, 599);
    String body = direct.hasBody() ? Sources.text(direct.getBody(), scope.in("body")) : "";
    if (body.getBytes(StandardCharsets.UTF_8).length > maxBody) {
      throw scope
          .in("body")
          .refuse(
              "is longer than "
                  + maxBody
                  + " bytes, which max_direct_response_body_size_bytes of the route table sets");
    }
    return new Action.Direct(status, body);
  }

  static Action.Redirect redirect(RedirectAction redirect, Scope scope)
      throws InvalidResourceException {
    int status =
        switch (redirect.getResponseCode()) {
          case MOVED_PERMANENTLY -> 301;
          case FOUND -> 302;
          case SEE_OTHER -> 303;
          case TEMPORARY_REDIRECT -> 307;
          case PERMANENT_REDIRECT -> 308;
          case UNRECOGNIZED -> throw scope.in("response_code").refuse("is no known code");
        };
    @Nullable String scheme =
        switch (redirect.getSchemeRewriteSpecifierCase()) {
          case HTTPS_REDIRECT -> redirect.getHttpsRedirect() ? "https" : null;
          case SCHEME_REDIRECT ->
              RewriteDecoder.target(redirect.getSchemeRedirect(), scope.in("scheme_redirect"));
          case SCHEMEREWRITESPECIFIER_NOT_SET -> null;
        };
    @Nullable PathRewrite path = RewriteDecoder.path(redirect, scope);
    @Nullable Integer port =
        redirect.getPortRedirect() == 0
            ? null
            : (Integer) scope.in("port_redirect").number(redirect.getPortRedirect(), 1, 65535);
    return new Action.Redirect(
        status,
        scheme,
        redirect.getHostRedirect().isEmpty()
            ? null
            : RewriteDecoder.target(redirect.getHostRedirect(), scope.in("host_redirect")),
        port,
        path,
        redirect.getStripQuery());
  }
}
