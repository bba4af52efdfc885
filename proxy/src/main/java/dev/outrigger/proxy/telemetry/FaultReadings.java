package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.worker.Worker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Brings together what all workers measured for experiments: each gives away what it counted and
 * begins anew, and the sum is made elsewhere.
 */
public final class FaultReadings {
  private static final int PATIENCE_SECONDS = 5;

  private final Map<Worker, WorkerTelemetry> workers = new LinkedHashMap<>();

  /** One more; before the first {@link #take}. */
  public void add(Worker worker, WorkerTelemetry telemetry) {
    workers.put(worker, telemetry);
  }

  /**
   * What was measured since the last call.
   *
   * @param then runs what depends on it
   */
  public CompletionStage<List<FaultReading>> take(Executor then) {
    List<CompletableFuture<Map<FaultReading.Edge, FaultReading>>> parts = new ArrayList<>();
    workers.forEach(
        (worker, telemetry) -> {
          CompletableFuture<Map<FaultReading.Edge, FaultReading>> part = new CompletableFuture<>();
          parts.add(part);
          try {
            worker.loop().execute(() -> part.complete(telemetry.takeFaultReadings()));
          } catch (RejectedExecutionException e) {
            part.complete(Map.of()); // It has ended, with all that it had to tell.
          }
        });
    return CompletableFuture.allOf(parts.toArray(new CompletableFuture<?>[0]))
        .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .thenApplyAsync(
            _ -> {
              Map<FaultReading.Edge, FaultReading> all = new HashMap<>();
              for (var part : parts) {
                part.join().forEach((edge, reading) -> all.merge(edge, reading, FaultReading::add));
              }
              return List.copyOf(all.values());
            },
            then);
  }
}
