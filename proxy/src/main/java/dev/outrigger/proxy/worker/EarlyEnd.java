package dev.outrigger.proxy.worker;

import java.util.random.RandomGenerator;

/**
 * By how much one connection ends before its bounds say: up to a tenth, so that those opened
 * together do not come back together. Confined to its worker's event loop.
 */
@WorkerConfined
public final class EarlyEnd {
  private static final double MOST = 0.1;
  private static final double UNKNOWN = -1;

  private final RandomGenerator random;
  private double share = UNKNOWN;

  /** Draws once, when it is first asked. */
  public EarlyEnd(RandomGenerator random) {
    this.random = random;
  }

  /** What is left of a bound: more than nine tenths of it; 0 is none, and stays so. */
  public long of(long bound) {
    if (bound == 0) {
      return 0;
    }
    if (share == UNKNOWN) {
      share = MOST * random.nextDouble();
    }
    return bound - (long) (bound * share);
  }
}
