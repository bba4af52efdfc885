package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Probe;
import java.util.function.Consumer;

/** Asks the questions of probes. Thread-safe. */
public interface Prober {
  /** Whether the operator of this control plane lets experiments run programs here. */
  boolean allowsCommands();

  /**
   * Asks once, without waiting.
   *
   * @param done is told once, on any thread, soon after the probe's timeout at the latest
   */
  void ask(Probe probe, Consumer<ProbeOutcome> done);
}
