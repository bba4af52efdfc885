package dev.outrigger.controlplane.model;

import java.time.Duration;

/**
 * When an experiment begins by itself.
 *
 * @param overlap what happens when it still runs at its next time
 * @param startingDeadline how long after its time it may still begin
 * @param suspended whether it begins with its times suspended
 * @param history how many reports of runs are kept
 */
public record Schedule(
    CronTimes times, Overlap overlap, Duration startingDeadline, boolean suspended, int history) {

  /** What happens to a time that comes while the experiment runs. */
  public enum Overlap {
    /** Nothing begins at that time. */
    SKIP,
    /** It begins when the other run is over, if that is before the deadline. */
    WAIT,
    /** The other run is stopped, and it begins when its leases have passed. */
    REPLACE
  }
}
