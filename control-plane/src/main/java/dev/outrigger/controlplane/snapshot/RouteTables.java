package dev.outrigger.controlplane.snapshot;

import static dev.outrigger.controlplane.snapshot.Protos.duration;
import static dev.outrigger.controlplane.snapshot.Protos.number;

import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.GrpcRoute;
import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.Match;
import dev.outrigger.controlplane.model.HttpRoute.PathMatch;
import dev.outrigger.controlplane.model.HttpRoute.PathRewrite;
import dev.outrigger.controlplane.model.HttpRoute.Rule;
import dev.outrigger.controlplane.model.RequestRoute;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.TrafficPolicy.RetryOn;
import io.envoyproxy.envoy.config.core.v3.DataSource;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption.HeaderAppendAction;
import io.envoyproxy.envoy.config.core.v3.RuntimeFractionalPercent;
import io.envoyproxy.envoy.config.route.v3.DirectResponseAction;
import io.envoyproxy.envoy.config.route.v3.RedirectAction;
import io.envoyproxy.envoy.config.route.v3.RetryPolicy;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.config.route.v3.RouteMatch;
import io.envoyproxy.envoy.config.route.v3.WeightedCluster;
import io.envoyproxy.envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatchAndSubstitute;
import io.envoyproxy.envoy.type.v3.FractionalPercent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Routes of one service, from the objects that are about it. */
final class RouteTables {
  private static final int DEFAULT_RETRIES = 2;

  private final NodeDescription.Implementation implementation;
  private final @Nullable TrafficPolicy policy;
  private final AppProtocol protocol;

  /**
   * @param protocol of the port that the routes are about
   */
  RouteTables(
      NodeDescription.Implementation implementation,
      @Nullable TrafficPolicy policy,
      AppProtocol protocol) {
    this.implementation = implementation;
    this.policy = policy;
    this.protocol = protocol;
  }

  /** Everything to one cluster. */
  List<Route> plain(String cluster) {
    RouteAction.Builder action = RouteAction.newBuilder().setCluster(cluster);
    settle(action, HttpRoute.Timeouts.UNSET, null);
    return List.of(
        Route.newBuilder()
            .setName("default")
            .setMatch(RouteMatch.newBuilder().setPrefix("/"))
            .setRoute(action)
            .build());
  }

  /** Everything to the application beside the proxy; only the reuse of connections is retried. */
  List<Route> inbound(String cluster) {
    boolean ours = implementation == NodeDescription.Implementation.OUTRIGGER;
    RouteAction.Builder action =
        RouteAction.newBuilder()
            .setCluster(cluster)
            .setTimeout(duration(Duration.ZERO))
            .setRetryPolicy(
                RetryPolicy.newBuilder()
                    .setRetryOn(ours ? "reset-before-request,safe" : "reset-before-request")
                    .setNumRetries(number(1)));
    callersDeadline(action, Duration.ZERO);
    return List.of(
        Route.newBuilder()
            .setName("default")
            .setMatch(RouteMatch.newBuilder().setPrefix("/"))
            .setRoute(action)
            .build());
  }

  /** Where backends are found. */
  interface Backends {
    /**
     * The cluster of a backend; empty where there is no such service or port.
     *
     * @param requests what is sent there
     */
    Optional<String> cluster(Backend backend, Requests requests);

    /** The cluster for the share of backends that do not exist. */
    String nowhere();
  }

  /** What requests are, whatever the port says. */
  enum Requests {
    OF_HTTP,
    /** They need HTTP/2 all the way. */
    OF_GRPC
  }

  private record Candidate(RequestRoute route, int ruleIndex, Rule rule, Match match) {
    String name() {
      return rule.name().isEmpty()
          ? route.meta().namespace() + "/" + route.meta().name() + "/" + ruleIndex
          : rule.name();
    }

    Requests requests() {
      return switch (route) {
        case HttpRoute _ -> Requests.OF_HTTP;
        case GrpcRoute _ -> Requests.OF_GRPC;
      };
    }

    /** Characters of the path, or of the service of a call. */
    int length() {
      return match.path() instanceof PathMatch.Call call
          ? call.service().length()
          : match.path().value().length();
    }

    int methodLength() {
      return match.path() instanceof PathMatch.Call call ? call.method().length() : 0;
    }
  }

  /** Gateway API: the most specific first, then the oldest route, then as written. */
  private static final Comparator<Candidate> PRECEDENCE =
      Comparator.<Candidate>comparingInt(candidate -> pathRank(candidate.match().path()))
          .thenComparing(Candidate::length, Comparator.reverseOrder())
          .thenComparing(Candidate::methodLength, Comparator.reverseOrder())
          .thenComparing(candidate -> candidate.match().method() == null)
          .thenComparing(candidate -> candidate.match().headers().size(), Comparator.reverseOrder())
          .thenComparing(candidate -> candidate.match().query().size(), Comparator.reverseOrder());

