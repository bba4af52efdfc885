package dev.outrigger.cli;

import com.google.gson.JsonObject;
import java.util.EnumMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** Who calls whom, and what came of it in each phase. Safe for use from any thread. */
final class Edge {
  private static final long MAX_MICROS = 60_000_000;

  /** What the demo is doing. */
  enum Phase {
    WARM,
    EXPERIMENT,
    RECOVERY;

    String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /**
   * What was measured.
   *
   * @param failed of those that no fault touched
   */
  record Figures(long requests, long succeeded, long injected, long failed, long p50, long p99) {
    double successRate() {
      return requests == 0 ? 0 : (double) succeeded / requests;
    }

    JsonObject json() {
      JsonObject json = new JsonObject();
      json.addProperty("requests", requests);
      json.addProperty("success_rate", Math.round(successRate() * 10_000) / 10_000.0);
      json.addProperty("injected", injected);
      json.addProperty("p50_ms", p50 / 1000.0);
      json.addProperty("p99_ms", p99 / 1000.0);
      return json;
    }
  }

  private static final class Counts {
    private long requests;
    private long succeeded;
    private long injected;
    private long failed;
    private final Histogram micros = new Histogram(MAX_MICROS, 3);
  }

  private final String source;
  private final String destination;
  private final Map<Phase, Counts> phases = new EnumMap<>(Phase.class);

  Edge(String source, String destination) {
    this.source = source;
    this.destination = destination;
    for (Phase phase : Phase.values()) {
      phases.put(phase, new Counts());
    }
  }

  String source() {
    return source;
  }

  String destination() {
    return destination;
  }

  @Override
  public String toString() {
    return source + " -> " + destination;
  }

  synchronized void answered(Phase phase, boolean success, boolean injected, long micros) {
    Counts counts = counts(phase);
    counts.requests++;
    counts.succeeded += success ? 1 : 0;
    counts.injected += injected ? 1 : 0;
    counts.failed += !success && !injected ? 1 : 0;
    counts.micros.recordValue(Math.clamp(micros, 0, MAX_MICROS));
  }

  synchronized Figures figures(Phase phase) {
    Counts counts = counts(phase);
    return new Figures(
        counts.requests,
        counts.succeeded,
        counts.injected,
        counts.failed,
        counts.micros.getValueAtPercentile(50),
        counts.micros.getValueAtPercentile(99));
  }

  private Counts counts(Phase phase) {
    return java.util.Objects.requireNonNull(phases.get(phase));
  }
}
