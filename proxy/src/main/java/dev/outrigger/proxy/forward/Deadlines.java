package dev.outrigger.proxy.forward;

import java.time.Duration;

/**
 * The times of one exchange: the route's timeout over all attempts, from the end of the request on;
 * the bound of the whole exchange, from its beginning on; the timeout of each attempt until its
 * answer begins; the end of a back-off. Pure: it is told the time.
 */
final class Deadlines {
  static final long NEVER = Long.MAX_VALUE;

  /** What has passed. */
  enum Passed {
    NONE,
    ROUTE,
    STREAM,
    PER_TRY,
    RETRY
  }

  private final long routeNanos;
  private final long perTryNanos;
  private long routeAt = NEVER;
  private long streamAt = NEVER;
  private long tryAt = NEVER;
  private long retryAt = NEVER;

  /**
   * @param routeNanos zero is none
   * @param perTry zero is none; ignored where it is not below the route's, as it could never pass
   */
  Deadlines(long routeNanos, Duration perTry) {
    this.routeNanos = routeNanos;
    long each = perTry.toNanos();
    this.perTryNanos = routeNanos > 0 && each >= routeNanos ? 0 : each;
  }

  boolean perTry() {
    return perTryNanos > 0;
  }

  void requestEnded(long now) {
    if (routeNanos > 0) {
      routeAt = now + routeNanos;
    }
  }

  /** The whole exchange must be over by then. */
  void streamEnds(long time) {
    streamAt = time;
  }

  void tryBegins(long now) {
    tryAt = perTryNanos > 0 ? now + perTryNanos : NEVER;
  }

  void tryEnds() {
    tryAt = NEVER;
  }

  void retryAt(long time) {
    retryAt = time;
  }

  void clear() {
    routeAt = NEVER;
    streamAt = NEVER;
    tryAt = NEVER;
    retryAt = NEVER;
  }

  /** The earliest of all, or {@link #NEVER}. */
  long next() {
    return Math.min(Math.min(routeAt, streamAt), Math.min(tryAt, retryAt));
  }

  /** What has passed, once; the route's timeout outweighs the others. */
  Passed passed(long now) {
    if (now >= routeAt) {
      clear();
      return Passed.ROUTE;
    }
    if (now >= streamAt) {
      clear();
      return Passed.STREAM;
    }
    if (now >= tryAt) {
      tryAt = NEVER;
      return Passed.PER_TRY;
    }
    if (now >= retryAt) {
      retryAt = NEVER;
      return Passed.RETRY;
    }
    return Passed.NONE;
  }
}
