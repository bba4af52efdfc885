package dev.outrigger.proxy.worker;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Lets a loop that is busy rest for a moment before it looks again, as network cards put off their
 * interrupts: a loop that is faster than its peers would otherwise read each message by itself, and
 * pay for each the system calls of many. What comes during the rest is read and answered together.
 *
 * <p>Busy is a loop to which more than {@link #BUSY_RATE} events come in a second, or a quarter of
 * that while it has {@link #CROWD} exchanges under way (over HTTP/2 one event brings several, and
 * many come over few sockets); until there are less than half as many events: a few clients that
 * wait for each answer never wait for a rest.
 */
final class GatheringHandler implements IoHandler {
  /** After so many turns it is asked again whether the loop is busy. */
  static final int TURNS = 16;

  /** Events a second: a dozen in each rest, which several requests make. */
  static final long BUSY_RATE = 80_000;

  /** Exchanges at once that make a crowd, of whom each rest brings several. */
  static final long CROWD = 16;

  /** With the kernel's timer slack of 50 µs, a seventh of a millisecond. */
  static final long REST_NANOS = 100_000;

  /**
   * A deadline so near comes before the kernel's next tick: to wait for it sets the processor's
   * timer, and sets it back when something else comes first, which costs a virtual machine 20 µs.
   */
  static final long NEAR_NANOS = 4_000_000;

  /** So many at once show that there is more than enough to do. */
  static final int MANY = 256;

  private final IoHandler netty;
  private final LongSupplier clock;
  private final LongConsumer rest;
  private final Pulse pulse;
  private final Impatient impatient = new Impatient();
  private long since;
  private int turns;
  private long events;
  private boolean busy;

  GatheringHandler(IoHandler netty, LongSupplier clock, LongConsumer rest, Pulse pulse) {
    this.netty = netty;
    this.clock = clock;
    this.rest = rest;
    this.pulse = pulse;
    this.since = clock.getAsLong();
  }

  /** Makes such handlers around those of a factory. */
  static IoHandlerFactory around(
      IoHandlerFactory factory, Function<ThreadAwareExecutor, Pulse> pulses) {
    return new IoHandlerFactory() {
      @Override
      public IoHandler newHandler(ThreadAwareExecutor executor) {
        return new GatheringHandler(
            factory.newHandler(executor),
            Ticker.systemTicker()::nanoTime,
            LockSupport::parkNanos,
            pulses.apply(executor));
      }

      @Override
      public boolean isChangingThreadSupported() {
        return factory.isChangingThreadSupported();
      }
    };
  }

  @Override
  public int run(IoHandlerContext context) {
    int handled = busy && context.canBlock() ? gathered(context) : awaited(context);
    events += handled;
    if (++turns == TURNS) {
      turned();
    }
    return handled;
  }

  private int awaited(IoHandlerContext context) {
    long deadline = context.deadlineNanos();
    if (deadline != -1 && deadline - clock.getAsLong() < NEAR_NANOS && context.canBlock()) {
      impatient.context = context;
      int handled = netty.run(impatient);
      if (handled > 0) {
        return handled;
      }
    }
    return netty.run(context);
  }

  private int gathered(IoHandlerContext context) {
    impatient.context = context;
    int handled = netty.run(impatient); // what was written leaves before the rest
    if (handled >= MANY || !context.canBlock()) {
      return handled;
    }
    rest.accept(REST_NANOS);
    return handled + netty.run(impatient);
  }

  private void turned() {
    long now = clock.getAsLong();
    long took = Math.max(1, now - since);
    boolean crowd = pulse.take(took) >= (busy ? CROWD / 2 : CROWD);
    long rate = crowd ? BUSY_RATE / 4 : BUSY_RATE;
    long enough = busy ? rate / 2 : rate;
    busy = events * 1_000_000_000L / took >= enough;
    since = now;
    turns = 0;
    events = 0;
  }

  @Override
  public void initialize() {
    netty.initialize();
  }

  @Override
  public void prepareToDestroy() {
    netty.prepareToDestroy();
  }

  @Override
  public void destroy() {
    netty.destroy();
  }

  @Override
  public IoRegistration register(IoHandle handle) throws Exception {
    return netty.register(handle);
  }

  @Override
  public void wakeup() {
    netty.wakeup();
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> handleType) {
    return netty.isCompatible(handleType);
  }

  /** The loop's own context, but for waiting. */
  private static final class Impatient implements IoHandlerContext {
    @SuppressWarnings("NullAway.Init") // set before each use
    private IoHandlerContext context;

    @Override
    public boolean canBlock() {
      return false;
    }

    @Override
    public long delayNanos(long now) {
      return context.delayNanos(now);
    }

    @Override
    public long deadlineNanos() {
      return context.deadlineNanos();
    }

    @Override
    public void reportActiveIoTime(long nanos) {
      context.reportActiveIoTime(nanos);
    }

    @Override
    public boolean shouldReportActiveIoTime() {
      return context.shouldReportActiveIoTime();
    }
  }
}