  private static int pathRank(PathMatch path) {
    return switch (path) {
      case PathMatch.Exact _ -> 0;
      case PathMatch.Regex _ -> 1;
      case PathMatch.Prefix _ -> 2;
      case PathMatch.Call _ -> 3;
    };
  }

  /**
   * The rules of routes.
   *
   * @param routes of one kind, the oldest first
   * @param clusters where backends are found
   */
  List<Route> of(List<? extends RequestRoute> routes, Backends clusters) {
    List<Candidate> candidates = new ArrayList<>();
    for (RequestRoute route : routes) {
      for (int i = 0; i < route.rules().size(); i++) {
        Rule rule = route.rules().get(i);
        List<Match> matches = rule.matches().isEmpty() ? List.of(Match.ALL) : rule.matches();
        for (Match match : matches) {
          candidates.add(new Candidate(route, i, rule, match));
        }
      }
    }
    // Stable, so that equals stay in the order of names and rules.
    candidates.sort(PRECEDENCE);
    List<Route> result = new ArrayList<>();
    for (Candidate candidate : candidates) {
      result.addAll(route(candidate, clusters));
    }
    return result;
  }

  private List<Route> route(Candidate candidate, Backends clusters) {
    @Nullable String prefixRewrite = null;
    for (Filter filter : candidate.rule().filters()) {
      @Nullable PathRewrite path =
          switch (filter) {
            case Filter.Redirect redirect -> redirect.path();
            case Filter.UrlRewrite rewrite -> rewrite.path();
            case Filter.RequestHeaders _,
                Filter.ResponseHeaders _,
                Filter.Mirror _,
                Filter.Cors _ ->
                null;
          };
      if (path instanceof PathRewrite.Prefix prefix) {
        prefixRewrite = RouteMatches.stripped(prefix.value());
      }
    }
    if (prefixRewrite == null || !(candidate.match().path() instanceof PathMatch.Prefix prefix)) {
      RouteMatch.Builder match = RouteMatch.newBuilder();
      RouteMatches.addPath(match, candidate.match().path());
      return List.of(route(candidate, match, null, clusters));
    }
    String from = RouteMatches.stripped(prefix.value());
    // xDS replaces text, not path elements: /a to / would make //b of /a/b. Hence one route for the
    // prefix itself and one for what is below it.
    Route below =
        route(
            candidate,
            RouteMatch.newBuilder().setPrefix(from + "/"),
            prefixRewrite + "/",
            clusters);
    if (from.isEmpty()) {
      return List.of(below);
    }
    Route itself =
        route(
            candidate,
            RouteMatch.newBuilder().setPath(from),
            prefixRewrite.isEmpty() ? "/" : prefixRewrite,
            clusters);
    return List.of(itself, below);
  }

  private Route route(
      Candidate candidate,
      RouteMatch.Builder match,
      @Nullable String prefixRewrite,
      Backends clusters) {
    RouteMatches.addRest(match, candidate.match());
    Route.Builder route = Route.newBuilder().setName(candidate.name()).setMatch(match);
    Filter.@Nullable Redirect redirect = null;
    Filter.@Nullable UrlRewrite rewrite = null;
    List<Filter.Mirror> mirrors = new ArrayList<>();
    for (Filter filter : candidate.rule().filters()) {
      switch (filter) {
        case Filter.RequestHeaders headers -> {
          addHeaders(headers.changes(), route::addRequestHeadersToAdd);
          route.addAllRequestHeadersToRemove(headers.changes().remove());
        }
        case Filter.ResponseHeaders headers -> {
          addHeaders(headers.changes(), route::addResponseHeadersToAdd);
          route.addAllResponseHeadersToRemove(headers.changes().remove());
        }
        case Filter.Mirror mirror -> mirrors.add(mirror);
        case Filter.Cors cors ->
            route.putTypedPerFilterConfig(Filters.CORS, Protos.pack(CorsPolicies.of(cors)));
        case Filter.Redirect found -> redirect = found;
        case Filter.UrlRewrite found -> rewrite = found;
      }
    }
    if (redirect != null) {
      return route.setRedirect(redirect(redirect, prefixRewrite)).build();
    }
    RouteAction.@Nullable Builder action =
        backends(candidate.rule(), candidate.requests(), clusters);
    if (action == null) {
      return route
          .setDirectResponse(
              DirectResponseAction.newBuilder()
                  // Gateway API: for gRPC that is UNAVAILABLE.
                  .setStatus(candidate.requests() == Requests.OF_GRPC ? 503 : 500)
                  .setBody(
                      DataSource.newBuilder()
                          .setInlineString(
                              "the route " + candidate.name() + " has no valid backend\n")))
          .build();
    }
    if (prefixRewrite != null) {
      action.setPrefixRewrite(prefixRewrite);
    }
    if (rewrite != null) {
      if (rewrite.path() instanceof PathRewrite.Full full) {
        String whole = full.value().isEmpty() ? "/" : full.value();
        action.setRegexRewrite(
            RegexMatchAndSubstitute.newBuilder()
                .setPattern(RouteMatches.regex("^.*$"))
                .setSubstitution(whole.replace("\\", "\\\\")));
      }
      if (rewrite.hostname() != null) {
        action.setHostRewriteLiteral(rewrite.hostname());
      }
    }
    for (Filter.Mirror mirror : mirrors) {
      // One to nobody has nothing to send; its rule serves on.
      clusters
          .cluster(mirror.backend(), candidate.requests())
          .ifPresent(cluster -> action.addRequestMirrorPolicies(copy(cluster, mirror)));
    }
    settle(action, candidate.rule().timeouts(), candidate.rule().retry());
    return route.setRoute(action).build();
  }

