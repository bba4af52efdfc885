package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.telemetry.ExchangeRecord.Sight;
import dev.outrigger.proxy.telemetry.Explanation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Faults at the places {@link Place#REQUEST} and {@link Place#INBOUND}: once an exchange, before an
 * endpoint is chosen, so that nothing is sent on and nothing is retried.
 */
public final class FaultFilter implements HttpFilter {
  private final WorkerFaults faults;
  private final FaultPlan plan;
  private @Nullable FaultSteps steps;
  private boolean rolled;

  private FaultFilter(WorkerFaults faults, FaultPlan plan) {
    this.faults = faults;
    this.plan = plan;
  }

  private FaultFilter(WorkerFaults faults, FaultPlan plan, FaultSteps steps) {
    this(faults, plan);
    this.steps = steps;
    this.rolled = true;
  }

  /** Makes a filter for each exchange that a fault hits, or that somebody looks at. */
  public static HttpFilter.Factory factory(WorkerFaults faults) {
    return (head, exchange) -> {
      TraceChoice.distrust(head, exchange);
      FaultPlan plan = faults.view().current(exchange.begunAt());
      if (!faults.view().observed().isEmpty() || exchange.explanation() != null) {
        return new FaultFilter(faults, plan);
      }
      if (plan.isEmpty()) {
        return null;
      }
      // Nearly all pass here: they leave nothing behind.
      RequestSubject subject = faults.subject().of(head, exchange);
      @Nullable String called = subject.calledService();
      @Nullable String service = subject.destinationService();
      exchange.record().measured(plan, FaultPlan.NONE, called, service);
      List<FaultDecider> deciders = subject.faultsOf(plan, place(exchange));
      @Nullable FaultSteps steps =
          deciders.isEmpty() ? null : FaultSteps.roll(faults, exchange, deciders, subject, 0);
      return steps == null ? null : new FaultFilter(faults, plan, steps);
    };
  }

  private static Place place(Exchange exchange) {
    return exchange.facts().inbound() ? Place.INBOUND : Place.REQUEST;
  }

  @Override
  public Verdict onRequest(RequestHead head, Exchange exchange) {
    if (!rolled) {
      look(head, exchange);
    }
    return steps == null ? Verdict.PROCEED : steps.run();
  }

  private void look(RequestHead head, Exchange exchange) {
    Place place = place(exchange);
    RequestSubject subject = faults.subject().of(head, exchange);
    @Nullable String called = subject.calledService();
    @Nullable String service = subject.destinationService();
    List<FaultDecider> deciders = subject.faultsOf(plan, place);
    FaultPlan observed = faults.view().observed();
    exchange.record().measured(plan, observed, called, service);
    if (!observed.isEmpty()) {
      observe(observed.at(place, called, service), 0, subject, exchange);
    }
    Explanation explanation = exchange.explanation();
    if (explanation != null) {
      FaultNotes.note(explanation, plan, place, subject, 0);
    }
    steps = deciders.isEmpty() ? null : FaultSteps.roll(faults, exchange, deciders, subject, 0);
  }

  /** Rolls for faults of which nothing comes. */
  static void observe(
      List<FaultDecider> deciders, int attempt, RequestSubject subject, Exchange exchange) {
    for (int i = 0; i < deciders.size(); i++) {
      FaultDecider decider = deciders.get(i);
      Sight sight =
          !decider.concerns(subject)
              ? Sight.PASSED
              : decider.decide(subject.rollId(decider.rule()), attempt) instanceof FaultDecision.Hit
                  ? Sight.HIT
                  : Sight.MATCHED;
      exchange
          .record()
          .sighted(
              decider.rule(),
              decider
                  .rule()
                  .match()
                  .toldService(subject.calledService(), subject.destinationService()),
              subject.sourceIdentity(),
              subject.route(),
              sight);
    }
  }

  @Override
  public Verdict onResponse(ResponseHead head, Exchange exchange) {
    if (steps != null) {
      steps.onResponse(head);
    }
    return Verdict.PROCEED;
  }

  @Override
  public void onFinish(Outcome outcome) {
    if (steps != null) {
      steps.finish();
    }
  }
}
