package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Sighting;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Step;
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
import org.jspecify.annotations.Nullable;

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

  /** Of faults that hit only the first few, how many, and what each proxy has hit of them. */
  private final Map<String, Integer> firsts = new TreeMap<>();

  private final Map<String, Long> taken = new TreeMap<>();

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
      if (fault.first() > 0) {
        firsts.put(fault.name(), fault.first());
      }
      if (FaultTargets.scopeOf(state, fault).isPresent()) {
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
    sum[2] += first(one.getFault(), workload, Math.clamp(one.getHit(), 0, matched));
  }

  /** How many of those a proxy would hit with a fault that hits only the first. */
  private long first(String fault, String workload, long hit) {
    @Nullable Integer bound = firsts.get(fault);
    if (bound == null) {
      return hit;
    }
    long before = taken.getOrDefault(workload + " " + fault, 0L);
    long counted = Math.min(hit, bound - before);
    taken.put(workload + " " + fault, before + counted);
    return counted;
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
        began,
        ends,
        isComplete(now),
        List.copyOf(asked),
        List.copyOf(heard),
        rows,
        bounds(experiment));
  }

  private static List<ShadowReading.Bound> bounds(Experiment experiment) {
    List<ShadowReading.Bound> bounds = new ArrayList<>();
    for (Experiment.Fault fault : experiment.faults()) {
      String name = fault.name();
      if (fault.first() > 0) {
        bounds.add(
            new ShadowReading.Bound(
                name,
                "first",
                true,
                "the first %d of each proxy are hit, and no more are counted"
                    .formatted(fault.first())));
      }
      if (fault.maxActive() > 0) {
        bounds.add(
            new ShadowReading.Bound(
                name,
                "maxActive",
                false,
                "at most %d at once in one proxy; those beyond are counted as hit here"
                    .formatted(fault.maxActive())));
      }
      if (!experiment.course().steps().isEmpty()) {
        bounds.add(
            new ShadowReading.Bound(
                name,
                "steps",
                false,
                "it acts for %d s of the %d s of a run, and is counted throughout here"
                    .formatted(
                        acts(experiment, name).toSeconds(), experiment.duration().toSeconds())));
      }
    }
    return bounds;
  }

  /** How long a fault acts in a whole run; steps may overlap. */
  private static Duration acts(Experiment experiment, String fault) {
    List<Step> steps =
        experiment.course().steps().stream()
            .filter(step -> step.faults().contains(fault))
            .sorted(Comparator.comparing(Step::from))
            .toList();
    Duration acts = Duration.ZERO;
    Duration counted = Duration.ZERO;
    for (Step step : steps) {
      Duration from = step.from().compareTo(counted) > 0 ? step.from() : counted;
      if (step.until().compareTo(from) > 0) {
        acts = acts.plus(step.until().minus(from));
        counted = step.until();
      }
    }
    return acts;
  }
}
