package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Ejections;
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
  private final Map<String, Edge> edges = new TreeMap<>();
  private final Map<String, Watched> watched = new TreeMap<>();
  private final Map<String, long[]> ejections = new TreeMap<>();
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
   * What passed at one place of the faults.
   *
   * @param workload whose proxy measured, as {@code namespace/name}
   * @param service that was called
   * @param inbound whether it was measured where it arrived
   */
  record Edge(String workload, String service, boolean inbound, Both baseline, Both during) {
    String text() {
      return inbound ? service + " at " + workload : workload + " -> " + service;
    }
  }

  /** What passed at the service of a guard. */
  record Watched(Traffic baseline, Traffic during) {}

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
      if (isOurs(window)) {
        Both both = bothOf(window);
        boolean before = isBefore(window, measurement, now);
        String where = count(window, workload, both, before, now);
        GuardWatch.@Nullable Breach breach = judge(window, both, before, where, now);
        first = first == null ? breach : first;
      }
    }
    countEjections(measurement, now);
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

  /**
   * Takes what a proxy measured until the faults ended, and told after it: it counts, and no guard
   * has anything to halt any more.
   */
  void onLate(String workload, Measurement measurement, Instant now) {
    for (Window window : measurement.getWindowsList()) {
      if (isOurs(window)) {
        var _ = count(window, workload, bothOf(window), isBefore(window, measurement, now), now);
      }
    }
    countEjections(measurement, now);
  }

  private boolean isOurs(Window window) {
    return window.getExperiment().equals(experiment.meta().name());
  }

  private static Both bothOf(Window window) {
    Both both = Both.none();
    both.affected().add(window.getAffected());
    both.unaffected().add(window.getUnaffected());
    return both;
  }

  private void countEjections(Measurement measurement, Instant now) {
    int phase = middle(measurement, now).isBefore(injects) ? 0 : 1;
    for (Ejections one : measurement.getEjectionsList()) {
      if (ejections.size() < MAX_EDGES || ejections.containsKey(one.getService())) {
        ejections.computeIfAbsent(one.getService(), _ -> new long[2])[phase] +=
            Math.max(0, one.getCount());
      }
    }
  }

  /**
   * Whether it was measured before faults acted. On their edges proxies know; elsewhere the middle
   * of the time decides.
   */
  private boolean isBefore(Window window, Measurement measurement, Instant now) {
    if (!injects.isAfter(started)) {
      return false;
    }
    return window.getGuard().isEmpty()
        ? window.getObserving() && !now.minusMillis(measurement.getMillis()).isAfter(injects)
        : middle(measurement, now).isBefore(injects);
  }

  private static Instant middle(Measurement measurement, Instant now) {
    return now.minusMillis(measurement.getMillis() / 2);
  }

  /**
   * Counts it.
   *
   * @return the edge, in words
   */
  private String count(Window window, String workload, Both both, boolean before, Instant now) {
    String of = window.getGuard();
    String service = window.getService().isEmpty() ? "unknown" : window.getService();
    Edge here = new Edge(workload, service, window.getInbound(), Both.none(), Both.none());
    String where = here.text();
    if (of.isEmpty()) {
      (before ? baseline : during).add(both);
      if (edges.size() < MAX_EDGES || edges.containsKey(where)) {
        Edge edge = edges.computeIfAbsent(where, _ -> here);
        (before ? edge.baseline() : edge.during()).add(both);
      }
      point(now, both);
    } else if (guards.stream().anyMatch(guard -> guard.guard().name().equals(of))) {
      Watched at = watched.computeIfAbsent(of, _ -> new Watched(new Traffic(), new Traffic()));
      (before ? at.baseline() : at.during()).add(both.all());
    }
    return where;
  }

  private GuardWatch.@Nullable Breach judge(
      Window window, Both both, boolean before, String where, Instant now) {
    String of = window.getGuard();
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

  /** By their texts. */
  Map<String, Edge> edges() {
    return edges;
  }

  /** At the services of guards that have one, by the guard's name. */
  Map<String, Watched> watched() {
    return watched;
  }

  /** Endpoints that outlier detection took out, by service: before faults acted, and since. */
  Map<String, long[]> ejections() {
    return ejections;
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
