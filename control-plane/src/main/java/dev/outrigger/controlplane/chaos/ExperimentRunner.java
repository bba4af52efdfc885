package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.chaos.ExperimentRun.Event;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Freeze;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts and ends experiments. Nothing happens but by a call: {@link #onState} when what is written
 * changed, {@link #tick} as time passes, and what people ask for. Thread-safe; what proxies get is
 * read without a lock.
 *
 * <p>An experiment ends by its time, by a person, when its text changes or goes, by a freeze that
 * says so, by a restart of the control plane, and, whatever happens here, by the absolute end that
 * proxies know. Nothing keeps an end from taking effect, not even a disk that is full.
 */
public final class ExperimentRunner {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentRunner.class);

  /** The ledger's name of what was done to all at once. */
  private static final String EVERYTHING = "*";

  private final InstantSource clock;
  private final ExperimentLedger ledger;
  private final ExperimentDocuments documents;
  private final ReportStore reports;
  private final Map<String, ExperimentRun> runs = new TreeMap<>();
  private final Map<String, ExperimentWatch> watches = new TreeMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /** Those of which proxies still only observe. */
  private final Set<String> baselines = new TreeSet<>();

  private DesiredState files = DesiredState.empty();
  private DesiredState state = DesiredState.empty();
  private volatile Published published = new Published(DesiredState.empty(), List.of());

  /** What proxies get by now. */
  private record Published(DesiredState state, List<Live> faults) {}

  /**
   * @param concerns whose proxies get it
   */
  private record Live(Predicate<Workload> concerns, String name, VersionedResource resource) {}

  /**
   * What still ran when the ledger was left is halted: nobody watched it meanwhile.
   *
   * @param ledger tells what went on before a restart; written from here on
   * @param documents what was submitted rather than written in the folder
   * @param reports of the latest runs
   */
  public ExperimentRunner(
      InstantSource clock,
      ExperimentLedger ledger,
      ExperimentDocuments documents,
      ReportStore reports) {
    this.reports = reports;
    this.clock = clock;
    this.ledger = ledger;
    this.documents = documents;
    for (ExperimentRun entry : ledger.entries()) {
      runs.put(entry.experiment(), entry);
    }
    for (ExperimentRun run : List.copyOf(runs.values())) {
      end(
          run,
          ExperimentPhase.HALTED,
          Event.HALTED,
          Asker.itself("the control plane was restarted while it ran"));
    }
  }

  /** Asks to be told whenever what proxies get has changed; the listener is quick. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** Goes by what is written in the folder now. */
  public void onState(DesiredState next) {
    synchronized (this) {
      files = next;
      update();
    }
    publish();
  }

  private void update() {
    state = documents.over(files);
    Map<String, Experiment> written = new TreeMap<>();
    state.experiments().forEach(one -> written.put(keyOf(one), one));
    for (ExperimentRun run : List.copyOf(runs.values())) {
      if (!written.containsKey(run.experiment())
          && !run.removed()
          && !run.experiment().equals(EVERYTHING)) {
        halt(run, Asker.itself("its text was removed"));
        record(runOf(run.experiment()).gone(clock.instant()));
        keepReport(run.experiment());
        watches.remove(run.experiment());
      }
    }
    for (Freeze freeze : state.freezes()) {
      if (freeze.halt()) {
        for (Experiment one : running()) {
          if (freeze.covers(one)) {
            halt(runOf(keyOf(one)), Asker.itself("Freeze: " + freeze.reason()));
          }
        }
      }
    }
    written.forEach(this::onWritten);
  }

  private void onWritten(String key, Experiment experiment) {
    @Nullable ExperimentRun run = runs.get(key);
    String fingerprint = fingerprint(experiment);
    if (run != null && !run.removed() && run.fingerprint().equals(fingerprint)) {
      return;
    }
    if (run != null) {
      halt(run, Asker.itself("its text was changed"));
    }
    record(
        ExperimentRun.written(
            key,
            fingerprint,
            experiment.lease(),
            clock.instant(),
            run == null ? null : runOf(key).times()));
    if (experiment.start() == Experiment.Start.IMMEDIATE) {
      try {
        begin(experiment, Asker.itself("its text says start: immediate"));
      } catch (RefusedException e) {
        LOG.warn("{} is not started: {}", key, e.getMessage());
      }
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
            @Nullable ExperimentWatch watch = watches.get(run.experiment());
            if (watch != null
                && !now.isBefore(watch.injects())
                && baselines.remove(run.experiment())) {
              changed = true;
            }
            if (run.endsAt() == null || !now.isBefore(run.endsAt())) {
              changed |=
                  end(
                      run,
                      ExperimentPhase.COMPLETED,
                      Event.COMPLETED,
                      Asker.itself("its time is over"));
            }
          }
          case HALTED, COMPLETED -> {
            if (!now.isBefore(run.times().since().plus(run.lease()))) {
              recordAnyway(
                  run.to(
                      ExperimentPhase.RECOVERED,
                      Event.RECOVERED,
                      now,
                      Asker.itself("the last lease has passed")));
              keepReport(run.experiment());
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
   * @throws RefusedException if there is none of that name
   */
  public synchronized ExperimentPreview preview(String key, Asker asker) {
    Experiment experiment = find(key);
    ExperimentRun run = runOf(key);
    if (run.phase() == ExperimentPhase.PENDING) {
      record(run.to(ExperimentPhase.PREVIEWED, Event.PREVIEWED, clock.instant(), asker));
    }
    @Nullable String obstacle = null;
    try {
      check(experiment);
    } catch (RefusedException e) {
      obstacle = e.refusal().id() + ": " + e.getMessage();
    }
    return new ExperimentPreview(
        key,
        experiment.hypothesis(),
        experiment.duration(),
        experiment.faults().stream().map(this::preview).toList(),
        obstacle);
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
   * Takes an experiment that is not written in the folder. It does not start by this, unless it
   * says so.
   *
   * @param text one YAML document
   * @return {@code namespace/name}
   * @throws RefusedException if it is wrong, or the folder has another of that name
   * @throws IOException if it cannot be kept
   */
  public String submit(String text) throws IOException {
    Experiment experiment = ExperimentDocuments.parse(text);
    String key = keyOf(experiment);
    synchronized (this) {
      @Nullable Experiment there =
          files.experiment(experiment.meta().namespace(), experiment.meta().name());
      if (there != null) {
        if (there.equals(experiment)) {
          return key;
        }
        throw new RefusedException(
            Refusal.IN_FOLDER,
            key + " is written in the control plane's folder, and differs; change it there");
      }
      @Nullable ExperimentRun run = runs.get(key);
      if (run != null
          && run.phase() == ExperimentPhase.RUNNING
          && !run.fingerprint().equals(fingerprint(experiment))) {
        throw new RefusedException(
            Refusal.PHASE, key + " is running with another text; stop it first");
      }
      documents.put(experiment, text);
      update();
    }
    publish();
    return key;
  }

  /**
   * Forgets a submitted experiment; one that runs is halted by it, and nothing waits for that.
   *
   * @throws RefusedException if there is none, or it is written in the folder
   * @throws IOException if its file stays, so that it would be there again after a restart
   */
  public void delete(String key, Asker asker) throws IOException {
    try {
      synchronized (this) {
        Experiment experiment = find(key);
        if (files.experiment(experiment.meta().namespace(), experiment.meta().name()) != null) {
          throw new RefusedException(
              Refusal.IN_FOLDER,
              key + " is written in the control plane's folder; remove it there");
        }
        halt(runOf(key), asker);
        try {
          documents.remove(key);
        } finally {
          update();
        }
      }
    } finally {
      publish();
    }
  }

  /**
   * Begins it.
   *
   * @param key {@code namespace/name}
   * @throws RefusedException if there is none of that name, or it may not begin now
   */
  public void start(String key, Asker asker) {
    synchronized (this) {
      begin(find(key), asker);
    }
    publish();
  }

  /** Takes its faults back for a while; its end stays where it is. */
  public void pause(String key, Asker asker) {
    pause(key, true, asker);
  }

  /** Injects again what {@link #pause} took back, if it might begin now. */
  public void resume(String key, Asker asker) {
    pause(key, false, asker);
  }

  private void pause(String key, boolean paused, Asker asker) {
    synchronized (this) {
      Experiment experiment = find(key);
      ExperimentRun run = runOf(key);
      if (run.phase() != ExperimentPhase.RUNNING || run.paused() == paused) {
        throw new RefusedException(
            Refusal.PHASE,
            key
                + " is "
                + (run.phase() != ExperimentPhase.RUNNING
                    ? "not running but " + run.phase().text()
                    : paused ? "paused already" : "not paused"));
      }
      if (!paused) {
        checkLimits(experiment);
      }
      Event event = paused ? Event.PAUSED : Event.RESUMED;
      record(run.with(event, paused, clock.instant(), asker));
    }
    publish();
  }

  /**
   * Ends one before its time.
   *
   * @throws RefusedException if it is not running
   */
  public void stop(String key, Asker asker) {
    synchronized (this) {
      ExperimentRun run = runOf(find(key));
      if (!end(run, ExperimentPhase.HALTED, Event.STOPPED, asker)) {
        throw new RefusedException(
            Refusal.PHASE, key + " is not running but " + run.phase().text());
      }
    }
    publish();
  }

  /**
   * Ends one at once, and keeps it from starting again while the halt is fresh. One that does not
   * run is kept from starting too.
   *
   * @throws RefusedException if there is none of that name
   */
  public void halt(String key, Asker asker) {
    synchronized (this) {
      ExperimentRun run = runOf(find(key));
      if (!halt(run, asker)) {
        Instant now = clock.instant();
        recordAnyway(run.with(Event.HALTED, false, now, asker).haltedAt(now));
      }
    }
    publish();
  }

  /** Ends all that run, and lets nothing start while this is fresh; gives their names. */
  public List<String> haltAll(Asker asker) {
    List<String> halted = new ArrayList<>();
    synchronized (this) {
      for (ExperimentRun run : List.copyOf(runs.values())) {
        if (halt(run, asker)) {
          halted.add(run.experiment());
        }
      }
      recordAnyway(everything(Event.HALTED, clock.instant(), asker));
    }
    publish();
    return halted;
  }

  /** Takes back that nothing may start after a halt. What was halted stays so. */
  public synchronized void lift(Asker asker) {
    for (ExperimentRun run : List.copyOf(runs.values())) {
      if (run.times().halted() != null && !run.experiment().equals(EVERYTHING)) {
        record(run.with(Event.LIFTED, run.paused(), clock.instant(), asker).haltedAt(null));
      }
    }
    record(everything(Event.LIFTED, null, asker));
  }

  /** When everything was halted last, if that still keeps experiments from starting. */
  public synchronized @Nullable Instant freshHalt() {
    @Nullable ExperimentRun everything = runs.get(EVERYTHING);
    return everything == null || !isFresh(everything.times().halted())
        ? null
        : everything.times().halted();
  }

  private ExperimentRun everything(Event event, @Nullable Instant halted, Asker asker) {
    Instant now = clock.instant();
    return new ExperimentRun(
        EVERYTHING,
        "",
        ExperimentPhase.PENDING,
        now,
        event,
        asker,
        new ExperimentRun.Times(now, null, null, halted),
        Duration.ZERO,
        false,
        false);
  }

  /** Where each experiment that is written stands, by name. */
  public synchronized List<ExperimentRun> runs() {
    return runs.values().stream()
        .filter(run -> !run.removed() && !run.experiment().equals(EVERYTHING))
        .toList();
  }

  /** Its text, or null where there is none. */
  public synchronized @Nullable Experiment experiment(String key) {
    int slash = key.indexOf('/');
    return slash < 0 ? null : state.experiment(key.substring(0, slash), key.substring(slash + 1));
  }

  /** What happened, in order, as far back as it is kept. */
  public synchronized List<ExperimentRun> history() {
    return ledger.entries();
  }

  /** What happened to one. */
  public synchronized List<ExperimentRun> history(String key) {
    return ledger.entries().stream().filter(entry -> entry.experiment().equals(key)).toList();
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
      if (live.concerns().test(workload)) {
        faults.put(live.name(), live.resource());
      }
    }
    return faults;
  }

  private void begin(Experiment experiment, Asker asker) {
    ExperimentRun run = runOf(experiment);
    try {
      check(experiment);
    } catch (RefusedException e) {
      Asker refused =
          new Asker(asker.who(), e.refusal().id() + ": " + e.getMessage(), asker.from());
      record(run.with(Event.REFUSED, run.paused(), clock.instant(), refused));
      throw e;
    }
    Instant now = clock.instant();
    Instant injects = now.plus(experiment.watch().baseline());
    record(run.running(injects.plus(experiment.duration()), now, asker));
    baselines.add(keyOf(experiment));
    watches.put(keyOf(experiment), new ExperimentWatch(experiment, now, injects));
  }

  /**
   * Takes what a proxy measured; a guard that is breached by it halts its experiment now.
   *
   * @param caller who sends it, or null on the plain port
   * @return false if the caller is not the workload that it speaks for
   */
  boolean measured(Measurement measurement, @Nullable SpiffeId caller) {
    boolean halted = false;
    synchronized (this) {
      @Nullable Workload workload =
          state.workload(measurement.getNamespace(), measurement.getWorkload());
      if (workload == null) {
        return true; // It left, or is not known yet: nothing that it says counts.
      }
      if (caller != null && !workload.identityIn(state.mesh().trustDomain()).equals(caller)) {
        return false;
      }
      String name = workload.meta().namespace() + "/" + workload.meta().name();
      for (Experiment experiment : running()) {
        ExperimentRun run = runOf(experiment);
        @Nullable ExperimentWatch watch = watches.get(keyOf(experiment));
        if (watch == null || run.paused()) {
          continue;
        }
        GuardWatch.@Nullable Breach breach = watch.on(name, measurement, clock.instant());
        if (breach != null) {
          halt(run, new Asker("guard " + breach.guard(), breach.text(), ""));
          halted = true;
        }
      }
    }
    if (halted) {
      publish();
    }
    return true;
  }

  /**
   * What is to be said of the latest run.
   *
   * @throws RefusedException if there is none of that name, or it has not run
   */
  public synchronized JsonObject report(String key) {
    @Nullable ExperimentWatch watch = watches.get(key);
    @Nullable JsonObject report = watch == null ? reports.find(key) : report(key, watch);
    if (report == null) {
      find(key);
      throw new RefusedException(Refusal.PHASE, key + " has not run, so there is no report of it");
    }
    return report;
  }

  private JsonObject report(String key, ExperimentWatch watch) {
    List<ExperimentRun> events = history(key);
    int from = events.size();
    while (from > 0 && events.get(from - 1).at().compareTo(watch.started()) >= 0) {
      from--;
    }
    return ExperimentReport.of(
        watch,
        runOf(key),
        events.subList(from, events.size()),
        documents.text(key),
        clock.instant());
  }

  private void keepReport(String key) {
    @Nullable ExperimentWatch watch = watches.get(key);
    if (watch != null) {
      reports.keep(key, report(key, watch));
    }
  }

  /** What was measured of the latest run since this process began, or null. */
  synchronized @Nullable ExperimentWatch watch(String key) {
    return watches.get(key);
  }

  /**
   * Whether it may start now.
   *
   * @throws RefusedException with what is against it
   */
  private void check(Experiment experiment) {
    String key = keyOf(experiment);
    ExperimentRun run = runOf(key);
    switch (run.phase()) {
      case PENDING, PREVIEWED, RECOVERED -> {}
      case RUNNING -> throw new RefusedException(Refusal.PHASE, key + " is running already");
      case HALTED, COMPLETED ->
          throw new RefusedException(
              Refusal.LEASES,
              key + " has ended but proxies may still hold its leases; try again in a moment");
    }
    refuseFresh(runs.get(EVERYTHING), "everything");
    refuseFresh(run, key);
    checkLimits(experiment);
  }

  private void checkLimits(Experiment experiment) {
    StartRules.check(
        state,
        experiment,
        running().stream().filter(other -> !keyOf(other).equals(keyOf(experiment))).toList());
  }

  private void refuseFresh(@Nullable ExperimentRun run, String what) {
    @Nullable Instant halted = run == null ? null : run.times().halted();
    if (halted != null && isFresh(halted)) {
      throw new RefusedException(
          Refusal.HALT,
          "%s was halted at %s; nothing starts before %s unless the halt is lifted"
              .formatted(what, halted, halted.plus(state.mesh().chaos().haltCooldown())));
    }
  }

  private boolean isFresh(@Nullable Instant halted) {
    return halted != null
        && clock.instant().isBefore(halted.plus(state.mesh().chaos().haltCooldown()));
  }

  /** Those that run, paused or not. */
  private List<Experiment> running() {
    return state.experiments().stream()
        .filter(
            one -> {
              @Nullable ExperimentRun run = runs.get(keyOf(one));
              return run != null && run.phase() == ExperimentPhase.RUNNING;
            })
        .toList();
  }

  private boolean halt(ExperimentRun run, Asker asker) {
    return end(run, ExperimentPhase.HALTED, Event.HALTED, asker);
  }

  private boolean end(ExperimentRun run, ExperimentPhase how, Event event, Asker asker) {
    if (run.phase() != ExperimentPhase.RUNNING) {
      return false;
    }
    Instant now = clock.instant();
    ExperimentRun ended = run.to(how, event, now, asker);
    boolean byHalt = event == Event.HALTED && !asker.who().equals(Asker.ITSELF);
    recordAnyway(byHalt ? ended.haltedAt(now) : ended);
    return true;
  }

  private void record(ExperimentRun run) {
    ledger.append(run);
    runs.put(run.experiment(), run);
  }

  /** What ends faults takes effect whether it can be written down or not. */
  private void recordAnyway(ExperimentRun run) {
    try {
      ledger.append(run);
    } catch (UncheckedIOException e) {
      LOG.error("{} {}, but it is not in the ledger", run.experiment(), run.event().text(), e);
    }
    runs.put(run.experiment(), run);
  }

  private void publish() {
    synchronized (this) {
      List<Live> faults = new ArrayList<>();
      for (Experiment experiment : state.experiments()) {
        @Nullable ExperimentRun run = runs.get(keyOf(experiment));
        if (run != null
            && run.phase() == ExperimentPhase.RUNNING
            && !run.paused()
            && run.endsAt() != null
            && clock.instant().isBefore(run.endsAt())) {
          @Nullable ExperimentWatch watch = watches.get(keyOf(experiment));
          boolean observeOnly = watch != null && clock.instant().isBefore(watch.injects());
          addFaults(experiment, run.endsAt(), observeOnly, faults);
          addGuards(experiment, run.endsAt(), faults);
        }
      }
      published = new Published(state, List.copyOf(faults));
    }
    listeners.forEach(Runnable::run);
  }

  private void addFaults(
      Experiment experiment, Instant end, boolean observeOnly, Collection<Live> faults) {
    DesiredState now = state;
    for (Experiment.Fault fault : experiment.faults()) {
      FaultRules.ruleOf(now, experiment, fault, end)
          .map(rule -> FaultRules.watched(rule, experiment, observeOnly))
          .ifPresent(
              rule ->
                  faults.add(
                      new Live(
                          workload -> FaultTargets.concerns(now, fault, workload),
                          FaultRules.nameOf(experiment, fault),
                          VersionedResource.of(rule, experiment.lease()))));
    }
  }

  /** The proxies of a guard's service measure what reaches it, and touch nothing. */
  private void addGuards(Experiment experiment, Instant end, Collection<Live> faults) {
    DesiredState now = state;
    ExperimentWatch.services(experiment)
        .forEach(
            (guard, service) ->
                faults.add(
                    new Live(
                        workload ->
                            workload.hasSidecar()
                                && now.servicesOf(workload).stream()
                                    .anyMatch(one -> one.serviceName().equals(service)),
                        FaultRules.guardName(experiment, guard),
                        VersionedResource.of(
                            FaultRules.observer(experiment, guard, service, end),
                            experiment.lease()))));
  }

  private ExperimentRun runOf(Experiment experiment) {
    return runOf(keyOf(experiment));
  }

  /** Of one that is written, or was until now. */
  private ExperimentRun runOf(String key) {
    return Objects.requireNonNull(runs.get(key), key);
  }

  private Experiment find(String key) {
    @Nullable Experiment experiment = experiment(key);
    if (experiment != null) {
      return experiment;
    }
    List<String> known =
        state.experiments().stream().map(ExperimentRunner::keyOf).limit(20).toList();
    throw new RefusedException(
        Refusal.UNKNOWN,
        "there is no experiment " + key + (known.isEmpty() ? "" : "; there are " + known));
  }

  static String keyOf(Experiment experiment) {
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
