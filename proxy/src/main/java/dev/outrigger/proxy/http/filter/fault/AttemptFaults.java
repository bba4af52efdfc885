package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.forward.AttemptFilter;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Faults at the place {@link Place#ATTEMPT}: rolled for each attempt, and met by retries, timeouts
 * and outlier detection as a failure of the endpoint. Confined to its worker's event loop.
 */
@WorkerConfined
public final class AttemptFaults implements AttemptFilter {
  private final WorkerFaults faults;
  // Keeps an attempt that timed out while it waited from waking the next one of its exchange.
  private final IdentityHashMap<Exchange, FaultSteps> waiting = new IdentityHashMap<>();

  public AttemptFaults(WorkerFaults faults) {
    this.faults = faults;
  }

  @Override
  public Verdict onAttempt(
      RequestHead head, Exchange exchange, ClusterConfig cluster, Endpoint endpoint, int attempt) {
    @Nullable FaultSteps earlier = waiting.isEmpty() ? null : waiting.remove(exchange);
    if (earlier != null) {
      earlier.cancel();
    }
    FaultPlan plan = faults.view().current();
    if (exchange.facts().inbound()) {
      return Verdict.PROCEED;
    }
    FaultPlan observed = faults.view().observed();
    if (!observed.isEmpty()) {
      RequestSubject subject = faults.subject().of(head, exchange, cluster);
      FaultFilter.observe(
          observed.at(Place.ATTEMPT, subject.calledService(), subject.destinationService()),
          attempt,
          subject,
          exchange);
    }
    if (plan.isEmpty()) {
      return Verdict.PROCEED;
    }
    Explanation explanation = exchange.explanation();
    if (explanation != null) {
      FaultNotes.note(
          explanation, plan, Place.ATTEMPT, faults.subject().of(head, exchange, cluster), attempt);
    }
    RequestSubject subject = faults.subject().of(head, exchange, cluster);
    List<FaultDecider> deciders = subject.faultsOf(plan, Place.ATTEMPT);
    if (deciders.isEmpty()) {
      return Verdict.PROCEED;
    }
    @Nullable FaultSteps steps = FaultSteps.roll(faults, exchange, deciders, subject, attempt);
    if (steps == null) {
      return Verdict.PROCEED;
    }
    Verdict verdict = steps.run();
    if (verdict instanceof Verdict.Suspend) {
      waiting.put(exchange, steps);
      steps.onOver(() -> waiting.remove(exchange));
    }
    return verdict;
  }
}
