package dev.outrigger.proxy.xds;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Waits between tries: uniform between nothing and a bound that doubles ("full jitter"). */
final class BackOff {
  private static final int MAX_DOUBLINGS = 20;

  private final Duration first;
  private final Duration cap;
  private final RandomGenerator random;
  private int failures;

  BackOff(Duration first, Duration cap, RandomGenerator random) {
    this.first = first;
    this.cap = cap;
    this.random = random;
  }

  Duration next() {
    long bound = Math.min(cap.toNanos(), first.toNanos() << Math.min(failures, MAX_DOUBLINGS));
    failures = Math.min(failures + 1, MAX_DOUBLINGS);
    return Duration.ofNanos(random.nextLong(bound + 1));
  }

  void reset() {
    failures = 0;
  }
}
