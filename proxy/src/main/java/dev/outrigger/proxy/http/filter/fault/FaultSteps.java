package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.LocalReply;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.ExchangeRecord.FaultKind;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.telemetry.Explanation.About;
import io.netty.util.concurrent.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The faults that hit one exchange or one attempt, run one after the other: changes of the head,
 * all delays, then an abort or a reset; what concerns the answer waits for it. Confined to its
 * worker's event loop.
 *
 * <p>States: running → (waiting → running)* → over.
 */
final class FaultSteps {
  private final WorkerFaults faults;
  private final Exchange exchange;
  private final List<FaultDecision.Hit> hits;
  private final AnswerFaults answer = new AnswerFaults();
  private int next;
  private @Nullable FaultRule waitingFor;
  private @Nullable FaultRule throttledBy;
  private @Nullable Future<?> timer;
  private Runnable onOver = () -> {};

  private FaultSteps(WorkerFaults faults, Exchange exchange, List<FaultDecision.Hit> hits) {
    this.faults = faults;
    this.exchange = exchange;
    this.hits = hits;
  }

  /**
   * Rolls, once for each fault that means the subject.
   *
   * @param attempt 0 where attempts do not count
   * @return null where none hits
   */
  static @Nullable FaultSteps roll(
      WorkerFaults faults,
      Exchange exchange,
      List<FaultDecider> deciders,
      RequestSubject subject,
      int attempt) {
    @Nullable List<FaultDecision.Hit> hits = null;
    for (int i = 0; i < deciders.size(); i++) {
      FaultDecider decider = deciders.get(i);
      if (decider.concerns(subject)
          && decider.decide(subject.rollId(decider.rule()), attempt)
              instanceof FaultDecision.Hit hit) {
        if (hits == null) {
          hits = new ArrayList<>(2);
        }
        hits.add(hit);
      }
    }
    return hits == null ? null : new FaultSteps(faults, exchange, hits);
  }

  /** Goes through the faults up to the next wait. */
  Verdict run() {
    while (next < hits.size()) {
      FaultDecision.Hit hit = hits.get(next++);
      FaultRule rule = hit.rule();
      if (!faults.view().current().holds(rule)) {
        continue; // It ended while another one was waited for.
      }
      if (!faults.active().enter(rule)) {
        Explanation explanation = exchange.explanation();
        if (explanation != null) {
          explanation.note(
              About.FAULT,
              "fault " + rule.fullName() + " holds as many exchanges as it may: spared");
        }
        continue;
      }
      switch (rule.fault()) {
        case Fault.Delay _ -> {
          exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.DELAY);
          waitingFor = rule;
          faults.held().add(this);
          timer =
              faults
                  .worker()
                  .loop()
                  .schedule(this::onWaited, hit.pause().toNanos(), TimeUnit.NANOSECONDS);
          return Verdict.SUSPEND;
        }
        case Fault.Abort abort -> {
          faults.active().leave(rule);
          exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.ABORT);
          @Nullable Integer grpc =
              abort.grpcStatus().isPresent() ? abort.grpcStatus().getAsInt() : null;
          return refuse(rule, abort.httpStatus(), grpc);
        }
        case Fault.Reset _ -> {
          faults.active().leave(rule);
          exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.RESET);
          return refuse(rule, 0, null);
        }
        // Toxics act on connections; a rule has none at the places of requests.
        case Fault.Throttle throttle -> {
          exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.THROTTLE);
          throttledBy = rule;
          faults.held().add(this);
          answer.throttle(throttle, () -> faults.active().leave(rule));
        }
        case Fault.Rewrite rewrite -> {
          faults.active().leave(rule);
          exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.REWRITE);
          AnswerFaults.edit(exchange.head().headers(), rewrite.request());
          answer.rewrite(rewrite);
        }
        case Fault.OnBytes _, HandshakeFault _, MeshFault _ -> faults.active().leave(rule);
      }
    }
    return Verdict.PROCEED;
  }

  /** Runs it once the last wait has ended, before the exchange goes on. */
  void onOver(Runnable task) {
    onOver = task;
  }

  /** The answer's head is about to go to the client. */
  void onResponse(ResponseHead head) {
    answer.onResponse(head, exchange, faults.worker());
  }

  /** The exchange is over. */
  void finish() {
    cancel();
    throttledBy = null;
    faults.held().remove(this);
    answer.finish();
  }

  /** Nothing is held longer than its fault lasts, however it ends. */
  void onPlan(FaultPlan plan) {
    FaultRule rate = throttledBy;
    if (rate != null && !plan.holds(rate)) {
      throttledBy = null;
      answer.release();
    }
    FaultRule wait = waitingFor;
    Future<?> until = timer;
    if (wait != null && until != null && !plan.holds(wait)) {
      until.cancel(false);
      onWaited();
    }
  }

  /** Stops waiting, because nobody waits any more. */
  void cancel() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
    if (waitingFor != null) {
      faults.active().leave(waitingFor);
      waitingFor = null;
    }
    if (throttledBy == null) {
      faults.held().remove(this);
    }
  }

  private void onWaited() {
    timer = null;
    // The slot is free when the wait ends, however long the exchange goes on.
    cancel();
    if (exchange.finished()) {
      onOver.run();
      return;
    }
    switch (run()) {
      case Verdict.Proceed _ -> {
        onOver.run();
        exchange.resume();
      }
      case Verdict.Suspend _ -> {}
      case Verdict.Reply(LocalReply reply) -> {
        onOver.run();
        exchange.reply(reply);
      }
    }
  }

  private static Verdict refuse(FaultRule rule, int status, @Nullable Integer grpcStatus) {
    return Verdict.refuse(new ProxyError.FaultInjected(rule.experiment(), status, grpcStatus));
  }
}
