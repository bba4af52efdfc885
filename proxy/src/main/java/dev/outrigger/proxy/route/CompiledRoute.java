package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** One route, ready: its conditions compiled and every answer it can give made in advance. */
final class CompiledRoute {
  private final PathMatcher path;
  private final String[] methods;
  private final HeaderMatcher[] headers;
  private final QueryMatcher[] queries;
  private final boolean grpc;
  private final double share;
  private final RouteMatch[] answers;
  private final long[] weightsUpTo;
  private final @Nullable HeaderName clusterHeader;
  private final @Nullable HeaderName[] clusterHeaders; // of one of several

  CompiledRoute(VirtualHost host, Route route) {
    path = PathMatcher.of(route.match().path());
    methods = route.match().methods().toArray(String[]::new);
    headers =
        route.match().headers().stream().map(HeaderMatcher::new).toArray(HeaderMatcher[]::new);
    queries = route.match().queries().stream().map(QueryMatcher::new).toArray(QueryMatcher[]::new);
    grpc = route.match().grpc();
    share = route.match().share();
    RouteEdits edits = RouteEdits.of(route);
    clusterHeader =
        route.action() instanceof Action.Forward forward && forward.clusterHeader() != null
            ? HeaderName.of(forward.clusterHeader())
            : null;
    List<WeightedCluster> clusters =
        route.action() instanceof Action.Forward forward ? forward.clusters() : List.of();
    if (clusters.isEmpty()) {
      if (route.action() instanceof Action.Forward && clusterHeader == null) {
        throw new IllegalArgumentException("route \"" + route.name() + "\" forwards to no cluster");
      }
      answers = new RouteMatch[] {new RouteMatch(host, route, path, edits, null)};
      weightsUpTo = new long[] {1};
      clusterHeaders = new @Nullable HeaderName[1];
      return;
    }
    answers = new RouteMatch[clusters.size()];
    weightsUpTo = new long[clusters.size()];
    clusterHeaders = new @Nullable HeaderName[clusters.size()];
    long sum = 0;
    for (int i = 0; i < answers.length; i++) {
      WeightedCluster cluster = clusters.get(i);
      // xDS weights are unsigned; one cluster alone needs no weight.
      sum += answers.length == 1 ? 1 : Integer.toUnsignedLong(cluster.weight());
      answers[i] =
          new RouteMatch(host, route, path, edits.towards(route, cluster), cluster.cluster());
      weightsUpTo[i] = sum;
      String header = cluster.header();
      clusterHeaders[i] = header == null ? null : HeaderName.of(header);
    }
    if (sum == 0) {
      throw new IllegalArgumentException(
          "the weights of route \"" + route.name() + "\" are all zero");
    }
  }

  boolean matches(RequestHead head, int queryMark, RandomGenerator random) {
    if (head.method().equals("CONNECT") != (path instanceof PathMatcher.Connect)
        || path.match(head.path(), queryMark) < 0
        || !methodMatches(head.method())) {
      return false;
    }
    if (grpc && !head.grpc()) {
      return false;
    }
    for (HeaderMatcher header : headers) {
      if (!header.matches(head)) {
        return false;
      }
    }
    for (QueryMatcher query : queries) {
      if (!query.matches(head.path(), queryMark)) {
        return false;
      }
    }
    return share == 1 || random.nextDouble() < share;
  }

  /** What speaks against this route, or null where nothing does but perhaps its share. */
  @Nullable String against(RequestHead head, int queryMark) {
    if (path.match(head.path(), queryMark) < 0) {
      return "the path is not " + answers[0].route().match().path();
    }
    if (!methodMatches(head.method())) {
      return "the method is none of " + String.join(", ", methods);
    }
    if (grpc && !head.grpc()) {
      return "it is no call of gRPC";
    }
    for (int i = 0; i < headers.length; i++) {
      if (!headers[i].matches(head)) {
        return "header " + headerName(i);
      }
    }
    for (int i = 0; i < queries.length; i++) {
      if (!queries[i].matches(head.path(), queryMark)) {
        return "query " + answers[0].route().match().queries().get(i).name();
      }
    }
    return null;
  }

  private String headerName(int index) {
    return answers[0].route().match().headers().get(index).name();
  }

  /** Whether it takes all that match it, and not only a share. */
  boolean always() {
    return share == 1;
  }

  String label() {
    String host = answers[0].virtualHost().name();
    return "route " + answers[0].route().name() + " of virtual host " + host;
  }

  RouteMatch answer(RequestHead head, RandomGenerator random) {
    if (clusterHeader != null) {
      return named(answers[0], clusterHeader, head);
    }
    if (answers.length == 1 && clusterHeaders[0] == null) {
      return answers[0];
    }
    long drawn = random.nextLong(weightsUpTo[weightsUpTo.length - 1]);
    int i = 0;
    while (drawn >= weightsUpTo[i]) {
      i++;
    }
    HeaderName header = clusterHeaders[i];
    return header == null ? answers[i] : named(answers[i], header, head);
  }

  private static RouteMatch named(RouteMatch answer, HeaderName header, RequestHead head) {
    String named = head.headers().get(header);
    return answer.towards(named == null ? "" : named);
  }

  private boolean methodMatches(String method) {
    if (methods.length == 0) {
      return true;
    }
    for (String wanted : methods) {
      if (wanted.equals(method)) {
        return true;
      }
    }
    return false;
  }
}
