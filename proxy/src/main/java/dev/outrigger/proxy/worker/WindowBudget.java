package dev.outrigger.proxy.worker;

import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * What windows of connections to HTTP/2 servers may take of the memory for buffers, all of a proxy
 * together. Whoever is promised a window may fill it, and what fills it lies here for as long as
 * the other side reads slowly: promises without a bound end in a proxy that has no memory for
 * anybody. Answers that have come whole are not told apart from other memory that is taken. Shared
 * by the workers; not asked for each frame unless memory is scarce.
 */
public final class WindowBudget {
  /** Grants nothing, and lets all wait: for windows that keep their size. */
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
   * @return whether they are granted, never while memory is scarce; who has them gives them back
   *     with {@link #takeBack}
   */
  public boolean promise(long more) {
    if (taken.getAsLong() >= most / 2) {
      return false;
    }
    long now = promised.addAndGet(more);
    if (now > mostPromised) {
      promised.addAndGet(-more);
      return false;
    }
    return true;
  }

  /** What was promised is so many bytes less. */
  public void takeBack(long bytes) {
    promised.addAndGet(-bytes);
  }

  /**
   * How many bytes may wait on one connection for those who read slowly without the window of all
   * its streams becoming smaller by them: less and less, and nothing once half of the memory is
   * taken. What windows have grown by fits into the other half.
   */
  public long mayWait() {
    return Math.max(0, (most / 2 - taken.getAsLong()) / 4);
  }
}
