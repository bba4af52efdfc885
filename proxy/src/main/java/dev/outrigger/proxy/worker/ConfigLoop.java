package dev.outrigger.proxy.worker;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The one event loop that configuration, discovery and health run on. It serves no traffic. What it
 * owns is touched from inside only; what it publishes is immutable.
 *
 * @param loop a loop that can also register sockets; its ticker is the clock
 */
public record ConfigLoop(EventLoop loop) implements Executor {

  /** Starts the loop on a thread of its own. */
  public static ConfigLoop start(Transport transport) {
    return new ConfigLoop(
        new MultiThreadIoEventLoopGroup(
                1,
                new DefaultThreadFactory("outrigger-config", true),
                transport.newHandlerFactory())
            .next());
  }

  /**
   * Every method that touches this loop's state begins with this.
   *
   * @throws IllegalStateException if the caller is elsewhere
   */
  public void checkInside() {
    if (!loop.inEventLoop()) {
      throw new IllegalStateException(
          "belongs on the config loop, was called on " + Thread.currentThread().getName());
    }
  }

  /** Runs it inside, later; callers that are inside already keep their order too. */
  @Override
  public void execute(Runnable task) {
    loop.execute(task);
  }

  /** Runs it inside after a while. */
  public ScheduledFuture<?> schedule(Runnable task, Duration delay) {
    return loop.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whether the caller runs on this loop. */
  public boolean isCurrent() {
    return loop.inEventLoop();
  }

  /** Lets the thread end once its queue is empty; does not wait. */
  public Future<?> stop() {
    return loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  /** Monotonic time in nanoseconds. */
  public long nanoTime() {
    return loop.ticker().nanoTime();
  }
}
