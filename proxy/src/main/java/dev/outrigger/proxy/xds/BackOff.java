package dev.outrigger.proxy.xds;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waits between tries: uniform between nothing and a bound that doubles ("full jitter"), once all
 * addresses that are known were tried. Where others are known the bound stays short, since one of
 * them may answer at any moment, and a fault's lease may hang on it.
 */
final class BackOff {
  private static final int MAX_DOUBLINGS = 20;
  private static final Duration AMONG_OTHERS = Duration.ofSeconds(2);

  private final Duration first;
  private final Duration cap;
  private final RandomGenerator random;
  private int failures;

  BackOff(Duration first, Duration cap, RandomGenerator random) {
    this.first = first;
    this.cap = cap;
    this.random = random;
  }

  /**
   * How long to wait after another failure.
   *
   * @param known how many addresses there are to try in turn, at least 1
   */
  Duration next(int known) {
    Duration most = known > 1 && cap.compareTo(AMONG_OTHERS) > 0 ? AMONG_OTHERS : cap;
    int rounds = Math.min(failures / known, MAX_DOUBLINGS);
    long bound = Math.min(most.toNanos(), first.toNanos() << rounds);
    failures = rounds < MAX_DOUBLINGS ? failures + 1 : failures;
    return Duration.ofNanos(random.nextLong(bound + 1));
  }

  void reset() {
    failures = 0;
  }
}
