package dev.outrigger.controlplane.chaos;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UInt32Value;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.Spread;
import io.envoyproxy.envoy.config.route.v3.HeaderMatcher;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import io.envoyproxy.envoy.config.route.v3.VirtualHostOrBuilder;
import io.envoyproxy.envoy.config.route.v3.WeightedCluster;
import io.envoyproxy.envoy.extensions.filters.common.fault.v3.FaultDelay;
import io.envoyproxy.envoy.extensions.filters.common.fault.v3.FaultRateLimit;
import io.envoyproxy.envoy.extensions.filters.http.fault.v3.FaultAbort;
import io.envoyproxy.envoy.extensions.filters.http.fault.v3.HTTPFault;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatcher;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import io.envoyproxy.envoy.type.v3.FractionalPercent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Faults for proxies that are Envoys: what its own fault filter does, in the routes that they get.
 * The filter itself is there under a lease ({@code EnvoyFaultSwitch}). Pure.
 */
final class EnvoyFaults {
  private EnvoyFaults() {}

  /**
   * A fault that acts now.
   *
   * @param lease after which it ends by itself
   */
  record Acting(Experiment.Fault fault, FaultTargets.Scope scope, Duration lease) {
    boolean means(Route route) {
      List<String> routes = fault.match().routes();
      return route.hasRoute() && (routes.isEmpty() || routes.contains(route.getName()));
    }
  }

  /**
   * Refuses an experiment that would act at an Envoy and cannot.
   *
   * @param envoys the workloads beside which one is connected, as {@code name.namespace}
   * @throws RefusedException with the first fault that cannot be rendered, and why
   */
  static void check(DesiredState state, Experiment experiment, Set<String> envoys) {
    if (envoys.isEmpty()) {
      return;
    }
    List<Experiment.Fault> before = new ArrayList<>();
    for (Experiment.Fault fault : experiment.faults()) {
      for (Workload workload : FaultTargets.of(state, fault)) {
        String name = workload.meta().name() + "." + workload.meta().namespace();
        if (!envoys.contains(name)) {
          continue;
        }
        String reason =
            experiment.watch().proxyGuard() == null
                ? reason(fault)
                : "it knows no guard of its own";
        for (Experiment.Fault other : before) {
          if (reason == null
              && FaultTargets.concerns(state, other, workload)
              && FaultTargets.shareDestination(
                  state, fault.match().destinations(), other.match().destinations())) {
            reason = "it takes one fault for a route, and " + other.name() + " is another";
          }
        }
        if (reason != null) {
          throw new RefusedException(
              Refusal.ENVOY,
              "the proxy of %s is an Envoy, which cannot do the fault %s: %s"
                  .formatted(name, fault.name(), reason));
        }
      }
      before.add(fault);
    }
  }

  /** Why an Envoy cannot do it; null where it can. */
  static @Nullable String reason(Experiment.Fault fault) {
    if (fault.place() != Experiment.Place.REQUEST) {
      return "its fault filter acts at the place request only";
    }
    if (fault.first() > 0 || fault.perTrace()) {
      return "it rolls for each request, without a count of the first and without traces";
    }
    return switch (fault.action()) {
      case Fault.Delay(Spread.Uniform(Duration _, Duration jitter)) ->
          jitter.isZero() ? null : "its delays are fixed, without jitter";
      case Fault.Delay _ -> "its delays are fixed, without a distribution";
      case Fault.Abort abort ->
          abort.grpcStatus().isPresent()
              ? "it aborts with an HTTP status or with one of gRPC, not with both"
              : null;
      case Fault.Throttle(long rate) ->
          rate % 1024 == 0 ? null : "its rates are whole KiB, of 1024 bytes per second";
      case Fault.Reset _, Fault.Rewrite _ -> "its fault filter delays, aborts and throttles only";
      case Fault other -> "its fault filter acts on requests only, not as " + other;
    };
  }

  /** The routes with what acts, each the same as before where nothing does. */
  static Map<String, VersionedResource> in(
      Map<String, VersionedResource> routes, Collection<Acting> acting) {
    Map<String, VersionedResource> changed = new LinkedHashMap<>();
    routes.forEach((name, table) -> changed.put(name, in(table, acting)));
    return changed;
  }

  private static VersionedResource in(VersionedResource table, Collection<Acting> acting) {
    RouteConfiguration.Builder built;
    try {
      built = table.body().unpack(RouteConfiguration.class).toBuilder();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("routes of our own cannot be read", e);
    }
    for (VirtualHost.Builder host : built.getVirtualHostsBuilderList()) {
      String called = called(host);
      for (Route.Builder route : host.getRoutesBuilderList()) {
        Route plain = route.build();
        List<Acting> own = acting.stream().filter(one -> one.means(plain)).toList();
        if (!plain.getRoute().hasWeightedClusters()) {
          filter(own, called, plain.getRoute().getCluster())
              .ifPresent(
                  filter ->
                      route.putTypedPerFilterConfig(NodeDescription.ENVOY_FAULT_FILTER, filter));
          continue;
        }
        WeightedCluster.Builder all = route.getRouteBuilder().getWeightedClustersBuilder();
        for (WeightedCluster.ClusterWeight.Builder one : all.getClustersBuilderList()) {
          filter(own, called, one.getName())
              .ifPresent(
                  filter ->
                      one.putTypedPerFilterConfig(NodeDescription.ENVOY_FAULT_FILTER, filter));
        }
      }
    }
    return VersionedResource.of(built.build(), table.ttl());
  }

