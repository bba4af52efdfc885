package dev.outrigger.cli;

import dev.outrigger.cli.Edge.Phase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A bounded load: each edge gets requests of its own, which enter where its caller's would, at the
 * sidecar. So each edge is measured from outside, by what its caller sees.
 */
final class DemoLoad implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int MAX_UNDER_WAY = 64;

  /**
   * Where requests of an edge enter.
   *
   * @param port on loopback
   * @param host the service that is called
   * @param everyMillis from one request to the next
   */
  record Target(Edge edge, int port, String host, int everyMillis) {}

  private final HttpClient client;
  private final LongSupplier nanoTime;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final Semaphore underWay = new Semaphore(MAX_UNDER_WAY);
  private final List<Target> targets = new ArrayList<>();

  /** What is measured now; null while a change settles. */
  private final AtomicReference<@Nullable Phase> phase = new AtomicReference<>();

  DemoLoad(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(callers)
            .connectTimeout(TIMEOUT)
            .build();
  }

  void phase(@Nullable Phase next) {
    phase.set(next);
  }

  /** Whether one request is answered well now. */
  boolean probe(Target target) throws InterruptedException {
    try {
      return send(target).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  void start(Target target) {
    targets.add(target);
    var _ =
        timer.scheduleAtFixedRate(
            () -> {
              if (underWay.tryAcquire()) {
                callers.execute(() -> one(target));
              }
            },
            targets.size() * 7L,
            target.everyMillis(),
            TimeUnit.MILLISECONDS);
  }

  private void one(Target target) {
    @Nullable Phase now = phase.get();
    long begin = nanoTime.getAsLong();
    boolean success = false;
    boolean injected = false;
    try {
      HttpResponse<String> response = send(target);
      success = response.statusCode() < 500;
      injected = response.headers().firstValue("x-outrigger-fault").isPresent();
    } catch (IOException e) {
      // Counted as a failure.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    } finally {
      underWay.release();
    }
    // A request that straddles two phases belongs to neither.
    if (now != null && now == phase.get()) {
      target.edge().answered(now, success, injected, (nanoTime.getAsLong() - begin) / 1000);
    }
  }

  private HttpResponse<String> send(Target target) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + target.port() + "/"))
            .timeout(TIMEOUT)
            .header("Host", target.host())
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  @Override
  public void close() {
    timer.shutdownNow();
    client.shutdownNow();
    callers.shutdownNow();
  }
}
