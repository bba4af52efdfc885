package dev.outrigger.proxy.http;

import dev.outrigger.proxy.worker.WorkerConfined;
import java.time.Duration;

/**
 * Whether a request's body comes fast enough: so many bytes a second on the average, after a time
 * in which nothing is asked. It runs only while the client owes bytes that were announced. Confined
 * to its worker's event loop.
 */
@WorkerConfined
final class BodyClock {
  /** Nothing is asked for so long. */
  static final Duration GRACE = Duration.ofSeconds(8);

  /** Bytes per second that any client in use today reaches. */
  static final int USUAL_RATE = 240;

  private static final long NEVER = Long.MAX_VALUE;
  private static final long SECOND = 1_000_000_000L;

  private final int bytesPerSecond;
  private long since = NEVER;
  private long bytes;

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

  void received(int more) {
    bytes += more;
  }

  /** When it is too slow unless more comes; {@code Long.MAX_VALUE} if it does not run. */
  long deadline() {
    return since == NEVER ? NEVER : since + GRACE.toNanos() + timeFor(bytes);
  }

  /** How long so many bytes may take. */
  long timeFor(long count) {
    return bytesPerSecond == 0 ? 0 : Math.min(count, 1L << 33) * SECOND / bytesPerSecond;
  }
}
