package dev.outrigger.controlplane.chaos;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Sees when the wall clock is set: it moved other than monotonic time did. A process that stood
 * still sees nothing of that, since both went on. Not thread-safe.
 */
final class ClockWatch {
  /** More than clocks that are slewed differ between two looks. */
  private static final Duration TOLERANCE = Duration.ofSeconds(1);

  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private Instant wall;
  private long monotonic;

  /**
   * @param nanoTime monotonic time
   */
  ClockWatch(InstantSource clock, LongSupplier nanoTime) {
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.wall = clock.instant();
    this.monotonic = nanoTime.getAsLong();
  }

  /** By how much it was set since the last look, negative where back; zero where it was not. */
  Duration look() {
    Instant now = clock.instant();
    long then = nanoTime.getAsLong();
    Duration set = Duration.between(wall, now).minusNanos(then - monotonic);
    wall = now;
    monotonic = then;
    return set.abs().compareTo(TOLERANCE) > 0 ? set : Duration.ZERO;
  }
}
