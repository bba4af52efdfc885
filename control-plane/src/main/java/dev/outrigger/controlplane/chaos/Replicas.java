package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * The replicas of a control plane. One of them leads: it starts and ends experiments, and keeps
 * where they stand for whoever leads next. The others give proxies the same faults. Thread-safe.
 */
public interface Replicas {
  /** Of a control plane that is alone. */
  Replicas NONE =
      new Replicas() {
        @Override
        public boolean leads() {
          return true;
        }

        @Override
        public boolean isLed() {
          return true;
        }

        @Override
        public String leader() {
          return "";
        }

        @Override
        public void keep(List<ExperimentRun> standing) {}

        @Override
        public void keepSoon(List<ExperimentRun> standing) {}

        @Override
        public void order(HaltOrder order) {}

        @Override
        public void measured(Measurement measurement) {}
      };

  /** Whether this one leads, by a lease that has not ended at this moment. */
  boolean leads();

  /**
   * Whether one of them leads, as far as can be seen from here. While nobody does, nobody watches
   * what faults do, so none act.
   */
  boolean isLed();

  /** The name of the one that leads; empty where none is known. */
  String leader();

  /**
   * Keeps where each stands, and is back when that is done.
   *
   * @throws UncheckedIOException if it cannot be kept, or this one does not lead; then it did not
   *     happen
   */
  void keep(List<ExperimentRun> standing);

  /** The same without a wait; tried again until it is kept or this one does not lead any more. */
  void keepSoon(List<ExperimentRun> standing);

  /**
   * Tells all of them to halt; back when that can no longer be lost.
   *
   * @throws IOException if they cannot be told
   */
  void order(HaltOrder order) throws IOException;

  /** Passes on to the one that leads what a proxy of ours measured; may be lost. */
  void measured(Measurement measurement);
}
