package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.telemetry.Explanation.About;

/**
 * Tells which faults are in force, what each rolled, and why it applies or not. A fault's decision
 * is a pure function, so that asking it again gives what it gave.
 */
final class FaultNotes {
  private FaultNotes() {}

  static void note(
      Explanation explanation, FaultPlan plan, Place place, RequestSubject subject, int attempt) {
    if (plan.isEmpty()) {
      explanation.note(About.FAULT, "no fault is in force");
      return;
    }
    for (FaultRule rule : plan.rules()) {
      if (rule.fault() instanceof HandshakeFault) {
        if (attempt == 0) {
          explanation.note(
              About.FAULT, "fault " + rule.fullName() + " acts on handshakes, not on requests");
        }
      } else if (rule.place() == place) {
        explanation.note(About.FAULT, "fault " + told(rule, subject, attempt));
      } else if (attempt == 0) {
        explanation.note(
            About.FAULT,
            "fault " + rule.fullName() + " acts at the place " + rule.place() + ", not here");
      }
    }
  }

  private static String told(FaultRule rule, RequestSubject subject, int attempt) {
    String against = rule.match().mismatch(subject);
    if (against != null) {
      return rule.fullName() + " does not apply: " + against;
    }
    FaultDecider decider = new FaultDecider(rule);
    String id = subject.rollId(rule);
    String rolled =
        rule.fullName()
            + " rolled "
            + decider.rolled(id, attempt)
            + "% with a chance of "
            + rule.chance();
    return switch (decider.decide(id, attempt)) {
      case FaultDecision.Spared _ -> rolled + ": spared";
      case FaultDecision.Hit hit ->
          rolled
              + ": hit, "
              + rule.fault()
              + (hit.pause().isZero() ? "" : ", here " + hit.pause().toMillis() + " ms");
    };
  }
}