  private static RouteAction.RequestMirrorPolicy copy(String cluster, Filter.Mirror mirror) {
    return RouteAction.RequestMirrorPolicy.newBuilder()
        .setCluster(cluster)
        // A service tells its callers by the host that they name; the copy is for another anyway.
        .setDisableShadowHostSuffixAppend(true)
        .setRuntimeFraction(
            RuntimeFractionalPercent.newBuilder()
                .setDefaultValue(
                    FractionalPercent.newBuilder()
                        .setNumerator(mirror.perMillion())
                        .setDenominator(FractionalPercent.DenominatorType.MILLION)))
        .build();
  }

  private static void addHeaders(
      HttpRoute.HeaderChanges changes, java.util.function.Consumer<HeaderValueOption> add) {
    changes
        .set()
        .forEach(
            header -> add.accept(option(header, HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD)));
    changes
        .add()
        .forEach(header -> add.accept(option(header, HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD)));
  }

  private static HeaderValueOption option(HttpRoute.Header header, HeaderAppendAction action) {
    return HeaderValueOption.newBuilder()
        // A percent sign would begin a variable.
        .setHeader(
            HeaderValue.newBuilder()
                .setKey(header.name())
                .setValue(header.value().replace("%", "%%")))
        .setAppendAction(action)
        .build();
  }

  private static RedirectAction redirect(Filter.Redirect redirect, @Nullable String prefixRewrite) {
    RedirectAction.Builder action = RedirectAction.newBuilder();
    if (redirect.scheme() != null) {
      action.setSchemeRedirect(redirect.scheme());
    }
    if (redirect.hostname() != null) {
      action.setHostRedirect(redirect.hostname());
    }
    if (redirect.port() != 0) {
      action.setPortRedirect(redirect.port());
    }
    if (prefixRewrite != null) {
      action.setPrefixRewrite(prefixRewrite);
    } else if (redirect.path() instanceof PathRewrite.Full full) {
      action.setPathRedirect(full.value().isEmpty() ? "/" : full.value());
    }
    return action
        .setResponseCode(
            switch (redirect.statusCode()) {
              case 301 -> RedirectAction.RedirectResponseCode.MOVED_PERMANENTLY;
              case 303 -> RedirectAction.RedirectResponseCode.SEE_OTHER;
              case 307 -> RedirectAction.RedirectResponseCode.TEMPORARY_REDIRECT;
              case 308 -> RedirectAction.RedirectResponseCode.PERMANENT_REDIRECT;
              default -> RedirectAction.RedirectResponseCode.FOUND;
            })
        .build();
  }

  /** Null where no backend is valid or all weights are zero. */
  private static RouteAction.@Nullable Builder backends(
      Rule rule, Requests requests, Backends clusters) {
    List<Backend> sharing =
        rule.backends().stream().filter(backend -> backend.weight() > 0).toList();
    List<Optional<String>> names =
        sharing.stream().map(backend -> clusters.cluster(backend, requests)).toList();
    if (names.stream().noneMatch(Optional::isPresent)) {
      return null;
    }
    List<WeightedCluster.ClusterWeight> weighted = new ArrayList<>();
    for (int i = 0; i < sharing.size(); i++) {
      Backend backend = sharing.get(i);
      WeightedCluster.ClusterWeight.Builder one =
          WeightedCluster.ClusterWeight.newBuilder()
              .setName(names.get(i).orElseGet(clusters::nowhere))
              .setWeight(number(backend.weight()))
              .addAllRequestHeadersToRemove(backend.requestHeaders().remove())
              .addAllResponseHeadersToRemove(backend.responseHeaders().remove());
      addHeaders(backend.requestHeaders(), one::addRequestHeadersToAdd);
      addHeaders(backend.responseHeaders(), one::addResponseHeadersToAdd);
      weighted.add(one.build());
    }
    return weighted.size() == 1 && !sharing.getFirst().changesHeaders()
        ? RouteAction.newBuilder().setCluster(weighted.getFirst().getName())
        : RouteAction.newBuilder()
            .setWeightedClusters(WeightedCluster.newBuilder().addAllClusters(weighted));
  }

