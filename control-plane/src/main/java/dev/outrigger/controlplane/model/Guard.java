package dev.outrigger.controlplane.model;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A bound on what proxies measure; its breach halts the experiment.
 *
 * @param name unique in the experiment
 * @param service whose requests are judged, as its own proxies receive them; null judges those on
 *     the edges of the faults
 * @param of which requests
 * @param window over how long, 1 s to 1 min; an error budget has none
 * @param minRequests with fewer in the window it says nothing
 */
public record Guard(
    String name,
    @Nullable ServiceName service,
    Of of,
    Bound bound,
    Duration window,
    int minRequests) {

  /** Which requests. */
  public enum Of {
    ALL,
    /** Those that a fault touched. */
    AFFECTED,
    UNAFFECTED
  }

  /** What must hold. */
  public sealed interface Bound {
    /** At least so many percent are no errors. */
    record MinSuccess(double percent) implements Bound {}

    /** At most so many percentage points below the baseline. */
    record MaxDrop(double points) implements Bound {}

    /**
     * The quantile is at most that.
     *
     * @param quantile above 0 and below 1
     */
    record MaxLatency(double quantile, Duration latency) implements Bound {}

    /** The quantile is at most so many percent above that of the baseline. */
    record MaxIncrease(double quantile, double percent) implements Bound {}

    /**
     * The whole run, not a window of it, costs at most so many errors.
     *
     * @param errors 0 or more
     */
    record ErrorBudget(long errors) implements Bound {}
  }

  /** Whether it needs a baseline. */
  public boolean isRelative() {
    return switch (bound) {
      case Bound.MaxDrop _, Bound.MaxIncrease _ -> true;
      case Bound.MinSuccess _, Bound.MaxLatency _, Bound.ErrorBudget _ -> false;
    };
  }
}
