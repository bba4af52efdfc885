package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Guard;
import dev.outrigger.controlplane.model.ServiceName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What proxies measured of one run, and what its guards say to that. Not thread-safe. */
final class ExperimentWatch {
  private static final int MAX_EDGES = 200;
  private static final int MAX_POINTS = 600;

  private final Experiment experiment;
  private final Instant started;
  private final Instant injects;
  private final List<GuardWatch> guards;
  private final RunCourse course;
  private final Both baseline = new Both(new Traffic(), new Traffic());
  private final Both during = new Both(new Traffic(), new Traffic());
  private final Map<String, Both> edges = new TreeMap<>();
  private final Map<Long, Both> seconds = new TreeMap<>();
  private final List<String> gaveUp = new ArrayList<>();
  private long step = 1;

  /** What a fault touched, and what not. */
  record Both(Traffic affected, Traffic unaffected) {
    static Both none() {
      return new Both(new Traffic(), new Traffic());
    }

    Both add(Both more) {
      affected.add(more.affected);
      unaffected.add(more.unaffected);
      return this;
    }

    Traffic all() {
      return new Traffic().add(affected).add(unaffected);
    }
  }

  /**
   * @param injects when the baseline ends and faults begin to act
   */
  ExperimentWatch(Experiment experiment, Instant started, Instant injects) {
    this.experiment = experiment;
    this.started = started;
    this.injects = injects;
    this.guards = experiment.watch().guards().stream().map(GuardWatch::new).toList();
    this.course = new RunCourse(experiment, injects);
  }

  /**
   * Takes what a proxy measured in about a second.
   *
   * @param workload whose proxy it is
   * @return the first breach that it made
   */
  GuardWatch.@Nullable Breach on(String workload, Measurement measurement, Instant now) {
    GuardWatch.@Nullable Breach first = null;
    for (Window window : measurement.getWindowsList()) {
      if (!window.getExperiment().equals(experiment.meta().name())) {
        continue;
      }
      Both both = Both.none();
      both.affected().add(window.getAffected());
      both.unaffected().add(window.getUnaffected());
      String where = where(workload, window);
      GuardWatch.@Nullable Breach breach = on(window.getGuard(), both, where, now);
      first = first == null ? breach : first;
    }
    if (measurement.getGivenUpList().contains(experiment.meta().name())
        && !gaveUp.contains(workload)) {
      gaveUp.add(workload);
      first =
          first != null
              ? first
              : new GuardWatch.Breach(
                  now,
                  "proxyGuard",
                  "the proxy of " + workload + " ended the faults itself",
                  "that of the experiment's proxyGuard",
                  "at " + workload);
    }
    return first;
  }

  private GuardWatch.@Nullable Breach on(String of, Both both, String where, Instant now) {
    boolean before = injects.isAfter(started) && !now.isAfter(injects);
    if (of.isEmpty()) {
      (before ? baseline : during).add(both);
      if (!before && (edges.size() < MAX_EDGES || edges.containsKey(where))) {
        edges.computeIfAbsent(where, _ -> Both.none()).add(both);
      }
      point(now, both);
    }
    GuardWatch.@Nullable Breach first = null;
    for (GuardWatch guard : guards) {
      if (!(guard.guard().service() == null ? of.isEmpty() : of.equals(guard.guard().name()))) {
        continue;
      }
      if (before) {
        guard.onBaseline(both.affected(), both.unaffected());
      } else {
        GuardWatch.@Nullable Breach breach =
            guard.on(now, both.affected(), both.unaffected(), where);
        first = first == null ? breach : first;
      }
    }
    return first;
  }

  private static String where(String workload, Window window) {
    String service = window.getService().isEmpty() ? "unknown" : window.getService();
    return window.getInbound() ? service + " at " + workload : workload + " -> " + service;
  }

  /** Points are wider the longer it runs, so that they stay few. */
  private void point(Instant now, Both both) {
    long second = Math.max(0, Duration.between(started, now).toSeconds());
    seconds.computeIfAbsent(second / step * step, _ -> Both.none()).add(both);
    if (seconds.size() > MAX_POINTS) {
      step *= 2;
      Map<Long, Both> wider = new TreeMap<>();
      seconds.forEach(
          (at, one) -> wider.computeIfAbsent(at / step * step, _ -> Both.none()).add(one));
      seconds.clear();
      seconds.putAll(wider);
    }
  }

  Experiment experiment() {
    return experiment;
  }

  Instant started() {
    return started;
  }

  Instant injects() {
    return injects;
  }

  /** Its steps and probes. */
  RunCourse course() {
    return course;
  }

  /** Workloads whose proxies ended the faults themselves. */
  List<String> gaveUp() {
    return gaveUp;
  }

  List<GuardWatch> guards() {
    return guards;
  }

  Both baseline() {
    return baseline;
  }

  /** Since faults act. */
  Both during() {
    return during;
  }

  /** Since faults act, by edge. */
  Map<String, Both> edges() {
    return edges;
  }

  /** By the second after the start at which each point begins. */
  Map<Long, Both> points() {
    return seconds;
  }

  /** How many seconds a point covers. */
  long step() {
    return step;
  }

  /** Services whose own proxies measure for a guard. */
  static Map<String, ServiceName> services(Experiment experiment) {
    Map<String, ServiceName> services = new TreeMap<>();
    for (Guard guard : experiment.watch().guards()) {
      if (guard.service() != null) {
        services.put(guard.name(), guard.service());
      }
    }
    return services;
  }
}
