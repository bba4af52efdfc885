package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** An innocent client: a request on a fresh connection every 50 ms, and how each one went. */
public final class Canary implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(50);

  private final int port;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicLong worstNanos = new AtomicLong();
  private final List<String> failures = new CopyOnWriteArrayList<>();

  /** Starts asking. */
  public Canary(int loopbackPort) {
    port = loopbackPort;
    var _ =
        timer.scheduleAtFixedRate(
            () -> Thread.ofVirtual().start(this::ask), 0, EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void ask() {
    asked.incrementAndGet();
    long began = System.nanoTime();
    try (PlainClient client = new PlainClient(port)) {
      int status = client.get("localhost", "/canary", "connection: close").status();
      if (status != 200) {
        failures.add("status " + status);
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e.toString());
    }
    worstNanos.accumulateAndGet(System.nanoTime() - began, Math::max);
    answered.incrementAndGet();
  }

  /** How many requests are over, whichever way. */
  public int answered() {
    return answered.get();
  }

  /** What went wrong. */
  public List<String> failures() {
    return List.copyOf(failures);
  }

  /** The longest request of all, in milliseconds. */
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
  }
}
