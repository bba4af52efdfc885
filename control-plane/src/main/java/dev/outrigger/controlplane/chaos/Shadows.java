package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Faults that look on and touch nothing: proxies roll their dice for live traffic and count whom
 * they would have hit. A shadow ends by its time, also where nobody is left to end it. Thread-safe.
 */
public final class Shadows {
  /** For how long one may look on. */
  public static final Duration MAX_LENGTH = Duration.ofMinutes(10);

  private static final int MAX_AT_ONCE = 20;

  /** How long what was counted can be asked for. */
  private static final Duration KEPT = Duration.ofMinutes(10);

  private final InstantSource clock;
  private final ExperimentRunner experiments;
  private final PublishedFaults faults = new PublishedFaults(CertificateMint.NONE);
  private final Map<String, Shadow> shadows = new TreeMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private int published;

  public Shadows(InstantSource clock, ExperimentRunner experiments) {
    this.clock = clock;
    this.experiments = experiments;
  }

  /** Asks to be told whenever what proxies get has changed; the listener is quick. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /**
   * Begins to look on for an experiment, or goes on if that is under way.
   *
   * @param key {@code namespace/name}
   * @param length at most {@link #MAX_LENGTH}
   * @throws RefusedException if there is none of that name, or it runs
   */
  public ShadowReading begin(String key, Duration length) {
    @Nullable Experiment experiment = experiments.experiment(key);
    if (experiment == null) {
      throw new RefusedException(Refusal.UNKNOWN, "there is no experiment " + key);
    }
    String name = experiment.meta().name();
    for (ExperimentRun run : experiments.runs()) {
      if (run.phase() == ExperimentPhase.RUNNING && run.experiment().endsWith("/" + name)) {
        throw new RefusedException(
            run.experiment().equals(key) ? Refusal.PHASE : Refusal.NAMESAKE,
            run.experiment() + " is running; its report tells what it hits");
      }
    }
    return begin(key, experiment, length);
  }

  /** The same for one that is nobody's experiment. */
  ShadowReading begin(String key, Experiment experiment, Duration length) {
    ShadowReading reading;
    synchronized (this) {
      Instant now = clock.instant();
      shadows.values().removeIf(one -> !now.isBefore(one.ends().plus(KEPT)));
      @Nullable Shadow there = shadows.get(key);
      if (there != null && !there.isOver(now)) {
        return there.reading(now);
      }
      List<Shadow> open = open(now);
      if (open.size() >= MAX_AT_ONCE) {
        throw new RefusedException(
            Refusal.PREVIEWS, MAX_AT_ONCE + " previews look on already; wait for the end of one");
      }
      for (Shadow other : open) {
        if (other.experiment().meta().name().equals(experiment.meta().name())) {
          throw new RefusedException(
              Refusal.NAMESAKE,
              "another experiment named " + experiment.meta().name() + " is being previewed");
        }
      }
      Duration bounded = length.compareTo(MAX_LENGTH) > 0 ? MAX_LENGTH : length;
      Shadow begun = new Shadow(experiments.state(), experiment, now, now.plus(bounded));
      shadows.put(key, begun);
      publish(now);
      reading = begun.reading(now);
    }
    listeners.forEach(Runnable::run);
    return reading;
  }

  /**
   * What was counted until now by the latest look at an experiment; null if there was none within
   * the last ten minutes.
   */
  public synchronized @Nullable ShadowReading reading(String key) {
    @Nullable Shadow shadow = shadows.get(key);
    return shadow == null ? null : shadow.reading(clock.instant());
  }

  synchronized @Nullable Shadow find(String key) {
    return shadows.get(key);
  }

  /** Ends what is due. To be called several times a second. */
  public void tick() {
    synchronized (this) {
      Instant now = clock.instant();
      for (Shadow one : open(now)) {
        if (experiments.isRunning(one.experiment())) {
          one.end(now); // It acts from here on.
        }
      }
      if (open(now).size() == published) {
        return;
      }
      publish(now);
    }
    listeners.forEach(Runnable::run);
  }

  /** Whom proxies look on for, each under a short lease. */
  public Map<String, VersionedResource> faultsFor(NodeDescription node) {
    return faults.faultsFor(node);
  }

  /** Takes what a proxy counted; who sent it is checked. */
  synchronized void measured(Measurement measurement) {
    if (shadows.isEmpty()) {
      return;
    }
    @Nullable Workload workload =
        experiments.state().workload(measurement.getNamespace(), measurement.getWorkload());
    if (workload == null) {
      return;
    }
    String name = workload.meta().namespace() + "/" + workload.meta().name();
    Instant now = clock.instant();
    shadows.values().forEach(one -> one.on(name, measurement, now));
  }

  private List<Shadow> open(Instant now) {
    List<Shadow> open = new ArrayList<>();
    for (Shadow one : shadows.values()) {
      if (!one.isOver(now)) {
        open.add(one);
      }
    }
    return open;
  }

  private void publish(Instant now) {
    List<Shadow> open = open(now);
    published = open.size();
    DesiredState state = experiments.state();
    faults.replace(
        state,
        open.stream()
            .map(one -> PublishedFaults.Active.observing(one.experiment(), one.ends()))
            .toList());
  }
}
