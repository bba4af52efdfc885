package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Sighting;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** One experiment whose faults look on for a while and touch nothing. Not thread-safe. */
final class Shadow {
  /** Proxies tell twice a second, so that the last of it comes later; so long it is waited for. */
  static final Duration STRAGGLERS = Duration.ofMillis(1500);

  private static final int MAX_ROWS = 5000;

  private final Experiment experiment;
  private final Instant began;
  private Instant ends;
  private final Set<String> asked = new TreeSet<>();
  private final Set<String> heard = new TreeSet<>();
  private final Map<Where, long[]> counts = new TreeMap<>(Where.ORDER);
  private final Map<String, Traffic> traffic = new TreeMap<>();

  private record Where(String fault, String workload, String caller, String service, String route) {
    static final Comparator<Where> ORDER =
        Comparator.comparing(Where::fault)
            .thenComparing(Where::workload)
            .thenComparing(Where::caller)
            .thenComparing(Where::service)
            .thenComparing(Where::route);
  }

  Shadow(DesiredState state, Experiment experiment, Instant began, Instant ends) {
    this.experiment = experiment;
    this.began = began;
    this.ends = ends;
    for (Experiment.Fault fault : experiment.faults()) {
      if (FaultTargets.scopeOf(state, fault.match()).isPresent()) {
        FaultTargets.of(state, fault)
            .forEach(one -> asked.add(one.meta().namespace() + "/" + one.meta().name()));
      }
    }
  }

  Experiment experiment() {
    return experiment;
  }

  /** When the faults go. */
  Instant ends() {
    return ends;
  }

  /** Before its time. */
  void end(Instant now) {
    ends = now;
  }

  boolean isOver(Instant now) {
    return !now.isBefore(ends);
  }

  boolean isComplete(Instant now) {
    return !now.isBefore(ends.plus(STRAGGLERS));
  }

  /**
   * @param workload whose proxy it is
   */
  void on(String workload, Measurement measurement, Instant now) {
    if (isComplete(now)) {
      return;
    }
    if (asked.contains(workload)) {
      heard.add(workload);
    }
    String name = experiment.meta().name();
    for (Sighting one : measurement.getSightingsList()) {
      if (one.getExperiment().equals(name)) {
        count(workload, one);
      }
    }
    for (Window window : measurement.getWindowsList()) {
      if (window.getExperiment().equals(name)
          && window.getGuard().isEmpty()
          && !window.getInbound()
          && traffic.size() < MAX_ROWS) {
        Traffic of =
            traffic.computeIfAbsent(workload + " " + window.getService(), _ -> new Traffic());
        of.add(window.getAffected());
        of.add(window.getUnaffected());
      }
    }
  }

  private void count(String workload, Sighting one) {
    Where where =
        new Where(one.getFault(), workload, one.getSource(), one.getService(), one.getRoute());
    if (counts.size() >= MAX_ROWS && !counts.containsKey(where)) {
      where = new Where(one.getFault(), workload, "", "", "");
    }
    // What a proxy says is never more than can be.
    long seen = Math.max(0, one.getSeen());
    long matched = Math.clamp(one.getMatched(), 0, seen);
    long[] sum = counts.computeIfAbsent(where, _ -> new long[3]);
    sum[0] += seen;
    sum[1] += matched;
    sum[2] += Math.clamp(one.getHit(), 0, matched);
  }

  /** What a workload sent to a service, as its own proxy measured. */
  Traffic traffic(String workload, String service) {
    return traffic.getOrDefault(workload + " " + service, new Traffic());
  }

  ShadowReading reading(Instant now) {
    List<ShadowReading.Row> rows = new ArrayList<>();
    counts.forEach(
        (at, sum) ->
            rows.add(
                new ShadowReading.Row(
                    at.fault(),
                    at.workload(),
                    at.caller(),
                    at.service(),
                    at.route(),
                    sum[0],
                    sum[1],
                    sum[2])));
    return new ShadowReading(
        began, ends, isComplete(now), List.copyOf(asked), List.copyOf(heard), rows);
  }
}
