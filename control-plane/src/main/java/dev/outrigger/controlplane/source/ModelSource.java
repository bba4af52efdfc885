package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.DesiredState;
import java.util.List;

/** Where desired state comes from. Thread-safe. */
public interface ModelSource extends AutoCloseable {

  /** What is known now. */
  Reading reading();

  /**
   * Asks to be told of every later change. The listener is quick, and is called by one thread of
   * the source at a time, in order.
   */
  void onChange(Runnable listener);

  /** Stops watching; what was read stays. */
  @Override
  void close();

  /**
   * What was read.
   *
   * @param state the last good version of everything
   * @param problems what is wrong now, by file and line; they stay until they are mended
   * @param generation grows with every change
   */
  record Reading(DesiredState state, List<Problem> problems, long generation) {
    public Reading {
      problems = List.copyOf(problems);
    }
  }
}
