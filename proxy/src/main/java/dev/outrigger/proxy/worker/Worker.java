package dev.outrigger.proxy.worker;

import io.netty.channel.EventLoop;
import java.util.random.RandomGenerator;

/**
 * One event loop with all it owns: sockets, pools, pickers, counters, timers. What a worker owns is
 * touched by its loop only; what it reads from elsewhere is immutable.
 *
 * @param index 0 for the first
 * @param loop runs everything of this worker, and is its clock ({@code loop.ticker()})
 * @param random this worker's source of chance; not shared
 * @param pulse told of each exchange that ends
 */
public record Worker(int index, EventLoop loop, RandomGenerator random, Pulse pulse) {

  /** One whose loop does not look at its pulse. */
  public Worker(int index, EventLoop loop, RandomGenerator random) {
    this(index, loop, random, new Pulse());
  }

  /** Whether the caller runs on this worker's event loop. */
  public boolean isCurrent() {
    return loop.inEventLoop();
  }

  /** Monotonic time in nanoseconds. */
  public long nanoTime() {
    return loop.ticker().nanoTime();
  }
}
