package dev.outrigger.proxy.worker;

/**
 * How many exchanges a worker has under way at once, on average, told by those that ended: the sum
 * of what they took, over the time in which they ended (Little's law). Streams that stay open do
 * not count until they end, and then little, so that a worker with many idle streams and one client
 * that waits for each answer is not taken for one with many clients. Confined to the worker.
 */
public final class Pulse {
  /** So much of an exchange counts at most; who takes longer is in no hurry. */
  static final long MOST_NANOS = 10_000_000;

  private long nanos;

  /** An exchange has ended that took so long. */
  public void ended(long durationNanos) {
    nanos += Math.min(durationNanos, MOST_NANOS);
  }

  /** The average since the last call, which was so long ago. */
  long take(long elapsedNanos) {
    long average = nanos / Math.max(1, elapsedNanos);
    nanos = 0;
    return average;
  }
}
