package dev.outrigger.fault;

import java.time.Duration;

/** Whether a fault hits, and how hard. */
public sealed interface FaultDecision {
  /** It does not. */
  Spared SPARED = new Spared();

  /** It does not. */
  record Spared() implements FaultDecision {}

  /**
   * It does.
   *
   * @param pause how long, its jitter applied; zero for faults that do not wait
   * @param roll what was rolled; toxics draw the jitter of their chunks from it
   */
  record Hit(FaultRule rule, Duration pause, long roll) implements FaultDecision {}
}
