package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.FaultSubject;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.telemetry.ExchangeRecord.Sight;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connection as faults see it, and what it rolls: the same at every asking.
 *
 * @param id unique in this proxy
 * @param toApplication whether no toxic concerns it
 */
record ConnectionLuck(
    @Nullable String sourceIdentity,
    @Nullable String destinationService,
    String id,
    boolean toApplication)
    implements FaultSubject {

  /** All that hits it, by full name in the order in which they act. */
  Map<String, FaultDecision.Hit> hits(FaultPlan plan) {
    if (plan.isEmpty() || toApplication) {
      return Map.of();
    }
    List<FaultDecider> deciders = plan.at(Place.CONNECTION, null, destinationService);
    if (deciders.isEmpty()) {
      return Map.of();
    }
    Map<String, FaultDecision.Hit> hits = new LinkedHashMap<>();
    for (FaultDecider decider : deciders) {
      if (decider.rule().match().matches(this)
          && decider.decide(id, 0) instanceof FaultDecision.Hit hit) {
        hits.put(decider.rule().fullName(), hit);
      }
    }
    return hits;
  }

  /**
   * Tells what faults that only observe would do to it.
   *
   * @param before has those that were told already
   */
  void sighted(FaultPlan observed, FaultPlan before, WorkerTelemetry telemetry) {
    if (toApplication) {
      return;
    }
    for (FaultDecider decider : observed.at(Place.CONNECTION, null, destinationService)) {
      FaultRule rule = decider.rule();
      if (before.rules().contains(rule)) {
        continue;
      }
      Sight sight =
          !rule.match().matches(this)
              ? Sight.PASSED
              : decider.decide(id, 0) instanceof FaultDecision.Hit ? Sight.HIT : Sight.MATCHED;
      telemetry.sighted(rule, destinationService, sourceIdentity, sight);
    }
  }

  /** What keeps a connection from coming about; null lets it. */
  @Nullable FaultRule refusal(FaultPlan plan) {
    for (FaultDecision.Hit hit : hits(plan).values()) {
      if (hit.rule().fault() instanceof Fault.Refuse
          || hit.rule().fault() instanceof Fault.Partition) {
        return hit.rule();
      }
    }
    return null;
  }

  /** Null, for requests that ask for several services may share it. */
  @Override
  public @Nullable String calledService() {
    return null;
  }

  @Override
  public @Nullable String route() {
    return null;
  }

  @Override
  public @Nullable String method() {
    return null;
  }

  @Override
  public @Nullable String path() {
    return null;
  }

  @Override
  public @Nullable String header(String name) {
    return null;
  }
}
