package dev.outrigger.controlplane.chaos;

/**
 * How far an experiment has come: {@code PENDING → PREVIEWED → RUNNING → (HALTED | COMPLETED) →
 * RECOVERED}. One that was not previewed may run too; one that has recovered may run again.
 */
public enum ExperimentPhase {
  /** It is written and has not run. */
  PENDING,
  /** Somebody has looked at whom it would hit. */
  PREVIEWED,
  /** Proxies inject its faults. */
  RUNNING,
  /** It was ended before its time. */
  HALTED,
  /** Its time is over. */
  COMPLETED,
  /** The last lease of its faults is over too, so that no proxy can inject any. */
  RECOVERED;

  /** As people read it, such as {@code Running}. */
  public String text() {
    return name().charAt(0) + name().substring(1).toLowerCase(java.util.Locale.ROOT);
  }
}
