package dev.outrigger.proxy.forward;

import java.time.Duration;

/**
 * The times of one exchange: the route's timeout over all attempts, from the end of the request on;
 * the bound of the whole exchange, from its beginning on; the timeout of each attempt until its
 * answer begins; how long an attempt may stand still; the end of a back-off. Pure: it is told the
 * time.
 */
final class Deadlines {
  static final long NEVER = Long.MAX_VALUE;

  /** What has passed. */
  enum Passed {
    NONE,
    ROUTE,
    STREAM,
    PER_TRY,
    PER_TRY_IDLE,
    RETRY
  }

  private final long routeNanos;
  private final long perTryNanos;
  private final long idleNanos;
  private long routeAt = NEVER;
  private long streamAt = NEVER;
  private long tryAt = NEVER;
  private long idleAt = NEVER;
  private long retryAt = NEVER;

  /**
   * @param routeNanos zero is none
   * @param perTry zero is none; ignored where it is not below the route's, as it could never pass
   * @param perTryIdle zero is none
   */
  Deadlines(long routeNanos, Duration perTry, Duration perTryIdle) {
    this.idleNanos = perTryIdle.toNanos();
    this.routeNanos = routeNanos;
    long each = perTry.toNanos();
    this.perTryNanos = routeNanos > 0 && each >= routeNanos ? 0 : each;
  }

  boolean ofTries() {
    return perTryNanos > 0 || idleNanos > 0;
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
    idleAt = idleNanos > 0 ? now + idleNanos : NEVER;
  }

  /** The attempt's answer is passed on; from now on it must only not stand still. */
  void tryAnswers(long now) {
    tryAt = NEVER;
    moved(now);
  }

  /** Something came of the attempt. */
  void moved(long now) {
    if (idleAt != NEVER) {
      idleAt = now + idleNanos;
    }
  }

  void tryEnds() {
    tryAt = NEVER;
    idleAt = NEVER;
  }

  void retryAt(long time) {
    retryAt = time;
  }

  /** What comes from here on may take as long as the whole exchange. */
  void tunnelOpens() {
    routeAt = NEVER;
    tryAt = NEVER;
    retryAt = NEVER;
  }

  void clear() {
    routeAt = NEVER;
    streamAt = NEVER;
    tryAt = NEVER;
    idleAt = NEVER;
    retryAt = NEVER;
  }

  /** The earliest of all, or {@link #NEVER}. */
  long next() {
    return Math.min(Math.min(streamAt, idleAt), Math.min(routeAt, Math.min(tryAt, retryAt)));
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
    if (now >= idleAt) {
      idleAt = NEVER;
      return Passed.PER_TRY_IDLE;
    }
    if (now >= retryAt) {
      retryAt = NEVER;
      return Passed.RETRY;
    }
    return Passed.NONE;
  }
}