  /** Timeouts and retries: the rule's, else the policy's, else the defaults. */
  private void settle(
      RouteAction.Builder action,
      HttpRoute.Timeouts timeouts,
      HttpRoute.@Nullable Retry ruleRetry) {
    TrafficPolicy.@Nullable Timeouts general = policy == null ? null : policy.timeouts();
    Duration request =
        first(timeouts.request(), general == null ? null : general.request(), Duration.ZERO);
    Duration attempt =
        first(
            timeouts.backendRequest(),
            general == null ? null : general.backendRequest(),
            Duration.ZERO);
    if (general != null && general.idle() != null) {
      action.setIdleTimeout(duration(general.idle()));
    }
    @Nullable RetryPolicy retry = retry(ruleRetry, attempt);
    if (retry != null) {
      action.setRetryPolicy(retry);
    } else if (!attempt.isZero() && (request.isZero() || attempt.compareTo(request) < 0)) {
      // With a single attempt the two are the same thing.
      request = attempt;
    }
    action.setTimeout(duration(request));
    callersDeadline(action, request);
  }

  /**
   * A call of gRPC says itself how long it may take.
   *
   * @param most caps that, and holds where a call says nothing; zero is no bound
   */
  private void callersDeadline(RouteAction.Builder action, Duration most) {
    if (protocol == AppProtocol.GRPC) {
      action.setMaxStreamDuration(
          RouteAction.MaxStreamDuration.newBuilder()
              .setMaxStreamDuration(duration(most))
              .setGrpcTimeoutHeaderMax(duration(most)));
    }
  }

  private static Duration first(
      @Nullable Duration first, @Nullable Duration second, Duration otherwise) {
    return first != null ? first : second != null ? second : otherwise;
  }

  private @Nullable RetryPolicy retry(HttpRoute.@Nullable Retry rule, Duration attempt) {
    TrafficPolicy.@Nullable Retries general = policy == null ? null : policy.retries();
    int retries =
        rule != null ? rule.attempts() : general != null ? general.attempts() : DEFAULT_RETRIES;
    if (retries == 0) {
      return null;
    }
    Set<String> on = new LinkedHashSet<>();
    Set<RetryOn> asked = general == null ? Set.of() : general.on();
    if (asked.isEmpty() || asked.contains(RetryOn.SAFE)) {
      on.addAll(List.of("connect-failure", "refused-stream", "reset-before-request"));
      if (implementation == NodeDescription.Implementation.OUTRIGGER) {
        on.add(RetryOn.SAFE.text());
      }
    }
    for (RetryOn one : RetryOn.values()) {
      if (one != RetryOn.SAFE && asked.contains(one)) {
        on.add(one.text());
      }
    }
    Set<Integer> codes =
        new TreeSet<>(rule != null ? rule.codes() : general != null ? general.codes() : Set.of());
    if (!codes.isEmpty()) {
      on.add("retriable-status-codes");
    }
    RetryPolicy.Builder result =
        RetryPolicy.newBuilder()
            .setRetryOn(String.join(",", on))
            .setNumRetries(number(retries))
            .addAllRetriableStatusCodes(codes)
            .addRetryHostPredicate(
                RetryPolicy.RetryHostPredicate.newBuilder()
                    .setName("envoy.retry_host_predicates.previous_hosts")
                    .setTypedConfig(Protos.pack(PreviousHostsPredicate.getDefaultInstance())))
            .setHostSelectionRetryMaxAttempts(5);
    if (!attempt.isZero()) {
      result.setPerTryTimeout(duration(attempt));
    }
    @Nullable Duration base =
        rule != null ? rule.backoff() : general != null ? general.backoffBase() : null;
    if (base != null) {
      RetryPolicy.RetryBackOff.Builder backOff =
          RetryPolicy.RetryBackOff.newBuilder().setBaseInterval(duration(base));
      if (rule == null && general != null && general.backoffMax() != null) {
        backOff.setMaxInterval(duration(general.backoffMax()));
      }
      result.setRetryBackOff(backOff);
    }
    return result.build();
  }
}
