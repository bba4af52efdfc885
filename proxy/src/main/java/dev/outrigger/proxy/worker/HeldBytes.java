package dev.outrigger.proxy.worker;

import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What toxics hold back on all connections together, for one may need nearly all of it. Shared by
 * the workers, and touched only by connections that a toxic acts on.
 */
public final class HeldBytes {
  private final long most;
  private final AtomicLong held = new AtomicLong();

  /**
   * @param most bytes that are held, but for a little of each connection
   */
  public HeldBytes(long most) {
    this.most = most;
  }

  /** Half of the memory that buffers may have. */
  public static HeldBytes ofBuffers() {
    return new HeldBytes(PlatformDependent.maxDirectMemory() / 2);
  }

  /** Some stage holds so many bytes more, or less. */
  public void add(long more) {
    held.addAndGet(more);
  }

  /** How much more may be held; less than 0 where the little of each adds up to too much. */
  public long left() {
    return most - held.get();
  }
}
