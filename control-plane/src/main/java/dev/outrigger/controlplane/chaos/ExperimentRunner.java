package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Starts and ends experiments. Nothing happens but by a call: {@link #onState} when what is written
 * changed, {@link #tick} as time passes, and what people ask for. Thread-safe; what proxies get is
 * read without a lock.
 *
 * <p>An experiment ends by its time, by a person, when its text changes or goes, and, whatever
 * happens here, by the absolute end that proxies know. A restart goes on with what was left.
 */
public final class ExperimentRunner {
  /** Who it is that acts when no person does. */
  private static final String ITSELF = "outrigger";

  private final InstantSource clock;
  private final ExperimentLedger ledger;
  private final Map<String, ExperimentRun> runs = new TreeMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private DesiredState state = DesiredState.empty();
  private volatile Published published = new Published(DesiredState.empty(), List.of());

  /** What proxies get by now. */
  private record Published(DesiredState state, List<Live> faults) {}

  private record Live(Experiment.Fault fault, String name, VersionedResource resource) {}

  /**
   * @param ledger tells what went on before a restart; written from here on
   */
  public ExperimentRunner(InstantSource clock, ExperimentLedger ledger) {
    this.clock = clock;
    this.ledger = ledger;
    for (ExperimentRun entry : ledger.entries()) {
      runs.put(entry.experiment(), entry);
    }
  }

  /** Asks to be told whenever what proxies get has changed; the listener is quick. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** Goes by what is written now. */
  public void onState(DesiredState next) {
    synchronized (this) {
      state = next;
      Map<String, Experiment> written = new TreeMap<>();
      next.experiments().forEach(one -> written.put(keyOf(one), one));
      for (ExperimentRun run : List.copyOf(runs.values())) {
        if (!written.containsKey(run.experiment()) && !run.removed()) {
          end(run, ExperimentPhase.HALTED, ITSELF, "its text was removed");
          record(runOf(run.experiment()).gone());
        }
      }
      written.forEach(this::onWritten);
    }
    publish();
  }

  private void onWritten(String key, Experiment experiment) {
    @Nullable ExperimentRun run = runs.get(key);
    String fingerprint = fingerprint(experiment);
    if (run != null && !run.removed() && run.fingerprint().equals(fingerprint)) {
      return;
    }
    if (run != null) {
      end(run, ExperimentPhase.HALTED, ITSELF, "its text was changed");
    }
    record(
        new ExperimentRun(
            key,
            fingerprint,
            ExperimentPhase.PENDING,
            clock.instant(),
            null,
            experiment.lease(),
            ITSELF,
            "it was written",
            false));
    if (experiment.start() == Experiment.Start.IMMEDIATE && namesake(experiment) == null) {
      begin(experiment, ITSELF, "its text says start: immediate");
    }
  }

  /** Ends what is due. To be called several times a second. */
  public void tick() {
    boolean changed = false;
    synchronized (this) {
      Instant now = clock.instant();
      for (ExperimentRun run : List.copyOf(runs.values())) {
        switch (run.phase()) {
          case RUNNING -> {
            if (run.endsAt() == null || !now.isBefore(run.endsAt())) {
              end(run, ExperimentPhase.COMPLETED, ITSELF, "its time is over");
              changed = true;
            }
          }
          case HALTED, COMPLETED -> {
            if (!now.isBefore(run.at().plus(run.lease()))) {
              record(run.to(ExperimentPhase.RECOVERED, now, ITSELF, "the last lease has passed"));
            }
          }
          case PENDING, PREVIEWED, RECOVERED -> {}
        }
      }
    }
    if (changed) {
      publish();
    }
  }

  /**
   * Says whom it would hit.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public synchronized ExperimentPreview preview(String key, String who) {
    Experiment experiment = find(key);
    ExperimentRun run = runs.get(key);
    if (run != null && run.phase() == ExperimentPhase.PENDING) {
      record(run.to(ExperimentPhase.PREVIEWED, clock.instant(), who, "it was previewed"));
    }
    return new ExperimentPreview(
        key,
        experiment.hypothesis(),
        experiment.duration(),
        experiment.faults().stream().map(this::preview).toList());
  }

  private ExperimentPreview.FaultPreview preview(Experiment.Fault fault) {
    boolean anybody = FaultTargets.scopeOf(state, fault.match()).isPresent();
    List<String> workloads =
        anybody
            ? FaultTargets.of(state, fault).stream()
                .map(one -> one.meta().namespace() + "/" + one.meta().name())
                .toList()
            : List.of();
    return new ExperimentPreview.FaultPreview(
        fault.name(), fault.place(), fault.chancePpm(), workloads);
  }

  /**
   * Begins it.
   *
   * @param key {@code namespace/name}
   * @throws IllegalArgumentException if there is none of that name, or it cannot begin now
   */
  public void start(String key, String who, String why) {
    synchronized (this) {
      Experiment experiment = find(key);
      ExperimentPhase phase = runOf(key).phase();
      switch (phase) {
        case PENDING, PREVIEWED, RECOVERED -> {}
        case RUNNING -> throw new IllegalArgumentException(key + " is running already");
        case HALTED, COMPLETED ->
            throw new IllegalArgumentException(
                key + " has ended but proxies may still hold its leases; try again in a moment");
      }
      @Nullable String namesake = namesake(experiment);
      if (namesake != null) {
        throw new IllegalArgumentException(
            namesake + " is running, and answers would name both as " + experiment.meta().name());
      }
      begin(experiment, who, why);
    }
    publish();
  }

  /**
   * Ends one before its time.
   *
   * @throws IllegalArgumentException if it is not running
   */
  public void stop(String key, String who, String why) {
    synchronized (this) {
      @Nullable ExperimentRun run = runs.get(key);
      if (run == null || run.phase() != ExperimentPhase.RUNNING) {
        throw new IllegalArgumentException(key + " is not running");
      }
      end(run, ExperimentPhase.HALTED, who, why);
    }
    publish();
  }

  /** Ends all that run; gives their names. */
  public List<String> haltAll(String who, String why) {
    List<String> halted = new ArrayList<>();
    synchronized (this) {
      for (ExperimentRun run : List.copyOf(runs.values())) {
        if (end(run, ExperimentPhase.HALTED, who, why)) {
          halted.add(run.experiment());
        }
      }
    }
    publish();
    return halted;
  }

  /** Where each experiment that is written stands, by name. */
  public synchronized List<ExperimentRun> runs() {
    return runs.values().stream().filter(run -> !run.removed()).toList();
  }

  /** All that ever happened, in order. */
  public synchronized List<ExperimentRun> history() {
    return ledger.entries();
  }

  /** The faults for one proxy, by resource name, each under its lease. */
  public Map<String, VersionedResource> faultsFor(NodeDescription node) {
    Published now = published;
    if (now.faults().isEmpty()
        || node.implementation() != NodeDescription.Implementation.OUTRIGGER) {
      return Map.of();
    }
    @Nullable Workload workload = now.state().workload(node.namespace(), node.workload());
    if (workload == null) {
      return Map.of();
    }
    Map<String, VersionedResource> faults = new TreeMap<>();
    for (Live live : now.faults()) {
      if (FaultTargets.concerns(now.state(), live.fault(), workload)) {
        faults.put(live.name(), live.resource());
      }
    }
    return faults;
  }

  private void begin(Experiment experiment, String who, String why) {
    Instant now = clock.instant();
    ExperimentRun run = runOf(keyOf(experiment));
    record(run.to(ExperimentPhase.RUNNING, now, who, why).until(now.plus(experiment.duration())));
  }

  private boolean end(ExperimentRun run, ExperimentPhase how, String who, String why) {
    if (run.phase() != ExperimentPhase.RUNNING) {
      return false;
    }
    record(run.to(how, clock.instant(), who, why));
    return true;
  }

  private void record(ExperimentRun run) {
    ledger.append(run);
    runs.put(run.experiment(), run);
  }

  private void publish() {
    synchronized (this) {
      List<Live> faults = new ArrayList<>();
      for (Experiment experiment : state.experiments()) {
        @Nullable ExperimentRun run = runs.get(keyOf(experiment));
        if (run != null
            && run.phase() == ExperimentPhase.RUNNING
            && run.endsAt() != null
            && clock.instant().isBefore(run.endsAt())) {
          addFaults(experiment, run.endsAt(), faults);
        }
      }
      published = new Published(state, List.copyOf(faults));
    }
    listeners.forEach(Runnable::run);
  }

  private void addFaults(Experiment experiment, Instant end, Collection<Live> faults) {
    for (Experiment.Fault fault : experiment.faults()) {
      FaultRules.ruleOf(state, experiment, fault, end)
          .ifPresent(
              rule ->
                  faults.add(
                      new Live(
                          fault,
                          FaultRules.nameOf(experiment, fault),
                          VersionedResource.of(rule, experiment.lease()))));
    }
  }

  /** One of another namespace that is running under the same name. */
  private @Nullable String namesake(Experiment experiment) {
    String suffix = "/" + experiment.meta().name();
    for (ExperimentRun run : runs.values()) {
      if (run.phase() == ExperimentPhase.RUNNING
          && run.experiment().endsWith(suffix)
          && !run.experiment().equals(keyOf(experiment))) {
        return run.experiment();
      }
    }
    return null;
  }

  /** Of one that is written, or was until now. */
  private ExperimentRun runOf(String key) {
    return Objects.requireNonNull(runs.get(key), key);
  }

  private Experiment find(String key) {
    for (Experiment experiment : state.experiments()) {
      if (keyOf(experiment).equals(key)) {
        return experiment;
      }
    }
    List<String> known = state.experiments().stream().map(ExperimentRunner::keyOf).toList();
    throw new IllegalArgumentException(
        "there is no experiment " + key + (known.isEmpty() ? "" : "; there are " + known));
  }

  private static String keyOf(Experiment experiment) {
    return experiment.meta().namespace() + "/" + experiment.meta().name();
  }

  private static String fingerprint(Experiment experiment) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(experiment.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
