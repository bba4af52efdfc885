package dev.outrigger.proxy.http;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One timer for all deadlines of a connection, made for deadlines that nearly always move away
 * before they pass: it rings at the earliest time it was ever asked for, and its owner then asks
 * for the next one. Confined to its event loop.
 */
final class Alarm implements Runnable {
  private static final long NEVER = Long.MAX_VALUE;

  private final EventExecutor loop;
  private final LongConsumer onRing;
  private @Nullable Future<?> scheduled;
  private long ringsAt = NEVER;

  /**
   * @param onRing given the loop's time in nanoseconds
   */
  Alarm(EventExecutor loop, LongConsumer onRing) {
    this.loop = loop;
    this.onRing = onRing;
  }

  /** Rings by then, or earlier; {@code Long.MAX_VALUE} asks for nothing. */
  void wakeBy(long deadlineNanos) {
    if (deadlineNanos >= ringsAt) {
      return;
    }
    if (scheduled != null) {
      scheduled.cancel(false);
    }
    ringsAt = deadlineNanos;
    long delay = Math.max(0, deadlineNanos - loop.ticker().nanoTime());
    scheduled = loop.schedule(this, delay, TimeUnit.NANOSECONDS);
  }

  /** Rings no more, until asked again. */
  void cancel() {
    if (scheduled != null) {
      scheduled.cancel(false);
      scheduled = null;
    }
    ringsAt = NEVER;
  }

  @Override
  public void run() {
    scheduled = null;
    ringsAt = NEVER;
    onRing.accept(loop.ticker().nanoTime());
  }
}
