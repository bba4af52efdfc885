package dev.outrigger.controlplane.model;

import java.time.Duration;
import java.util.List;

/**
 * A part of a run in which some of the experiment's faults act; steps may overlap.
 *
 * @param name for people
 * @param from after faults began to act
 * @param until after faults began to act; later than {@code from}
 * @param faults names of those that act; none is a rest
 */
public record Step(String name, Duration from, Duration until, List<String> faults) {
  public Step {
    faults = List.copyOf(faults);
  }
}