  /** What the filter does with what is called and goes to a cluster. */
  private static Optional<Any> filter(List<Acting> acting, String called, String cluster) {
    // Named `outbound|80|web.shop`, and perhaps more behind it.
    String[] parts = cluster.split("\\|", -1);
    String destination = parts.length > 2 ? parts[2] : "";
    return acting.stream()
        .filter(one -> one.scope().means(called, destination))
        .findFirst()
        .map(one -> Any.pack(filter(one.fault())));
  }

  private static String called(VirtualHostOrBuilder host) {
    // Named `web.shop:80`, by the service and its port.
    int colon = host.getName().lastIndexOf(':');
    return colon < 0 ? host.getName() : host.getName().substring(0, colon);
  }

  /** What the filter is told for one fault, which it can do. */
  static HTTPFault filter(Experiment.Fault fault) {
    HTTPFault.Builder filter = HTTPFault.newBuilder().addAllHeaders(headers(fault.match()));
    if (fault.maxActive() > 0) {
      filter.setMaxActiveFaults(UInt32Value.of(fault.maxActive()));
    }
    FractionalPercent chance =
        FractionalPercent.newBuilder()
            .setNumerator(fault.chancePpm())
            .setDenominator(FractionalPercent.DenominatorType.MILLION)
            .build();
    switch (fault.action()) {
      case Fault.Delay(Spread.Uniform(Duration middle, Duration _)) ->
          filter.setDelay(
              FaultDelay.newBuilder()
                  .setFixedDelay(
                      com.google.protobuf.Duration.newBuilder()
                          .setSeconds(middle.getSeconds())
                          .setNanos(middle.getNano()))
                  .setPercentage(chance));
      case Fault.Abort abort ->
          filter.setAbort(
              FaultAbort.newBuilder().setHttpStatus(abort.httpStatus()).setPercentage(chance));
      case Fault.Throttle(long rate) ->
          filter.setResponseRateLimit(
              FaultRateLimit.newBuilder()
                  .setFixedLimit(FaultRateLimit.FixedLimit.newBuilder().setLimitKbps(rate / 1024))
                  .setPercentage(chance));
      case Fault other -> throw new IllegalArgumentException("an Envoy cannot do " + other);
    }
    return filter.build();
  }

  private static List<HeaderMatcher> headers(Experiment.Match match) {
    List<HeaderMatcher> headers = new ArrayList<>();
    if (!match.methods().isEmpty()) {
      headers.add(matcher(":method", regex(String.join("|", match.methods()))));
    }
    if (!match.paths().isEmpty()) {
      // It compares the path with its query, ours without.
      headers.add(
          matcher(
              ":path",
              regex(
                  match.paths().stream()
                      .map(path -> "(?:" + pattern(path) + ")")
                      .collect(Collectors.joining("|", "(?:", ")(?:\\?.*)?")))));
    }
    for (Experiment.HeaderMatch header : match.headers()) {
      Experiment.StringMatch value = header.value();
      headers.add(
          value == null
              ? HeaderMatcher.newBuilder().setName(header.name()).setPresentMatch(true).build()
              : matcher(header.name(), text(value)));
    }
    return headers;
  }

  private static String pattern(Experiment.StringMatch match) {
    return switch (match) {
      case Experiment.StringMatch.Exact(String value) -> quoted(value);
      case Experiment.StringMatch.Prefix(String value) -> quoted(value) + "[^?]*";
      case Experiment.StringMatch.Regex(String value) -> value;
    };
  }

  /** Both RE2 and the JDK read it as the text itself. */
  private static String quoted(String value) {
    return value.replaceAll("[\\\\.+*?()\\[\\]{}^$|]", "\\\\$0");
  }

  private static StringMatcher text(Experiment.StringMatch match) {
    return switch (match) {
      case Experiment.StringMatch.Exact(String value) ->
          StringMatcher.newBuilder().setExact(value).build();
      case Experiment.StringMatch.Prefix(String value) ->
          StringMatcher.newBuilder().setPrefix(value).build();
      case Experiment.StringMatch.Regex(String value) -> regex(value);
    };
  }

  private static StringMatcher regex(String value) {
    return StringMatcher.newBuilder()
        .setSafeRegex(RegexMatcher.newBuilder().setRegex(value))
        .build();
  }

  private static HeaderMatcher matcher(String name, StringMatcher value) {
    return HeaderMatcher.newBuilder().setName(name).setStringMatch(value).build();
  }
}
