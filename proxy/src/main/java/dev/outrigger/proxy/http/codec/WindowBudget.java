package dev.outrigger.proxy.http.codec;

import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * What windows of HTTP/2 may take of the memory for buffers, all connections of a proxy together.
 * Whoever is promised a window may fill it, and what fills it lies here for as long as the other
 * side reads slowly: promises without a bound end in a proxy that has no memory for anybody. Shared
 * by the workers, and asked when windows grow or are given back, not for each frame.
 */
public final class WindowBudget {
  /** For windows that keep their size; what waits behind them is bounded by that. */
  public static final WindowBudget FIXED = new WindowBudget(() -> 0, Long.MAX_VALUE, 0);

  private final LongSupplier taken;
  private final long most;
  private final long mostPromised;
  private final AtomicLong promised = new AtomicLong();

  private WindowBudget(LongSupplier taken, long most, long mostPromised) {
    this.taken = taken;
    this.most = most;
    this.mostPromised = mostPromised;
  }

  /**
   * @param taken how many bytes of buffers there are now, of whatever kind
   * @param most how many there may be
   */
  public static WindowBudget of(LongSupplier taken, long most) {
    return new WindowBudget(taken, most, most / 8 * 3);
  }

  /** Of the memory that buffers may have. */
  public static WindowBudget ofBuffers() {
    return of(PlatformDependent::usedDirectMemory, PlatformDependent.maxDirectMemory());
  }

  /**
   * Asks for so many bytes more in the window of a connection.
   *
   * @return whether they are granted; who has them gives them back with {@link #takeBack}
   */
  boolean promise(long more) {
    long now = promised.addAndGet(more);
    if (now > mostPromised) {
      promised.addAndGet(-more);
      return false;
    }
    return true;
  }

  void takeBack(long bytes) {
    promised.addAndGet(-bytes);
  }

  /**
   * How many bytes may wait on one connection for those who read slowly without the window of all
   * its streams becoming smaller by them: less and less, and nothing once half of the memory is
   * taken. What is promised fits into the other half.
   */
  long mayWait() {
    return Math.max(0, (most / 2 - taken.getAsLong()) / 4);
  }
}
