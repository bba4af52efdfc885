package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * An innocent client: a request on a fresh connection every 50 ms, and how each one went.
 *
 * <p>Time in which the machine ran nobody is not the proxy's: a thread that only sleeps says how
 * much that was, and no request is charged with it.
 */
public final class Canary implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(50);

  private final int port;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  // Threads of their own: virtual ones would wait for the attackers of the same JVM.
  private final ExecutorService clients = Executors.newCachedThreadPool();
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicLong worstNanos = new AtomicLong();
  private final AtomicLong stalledNanos = new AtomicLong();
  private final List<String> failures = new CopyOnWriteArrayList<>();

  /** Starts asking. */
  public Canary(int loopbackPort) {
    port = loopbackPort;
    Thread.ofPlatform().daemon().name("stalls").start(this::sleep);
    var _ =
        timer.scheduleAtFixedRate(
            () -> clients.execute(this::ask), 0, EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void ask() {
    asked.incrementAndGet();
    long stalled = stalledNanos.get();
    long began = System.nanoTime();
    try (PlainClient client = new PlainClient(port)) {
      int status = client.get("localhost", "/canary", "connection: close").status();
      if (status != 200) {
        failures.add("status " + status);
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e.toString());
    }
    long took = System.nanoTime() - began;
    worstNanos.accumulateAndGet(took - (stalledNanos.get() - stalled), Math::max);
    answered.incrementAndGet();
  }

  /** Sleeps for a millisecond at a time, and counts by how much each one was too long. */
  private void sleep() {
    long nap = TimeUnit.MILLISECONDS.toNanos(1);
    while (!timer.isShutdown()) {
      long began = System.nanoTime();
      LockSupport.parkNanos(nap);
      long late = System.nanoTime() - began - nap;
      if (late > nap) {
        stalledNanos.addAndGet(late);
      }
    }
  }

  /** How many requests are over, whichever way. */
  public int answered() {
    return answered.get();
  }

  /** What went wrong. */
  public List<String> failures() {
    return List.copyOf(failures);
  }

  /** The longest request of all, in milliseconds, without what the machine stood still. */
  public long worstMillis() {
    return TimeUnit.NANOSECONDS.toMillis(worstNanos.get());
  }

  /** Asks no more, and waits for the answers that are still to come. */
  @Override
  public void close() {
    timer.shutdown();
    org.awaitility.Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> timer.isTerminated() && answered.get() == asked.get());
    clients.shutdown();
  }
}
