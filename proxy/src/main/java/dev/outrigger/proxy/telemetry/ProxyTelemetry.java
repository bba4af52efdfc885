package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.worker.Worker;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import io.netty.util.internal.PlatformDependent;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The telemetry of the whole process: gives each worker its own, and gathers what they counted by a
 * task on each of their loops. Safe for all threads.
 */
public final class ProxyTelemetry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyTelemetry.class);
  private static final long SCRAPE_SECONDS = 5;
  private static final long CLOSE_SECONDS = 1;

  private final String version;
  private final InstantSource clock;
  private final Sampling sampling;
  private final LogWriter writer = LogWriter.start();
  private final Explanations explanations;
  // Set before any worker is made.
  private @Nullable SpanSink spans;
  private @Nullable AutoCloseable exporter;
  private final List<RecordingTelemetry> workers = new CopyOnWriteArrayList<>();

  private ProxyTelemetry(String version, InstantSource clock, Sampling sampling) {
    this.version = version;
    this.clock = clock;
    this.sampling = sampling;
    this.explanations = new Explanations(clock);
  }

  /** Who may ask for explanations, and what they were told. */
  public Explanations explanations() {
    return explanations;
  }

  /**
   * Starts what runs beside the workers: the thread that writes access logs, and an exporter where
   * {@code OTEL_EXPORTER_OTLP_ENDPOINT} or {@code OTEL_EXPORTER_OTLP_TRACES_ENDPOINT} is set.
   *
   * @param environment for {@code OTEL_*}
   * @param version of this software
   * @param serviceName of the workload beside this proxy; {@code OTEL_SERVICE_NAME} wins
   * @param clock for the times of spans and log lines
   * @throws IllegalArgumentException if the environment asks for what cannot be done; the message
   *     is for the user
   */
  public static ProxyTelemetry start(
      Map<String, String> environment, String version, String serviceName, InstantSource clock) {
    Sampling sampling = Sampling.of(environment);
    boolean traces = exports(environment, "TRACES", List.of("otlp", "none"));
    boolean metrics = exports(environment, "METRICS", List.of("otlp", "prometheus", "none"));
    ProxyTelemetry made = new ProxyTelemetry(version, clock, sampling);
    if (traces || metrics) {
      OtlpExporter exporter =
          OtlpExporter.start(
              environment, serviceName, traces, metrics ? made::gatherAll : null, clock);
      made.exporter = exporter;
      made.spans = exporter.spans();
    }
    return made;
  }

  /** The same with spans going elsewhere. */
  static ProxyTelemetry startWith(
      Sampling sampling, @Nullable SpanSink spans, InstantSource clock) {
    ProxyTelemetry made = new ProxyTelemetry("test", clock, sampling);
    made.spans = spans;
    return made;
  }

  /** The telemetry of one worker; once for each, before it serves. */
  public WorkerTelemetry forWorker(Worker worker) {
    RecordingTelemetry made =
        new RecordingTelemetry(worker, clock, sampling, spans, writer, explanations);
    workers.add(made);
    // What ends because the worker ends is logged as well: its hooks run once its sockets are
    // closed.
    if (worker.loop() instanceof SingleThreadEventExecutor loop) {
      loop.addShutdownHook(made::handOverLogs);
    }
    return made;
  }

  /**
   * All metrics as Prometheus text, exposition format 0.0.4. Completes on a thread that is no loop;
   * fails if a worker does not answer in time.
   */
  public CompletionStage<String> prometheus() {
    return gatherAll()
        .thenApply(
            telling -> {
              MetricsText text = new MetricsText();
              telling.accept(text);
              return text.text();
            });
  }

  private CompletionStage<Consumer<MetricSink>> gatherAll() {
    return gather()
        .thenApplyAsync(
            all ->
                out -> {
                  ProxyMetrics.tell(out, all, writer.droppedLines());
                  ProxyMetrics.tellProcess(out, version, PlatformDependent.usedDirectMemory());
                },
            Thread::startVirtualThread);
  }

  /**
   * Writes and sends what is held, for a bounded time. Workers may still run, or have handed over
   * all they had when they ended.
   */
  @Override
  public void close() {
    List<CompletableFuture<?>> done = new ArrayList<>();
    for (RecordingTelemetry worker : workers) {
      if (!worker.worker.loop().isShuttingDown()) {
        done.add(on(worker, worker::handOverLogs));
      }
    }
    try {
      CompletableFuture.allOf(done.toArray(new CompletableFuture<?>[0]))
          .get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
      LOG.debug("some access log lines are lost: a worker has stopped", e);
    }
    writer.close();
    try {
      AutoCloseable sending = exporter == null ? spans : exporter;
      if (sending != null) {
        sending.close();
      }
    } catch (Exception e) {
      LOG.warn("while the exporter was closed", e);
    }
  }

  private CompletableFuture<WorkerCounters> gather() {
    List<CompletableFuture<WorkerCounters>> parts = new ArrayList<>();
    for (RecordingTelemetry worker : workers) {
      CompletableFuture<WorkerCounters> part = new CompletableFuture<>();
      parts.add(part);
      if (worker.worker.loop().isTerminated()) {
        part.complete(worker.counters.snapshot());
        continue;
      }
      on(worker, () -> part.complete(worker.counters.snapshot()))
          .exceptionally(
              failure -> {
                part.completeExceptionally(failure);
                return null;
              });
    }
    return CompletableFuture.allOf(parts.toArray(new CompletableFuture<?>[0]))
        .orTimeout(SCRAPE_SECONDS, TimeUnit.SECONDS)
        .thenApplyAsync(
            _ -> {
              WorkerCounters all = new WorkerCounters();
              parts.forEach(part -> all.add(part.join()));
              return all;
            },
            Thread::startVirtualThread);
  }

  private static CompletableFuture<@Nullable Void> on(RecordingTelemetry worker, Runnable task) {
    try {
      CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
      worker
          .worker
          .loop()
          .execute(
              () -> {
                task.run();
                done.complete(null);
              });
      return done;
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(new CompletionException("a worker has stopped", e));
    }
  }

  /** Whether a signal goes out by OTLP: as the environment says, where it names a receiver. */
  private static boolean exports(
      Map<String, String> environment, String signal, List<String> known) {
    if (environment.getOrDefault("OTEL_SDK_DISABLED", "").equalsIgnoreCase("true")) {
      return false;
    }
    String variable = "OTEL_" + signal + "_EXPORTER";
    String asked = environment.getOrDefault(variable, "");
    if (!asked.isEmpty() && !known.contains(asked)) {
      throw new IllegalArgumentException(
          variable + ": unknown exporter '" + asked + "'; known: " + String.join(", ", known));
    }
    if (!asked.isEmpty() && !asked.equals("otlp")) {
      return false;
    }
    return !environment.getOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT", "").isEmpty()
        || !environment.getOrDefault("OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT", "").isEmpty();
  }
}
