package dev.outrigger.proxy.http;

import dev.outrigger.proxy.worker.WorkerConfined;
import java.time.Duration;

/**
 * Whether a request's body comes fast enough: so many bytes a second on the average, after a time
 * in which nothing is asked. Two things are measured: what the client owes, because it was
 * announced; and a body of unknown length as a whole, which may pause and has more time, but must
 * not trickle for ever. Confined to its worker's event loop.
 */
@WorkerConfined
final class BodyClock {
  /** Nothing is asked for so long. */
  static final Duration GRACE = Duration.ofSeconds(8);

  /** The same for a body of unknown length as a whole. */
  static final Duration WHOLE_GRACE = Duration.ofSeconds(30);

  /** A body of unknown length may be so many times slower than what was announced. */
  static final int WHOLE_SHARE = 15;

  /** Bytes per second that any client in use today reaches. */
  static final int USUAL_RATE = 240;

  private static final long NEVER = Long.MAX_VALUE;
  private static final long SECOND = 1_000_000_000L;

  private final int bytesPerSecond;
  private long since = NEVER;
  private long bytes;
  private long wholeSince = NEVER;
  private long wholeBytes;

  /**
   * @param bytesPerSecond 0 asks nothing
   */
  BodyClock(int bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  boolean runs() {
    return since != NEVER;
  }

  /** From now on bytes are owed; begins anew if it runs. */
  void start(long now) {
    since = bytesPerSecond == 0 ? NEVER : now;
    bytes = 0;
  }

  /** Nothing is owed. */
  void stop() {
    since = NEVER;
  }

  /** A body of unknown length begins. */
  void startWhole(long now) {
    wholeSince = bytesPerSecond == 0 ? NEVER : now;
    wholeBytes = 0;
  }

  /** The body is over, or not waited for any more. */
  void end() {
    since = NEVER;
    wholeSince = NEVER;
  }

  /** It was not the client's turn: what runs begins anew. */
  void forgive(long now) {
    if (since != NEVER) {
      start(now);
    }
    if (wholeSince != NEVER) {
      startWhole(now);
    }
  }

  void received(int more) {
    bytes += more;
    wholeBytes += more;
  }

  /** When it is too slow unless more comes; {@code Long.MAX_VALUE} if it does not run. */
  long deadline() {
    return Math.min(owedBy(), wholeBy());
  }

  /** The time of grace that the deadline is reckoned from. */
  Duration grace() {
    return owedBy() <= wholeBy() ? GRACE : WHOLE_GRACE;
  }

  private long owedBy() {
    return since == NEVER ? NEVER : since + GRACE.toNanos() + timeFor(bytes);
  }

  private long wholeBy() {
    return wholeSince == NEVER
        ? NEVER
        : wholeSince + WHOLE_GRACE.toNanos() + WHOLE_SHARE * timeFor(wholeBytes);
  }

  /** How long so many bytes may take. */
  long timeFor(long count) {
    return bytesPerSecond == 0 ? 0 : Math.min(count, 1L << 33) * SECOND / bytesPerSecond;
  }
}
