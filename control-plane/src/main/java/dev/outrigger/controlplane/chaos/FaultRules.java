package dev.outrigger.controlplane.chaos;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.HeaderMatch;
import dev.outrigger.api.chaos.v1.Match;
import dev.outrigger.api.chaos.v1.OwnBound;
import dev.outrigger.api.chaos.v1.Place;
import dev.outrigger.api.chaos.v1.Reset;
import dev.outrigger.api.chaos.v1.StringMatch;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From an experiment to what proxies are sent. Pure. */
final class FaultRules {
  /** For those who look on: no guard waits for it. */
  private static final Duration UNHURRIED = Durations.fromSeconds(1);

  private FaultRules() {}

  /** {@code <experiment>/<fault>}. */
  static String nameOf(Experiment experiment, Experiment.Fault fault) {
    return experiment.meta().name() + "/" + fault.name();
  }

  /** Empty where the fault means nobody. */
  static Optional<FaultRule> ruleOf(
      DesiredState state, Experiment experiment, Experiment.Fault fault, Instant notAfter) {
    return FaultTargets.scopeOf(state, fault)
        .map(scope -> rule(scope, experiment, fault, notAfter));
  }

  private static FaultRule rule(
      FaultTargets.Scope scope, Experiment experiment, Experiment.Fault fault, Instant notAfter) {
    FaultRule.Builder rule =
        FaultRule.newBuilder()
            .setExperiment(experiment.meta().name())
            .setFault(fault.name())
            .setPlace(place(fault.place()))
            .setMatch(match(scope, fault.match()))
            .setChancePpm(fault.chancePpm())
            .setMaxActive(fault.maxActive())
            .setFirst(fault.first())
            .setFirstAttempts(fault.firstAttempts())
            .setPerTrace(fault.perTrace())
            .setSeed(seed(experiment))
            .setNotAfter(
                Timestamp.newBuilder()
                    .setSeconds(notAfter.getEpochSecond())
                    .setNanos(notAfter.getNano()));
    FaultActions.set(rule, fault.action());
    return rule.build();
  }

  /** With the bound by which proxies end it themselves, or as one that touches nothing. */
  static FaultRule watched(FaultRule rule, Experiment experiment, boolean observeOnly) {
    FaultRule.Builder built = rule.toBuilder().setObserveOnly(observeOnly);
    Experiment.@Nullable ProxyGuard guard = experiment.watch().proxyGuard();
    if (guard == null && experiment.watch().guards().isEmpty() && !observeOnly) {
      built.setReportPeriod(UNHURRIED);
    }
    if (guard != null && !observeOnly) {
      built.setOwnBound(
          OwnBound.newBuilder()
              .setMinSuccessPpm(guard.minSuccessPpm())
              .setMinRequests(guard.minRequests()));
    }
    return built.build();
  }

  /** No fault has a name with a dot. */
  static String guardName(Experiment experiment, String guard) {
    return experiment.meta().name() + "/guard." + guard;
  }

  /** What makes the proxies of a service measure for a guard. */
  static FaultRule observer(
      Experiment experiment, String guard, ServiceName service, Instant notAfter) {
    return FaultRule.newBuilder()
        .setExperiment(experiment.meta().name())
        .setFault("guard." + guard)
        .setPlace(Place.INBOUND)
        .setMatch(Match.newBuilder().addDestinationServices(service.toString()))
        .setObserveOnly(true)
        .setReset(Reset.getDefaultInstance())
        .setNotAfter(
            Timestamp.newBuilder()
                .setSeconds(notAfter.getEpochSecond())
                .setNanos(notAfter.getNano()))
        .build();
  }

  private static Match match(FaultTargets.Scope scope, Experiment.Match match) {
    Match.Builder built =
        Match.newBuilder()
            .addAllSourceIdentities(scope.sourceIdentities())
            .addAllDestinationServices(texts(scope.destinations()))
            .addAllSparedServices(texts(scope.spared()))
            .addAllMethods(match.methods())
            .addAllRoutes(match.routes());
    match.paths().forEach(path -> built.addPaths(text(path)));
    for (Experiment.HeaderMatch header : match.headers()) {
      HeaderMatch.Builder one = HeaderMatch.newBuilder().setName(header.name());
      if (header.value() != null) {
        one.setValue(text(header.value()));
      }
      built.addHeaders(one);
    }
    return built.build();
  }

  private static List<String> texts(List<ServiceName> names) {
    return names.stream().map(ServiceName::toString).toList();
  }

  private static StringMatch text(Experiment.StringMatch match) {
    return switch (match) {
      case Experiment.StringMatch.Exact(String value) ->
          StringMatch.newBuilder().setExact(value).build();
      case Experiment.StringMatch.Prefix(String value) ->
          StringMatch.newBuilder().setPrefix(value).build();
      case Experiment.StringMatch.Regex(String value) ->
          StringMatch.newBuilder().setRegex(value).build();
    };
  }

  private static Place place(Experiment.Place place) {
    return switch (place) {
      case REQUEST -> Place.REQUEST;
      case ATTEMPT -> Place.ATTEMPT;
      case CONNECTION -> Place.CONNECTION;
      case INBOUND -> Place.INBOUND;
      case MESH -> Place.MESH;
    };
  }

  /** The dice of the experiment; with the same one the same requests are hit. */
  static long seed(Experiment experiment) {
    return experiment.seed().orElseGet(() -> Experiment.seedOf(experiment.meta()));
  }
}
