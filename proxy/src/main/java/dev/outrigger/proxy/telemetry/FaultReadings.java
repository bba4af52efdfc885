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

  /**
   * What one worker, or all, measured.
   *
   * @param ejections of endpoints by outlier detection, by service
   */
  public record Taken(
      Map<FaultReading.Edge, FaultReading> readings,
      Map<FaultSighting.Key, FaultSighting> sightings,
      Map<String, Long> ejections) {
    static Taken none() {
      return new Taken(new HashMap<>(), new HashMap<>(), new HashMap<>());
    }

    private void add(Taken more) {
      more.readings.forEach((edge, reading) -> readings.merge(edge, reading, FaultReading::add));
      more.sightings.forEach((key, sighting) -> FaultSightings.add(sightings, key, sighting));
      more.ejections.forEach((service, count) -> ejections.merge(service, count, Long::sum));
    }
  }

  /** One more; before the first {@link #take}. */
  public void add(Worker worker, WorkerTelemetry telemetry) {
    workers.put(worker, telemetry);
  }

  /**
   * What was measured since the last call.
   *
   * @param then runs what depends on it
   */
  public CompletionStage<Taken> take(Executor then) {
    List<CompletableFuture<Taken>> parts = new ArrayList<>();
    workers.forEach(
        (worker, telemetry) -> {
          CompletableFuture<Taken> part = new CompletableFuture<>();
          parts.add(part);
          try {
            worker.loop().execute(() -> part.complete(telemetry.takeFaultReadings()));
          } catch (RejectedExecutionException e) {
            part.complete(Taken.none()); // It has ended, with all that it had to tell.
          }
        });
    return CompletableFuture.allOf(parts.toArray(new CompletableFuture<?>[0]))
        .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .thenApplyAsync(
            _ -> {
              Taken all = Taken.none();
              parts.forEach(part -> all.add(part.join()));
              return all;
            },
            then);
  }
}
