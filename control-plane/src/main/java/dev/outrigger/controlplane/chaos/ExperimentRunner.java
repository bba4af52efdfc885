package dev.outrigger.controlplane.chaos;

import static dev.outrigger.controlplane.chaos.ExperimentTexts.keyOf;

import com.google.gson.JsonObject;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.chaos.ExperimentRun.Event;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Freeze;
import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.When;
import dev.outrigger.controlplane.model.Schedule;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
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
 * proxies know. Nothing keeps an end from taking effect, not even a disk that is full or hangs:
 * proxies are told first, and it is written down afterwards.
 */
public final class ExperimentRunner {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentRunner.class);

  private final InstantSource clock;
  private final RunBook book;
  private final ExperimentTexts texts;
  private final RunReports reports;
  private final PublishedFaults faults;
  private Supplier<Set<String>> envoys = Set::of;
  private StartRights rights = StartRights.ALL;
  private @Nullable ClockWatch clockWatch;
  private final Schedules schedules = new Schedules();
  private final Prober prober;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Following following = new Following();

  /** Runs that another process began: what probes say after them is still to be asked. */
  private final Set<String> inherited = new TreeSet<>();

  /** Who submits what the cluster is about to take, by experiment. */
  private final Map<String, Asker> submitting = new TreeMap<>();

  /**
   * What still ran when the ledger was left is halted: nobody watched it meanwhile.
   *
   * @param ledger tells what went on before a restart; written from here on
   * @param documents what was submitted rather than written in the folder
   * @param reports of the latest runs
   * @param prober asks what experiments want to know
   */
  public ExperimentRunner(
      InstantSource clock,
      ExperimentLedger ledger,
      ExperimentDocuments documents,
      ReportStore reports,
      Prober prober) {
    this(clock, ledger, documents, reports, prober, CertificateMint.NONE);
  }

  /**
   * The same.
   *
   * @param mint makes the certificates that faults show
   */
  public ExperimentRunner(
      InstantSource clock,
      ExperimentLedger ledger,
      ExperimentDocuments documents,
      ReportStore reports,
      Prober prober,
      CertificateMint mint) {
    this.faults = new PublishedFaults(mint);
    this.prober = prober;
    this.clock = clock;
    this.book = new RunBook(ledger);
    this.texts = new ExperimentTexts(documents);
    this.reports = new RunReports(book, texts, reports);
    for (ExperimentRun run : book.all()) {
      end(
          run,
          ExperimentPhase.HALTED,
          Event.HALTED,
          Asker.itself("the control plane was restarted while it ran"));
    }
    inherit();
    waitAnew("the wall clock was set back meanwhile");
  }

  /**
   * Halts what runs when the wall clock is set, since neither its end nor what was measured can be
   * placed in time any more.
   *
   * @param nanoTime monotonic time
   */
  public synchronized void distrustClockBy(LongSupplier nanoTime) {
    clockWatch = new ClockWatch(clock, nanoTime);
  }

  private boolean onClock() {
    Duration set = clockWatch == null ? Duration.ZERO : clockWatch.look();
    if (set.isZero()) {
      return false;
    }
    String why =
        "the wall clock was set %s by %d s"
            .formatted(set.isNegative() ? "back" : "forward", set.abs().toSeconds());
    LOG.warn("{}", why);
    boolean changed = false;
    for (ExperimentRun run : book.all()) {
      changed |= halt(run, Asker.itself(why + " while it ran"));
    }
    waitAnew(why);
    return changed;
  }

  /** What ended in the future waits for its leases from now on. */
  private void waitAnew(String why) {
    Instant now = clock.instant();
    for (ExperimentRun run : book.all()) {
      boolean waits =
          run.phase() == ExperimentPhase.HALTED || run.phase() == ExperimentPhase.COMPLETED;
      if (waits && run.times().since().isAfter(now)) {
        book.recordAnyway(run.to(run.phase(), run.event(), now, Asker.itself(why)));
      }
    }
  }

  // ---- replicas

  /** From now on this follows whoever of them leads, until it is told to {@link #lead}. */
  public synchronized void follow(Replicas replicas) {
    following.begin(replicas);
    book.share(replicas);
  }

  /**
   * This one leads now. What still ran is halted: nobody watched it meanwhile.
   *
   * @param standing where each stood when it was last kept
   * @param orders halts that nobody took yet
   */
  public void lead(List<ExperimentRun> standing, List<HaltOrder> orders) {
    synchronized (this) {
      book.forgetTold();
      book.mirror(standing, clock.instant());
      following.takeOver();
      Asker why = Asker.itself("the control plane's leader changed while it ran");
      book.all().forEach(run -> end(run, ExperimentPhase.HALTED, Event.HALTED, why));
      inherit();
      following.orders(orders);
      obey();
      update();
      book.tellAll();
    }
    publish();
  }

  /** Another one leads, or none: nothing is started, ended or written here any more. */
  public void resign() {
    synchronized (this) {
      if (following.resign()) {
        reports.handOver(clock.instant());
      }
    }
    publish();
  }

  /**
   * What the replicas share has changed.
   *
   * @return whether this one leads, and obeyed the orders
   */
  public boolean onShared(List<ExperimentRun> standing, List<HaltOrder> orders) {
    boolean acts;
    synchronized (this) {
      following.orders(orders);
      acts = following.acts();
      if (acts) {
        obey();
      } else {
        book.mirror(standing, clock.instant());
        suppose();
      }
    }
    publish();
    return acts;
  }

  private void obey() {
    for (HaltOrder order : following.toObey()) {
      for (ExperimentRun run : book.all()) {
        if (order.covers(run.experiment()) && !halt(run, order.by())) {
          if (!order.what().equals(HaltOrder.EVERYTHING)) {
            haltAnyway(run, order.by());
          }
        }
      }
      if (order.what().equals(HaltOrder.EVERYTHING)) {
        book.everythingHalted(clock.instant(), order.by());
      }
    }
  }

  /** What is written and was not told of by the one that leads. */
  private void suppose() {
    texts
        .experiments()
        .forEach(
            (key, one) ->
                book.suppose(
                    ExperimentRun.written(
                        key,
                        ExperimentTexts.fingerprint(one),
                        one.lease(),
                        clock.instant(),
                        null,
                        scheduled(one, ""),
                        Asker.itself("it was written"))));
  }

  private void order(String what, Asker asker) {
    HaltOrder order = new HaltOrder(UUID.randomUUID().toString(), what, clock.instant(), asker);
    synchronized (this) {
      following.order(order);
    }
    // Our own proxies first: whatever becomes of the order, they are told.
    publish();
    try {
      following.replicas().order(order);
    } catch (IOException e) {
      throw new RefusedException(
          Refusal.FOLLOWS,
          "halted for the proxies of this replica; the others cannot be told: " + e.getMessage());
    }
  }

  /** What proxies of a follower should have, in a word: it changes as steps and ends come. */
  private String look(Instant now) {
    StringBuilder text = new StringBuilder().append(following.isLed());
    for (PublishedFaults.Active one : followed(now)) {
      text.append(' ').append(keyOf(one.experiment())).append(one.end());
      one.faults().forEach(fault -> text.append(fault.observeOnly()).append(fault.until()));
    }
    return text.toString();
  }

  private List<PublishedFaults.Active> followed(Instant now) {
    List<PublishedFaults.Active> active = new ArrayList<>();
    for (Experiment experiment : following.isLed() ? running() : List.<Experiment>of()) {
      ExperimentRun run = runOf(experiment);
      @Nullable Instant end = run.endsAt();
      @Nullable Instant started = run.times().started();
      if (!run.paused()
          && started != null
          && end != null
          && now.isBefore(end)
          && following.follows(experiment, run)) {
        RunCourse course = new RunCourse(experiment, RunCourse.injects(experiment, started));
        active.add(new PublishedFaults.Active(experiment, end, course.acting(now, end)));
      }
    }
    return active;
  }

  /** Tells it of each run that is over from now on. */
  public synchronized void tell(TestHistory history) {
    reports.tell(history);
  }

  /** What is submitted from now on goes there, where every replica reads it. */
  public synchronized void keepIn(SharedExperiments cluster) {
    texts.keepIn(cluster);
  }

  /**
   * Another replica, which leads, did what was asked here: those who look here see it at once.
   *
   * @param key of the experiment
   * @param run where it stands since; null where it is gone
   */
  public void heard(String key, @Nullable ExperimentRun run) {
    @Nullable SharedExperiments cluster;
    synchronized (this) {
      cluster = texts.cluster();
    }
    try {
      if (cluster != null) {
        cluster.refresh(key);
      }
    } catch (IOException e) {
      LOG.warn("{} is not known here yet: {}", key, e.getMessage());
    }
    synchronized (this) {
      if (run == null) {
        book.toldGone(key);
      } else if (!following.acts()) {
        book.told(run, clock.instant());
      }
    }
    publish();
  }

  /** What is written now, with what was submitted. */
  public synchronized DesiredState state() {
    return texts.state();
  }

  synchronized boolean isRunning(Experiment experiment) {
    return book.isRunning(keyOf(experiment));
  }

  /**
   * Takes the texts of experiments in the folder from there, for reports.
   *
   * @param reader of {@code namespace/name}; gives null where there is none
   */
  public synchronized void readFolderBy(Function<String, @Nullable String> reader) {
    texts.readFolderBy(reader);
  }

  /**
   * Takes from there beside which workloads Envoys are connected.
   *
   * @param connected their workloads, as {@code name.namespace}
   */
  public synchronized void knowEnvoysBy(Supplier<Set<String>> connected) {
    envoys = connected;
  }

  /** Asks there before each start by a schedule whether who stands for it still may. */
  public synchronized void checkRightsBy(StartRights asked) {
    rights = asked;
  }

  /** Asks to be told whenever what proxies get has changed; the listener is quick. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** Goes by what is written in the folder now. */
  public void onState(DesiredState next) {
    synchronized (this) {
      texts.onFiles(next);
      if (following.acts()) {
        update();
      } else {
        suppose();
      }
    }
    publish();
  }

  private void update() {
    Map<String, Experiment> written = texts.experiments();
    for (ExperimentRun run : book.all()) {
      String key = run.experiment();
      if (!written.containsKey(key)) {
        halt(run, Asker.itself("its text was removed"));
        book.recordAnyway(book.of(key).gone(clock.instant()));
        reports.close(key, clock.instant());
      }
    }
    for (Freeze freeze : texts.state().freezes()) {
      if (freeze.halt()) {
        for (Experiment one : running()) {
          if (freeze.covers(one)) {
            halt(book.of(keyOf(one)), Asker.itself("Freeze: " + freeze.reason()));
          }
        }
      }
    }
    written.forEach(
        (key, one) ->
            onWritten(key, one, submitting.getOrDefault(key, Asker.itself("it was written"))));
  }

  private void onWritten(String key, Experiment experiment, Asker asker) {
    @Nullable ExperimentRun run = book.find(key);
    String fingerprint = ExperimentTexts.fingerprint(experiment);
    if (run != null && !run.removed() && run.fingerprint().equals(fingerprint)) {
      return;
    }
    if (run != null) {
      halt(run, Asker.itself("its text was changed"));
    }
    book.recordAnyway(
        ExperimentRun.written(
            key,
            fingerprint,
            experiment.lease(),
            clock.instant(),
            run == null ? null : book.of(key).times(),
            scheduled(
                experiment, asker.who().equals(Asker.ITSELF) ? texts.submitter(key) : asker.who()),
            asker));
    if (experiment.start() == Experiment.Start.IMMEDIATE) {
      try {
        begin(experiment, runOf(experiment), Asker.itself("its text says start: immediate"));
      } catch (RefusedException | UncheckedIOException e) {
        LOG.warn("{} is not started: {}", key, e.getMessage());
      }
    }
  }

  private ExperimentRun.Scheduled scheduled(Experiment experiment, String by) {
    @Nullable Schedule schedule = experiment.course().schedule();
    return schedule == null
        ? ExperimentRun.Scheduled.NONE
        : new ExperimentRun.Scheduled(clock.instant(), schedule.suspended(), by);
  }

  /** Begins, moves on and ends what is due. To be called several times a second. */
  public void tick() {
    boolean changed = false;
    synchronized (this) {
      Instant now = clock.instant();
      if (!following.acts()) {
        changed = following.moved(look(now));
      } else {
        changed = onTick();
      }
    }
    if (changed) {
      publish();
    }
  }

  private boolean onTick() {
    boolean changed = onClock();
    Instant now = clock.instant();
    for (Schedules.Due due : schedules.due(texts.experiments(), book, now)) {
      changed |= onDue(due, now);
    }
    for (ExperimentRun run : book.all()) {
      switch (run.phase()) {
        case RUNNING -> {
          reports.checkpoint(run.experiment(), now);
          changed |= onRunning(run, now);
        }
        case HALTED, COMPLETED -> {
          reports.checkpoint(run.experiment(), now);
          if (!now.isBefore(run.times().since().plus(run.lease()))) {
            onLeasesPassed(run, now);
          }
        }
        case RECOVERED -> askInherited(run);
        case PENDING, PREVIEWED -> {}
      }
    }
    return changed;
  }

  private void inherit() {
    inherited.clear();
    for (ExperimentRun run : book.all()) {
      if (run.times().started() != null && reports.watch(run.experiment()) == null) {
        inherited.add(run.experiment());
      }
    }
  }

  /** Who began the run is gone, but whether all is well after it can be asked by anybody. */
  private void askInherited(ExperimentRun run) {
    String key = run.experiment();
    @Nullable Experiment experiment = texts.experiment(key);
    if (experiment == null || !inherited.remove(key) || reports.watch(key) != null) {
      return;
    }
    for (Probe probe : experiment.course().probes()) {
      if (probe.when().contains(When.AFTER) && reports.awaitsAfter(key, run, probe.name())) {
        prober.ask(probe, outcome -> answeredAfter(run, probe, outcome));
      }
    }
  }

  private synchronized void answeredAfter(ExperimentRun asked, Probe probe, ProbeOutcome outcome) {
    String key = asked.experiment();
    @Nullable ExperimentRun run = book.find(key);
    if (run == null
        || run.removed()
        || !following.acts()
        || !Objects.equals(run.times().started(), asked.times().started())) {
      return; // Another run is on, or its text is gone.
    }
    Instant now = clock.instant();
    book.recordAnyway(run.with(Event.PROBED, run.paused(), now, asker(probe, When.AFTER, outcome)));
    reports.answered(key, run, probe.name(), outcome, now);
  }

  private static Asker asker(Probe probe, When part, ProbeOutcome outcome) {
    return new Asker(
        "probe " + probe.name(),
        "%s: %s, %s"
            .formatted(
                part.name().toLowerCase(Locale.ROOT),
                outcome.verdict().name().toLowerCase(Locale.ROOT),
                outcome.text()),
        "");
  }

  private boolean onDue(Schedules.Due due, Instant now) {
    ExperimentRun run = book.of(due.key());
    ExperimentRun handled = run.scheduled(run.schedule().upTo(due.at()));
    switch (due.what()) {
      case BEGIN -> {
        try {
          begin(due.experiment(), handled, Asker.schedule("due at " + due.at()), this::checkRights);
          return true;
        } catch (RefusedException e) {
          LOG.warn("{} is not started by its schedule: {}", due.key(), e.getMessage());
        } catch (UncheckedIOException e) {
          // It must not be tried at each tick, nor keep others from their ends.
          Asker why = Asker.schedule("due at %s, but %s".formatted(due.at(), e.getMessage()));
          book.recordAnyway(handled.with(Event.REFUSED, run.paused(), now, why));
          LOG.warn("{} is not started by its schedule", due.key(), e);
        }
      }
      case SKIP -> {
        Asker why = Asker.schedule("it still runs, so that of " + due.at() + " is skipped");
        book.recordAnyway(handled.with(Event.SKIPPED, run.paused(), now, why));
      }
      case MISS -> {
        Asker why = Asker.schedule("that of " + due.at() + " could not begin by its deadline");
        book.recordAnyway(handled.with(Event.MISSED, run.paused(), now, why));
      }
      case REPLACE -> {
        Asker why = Asker.schedule("that of " + due.at() + " takes its place");
        return end(run, ExperimentPhase.HALTED, Event.STOPPED, why);
      }
    }
    return false;
  }

  private boolean onRunning(ExperimentRun run, Instant now) {
    if (run.endsAt() == null || !now.isBefore(run.endsAt())) {
      return end(run, ExperimentPhase.COMPLETED, Event.COMPLETED, Asker.itself("its time is over"));
    }
    @Nullable ExperimentWatch watch = reports.watch(run.experiment());
    if (watch == null) {
      return false;
    }
    RunCourse course = watch.course();
    boolean injects = course.injectsBy(now);
    if (injects) {
      for (ProbeWatch probe : course.probes()) {
        if (!probe.ready()) {
          return halt(
              run,
              new Asker("probe " + probe.probe().name(), "it did not answer in time before", ""));
        }
      }
    }
    if (!run.paused()) {
      ask(run.experiment(), watch, injects ? When.DURING : When.BEFORE, now);
    }
    if (!course.moved(now)) {
      return false;
    }
    String words = course.words(now);
    if (!words.isEmpty()) {
      ExperimentRun latest = book.of(run.experiment());
      book.recordAnyway(latest.with(Event.STEPPED, latest.paused(), now, Asker.itself(words)));
    }
    return true;
  }

  private void onLeasesPassed(ExperimentRun run, Instant now) {
    String key = run.experiment();
    book.recordAnyway(
        run.to(
            ExperimentPhase.RECOVERED,
            Event.RECOVERED,
            now,
            Asker.itself("the last lease has passed")));
    reports.keep(key, now);
    @Nullable ExperimentWatch watch = reports.watch(key);
    if (watch != null) {
      ask(key, watch, When.AFTER, now);
    }
  }

  private void ask(String key, ExperimentWatch watch, When part, Instant now) {
    for (ProbeWatch probe : watch.course().probes()) {
      if (probe.due(part, now)) {
        prober.ask(probe.probe(), outcome -> answered(key, watch, probe, part, outcome));
      }
    }
  }

  private void answered(
      String key, ExperimentWatch watch, ProbeWatch probe, When part, ProbeOutcome outcome) {
    boolean halted = false;
    synchronized (this) {
      Instant now = clock.instant();
      boolean news = probe.on(part, outcome, now);
      if (reports.watch(key) != watch || !following.acts()) {
        return; // Another run is on, or its text is gone.
      }
      Asker asker = asker(probe.probe(), part, outcome);
      if (news) {
        ExperimentRun run = book.of(key);
        book.recordAnyway(run.with(Event.PROBED, run.paused(), now, asker));
      }
      boolean bad =
          switch (part) {
            case BEFORE -> probe.failedBefore();
            case DURING -> probe.failedDuring() && probe.probe().halts();
            case AFTER -> false;
          };
      halted = bad && halt(book.of(key), asker);
      if (part == When.AFTER) {
        reports.keep(key, now);
      }
    }
    if (halted) {
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
    ExperimentRun run = book.of(key);
    if (run.phase() == ExperimentPhase.PENDING && following.acts()) {
      book.recordAnyway(run.to(ExperimentPhase.PREVIEWED, Event.PREVIEWED, clock.instant(), asker));
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
    boolean anybody = FaultTargets.scopeOf(texts.state(), fault).isPresent();
    List<String> workloads =
        anybody
            ? FaultTargets.of(texts.state(), fault).stream()
                .map(one -> one.meta().namespace() + "/" + one.meta().name())
                .toList()
            : List.of();
    return new ExperimentPreview.FaultPreview(
        fault.name(),
        fault.place(),
        fault.chancePpm(),
        workloads,
        FaultTargets.hint(texts.state(), fault));
  }

  /**
   * Takes an experiment that nobody else has written. It does not start by this, unless it says so.
   *
   * @param text one YAML document
   * @param asker who submits it
   * @return {@code namespace/name}
   * @throws RefusedException if it is wrong, or somebody else has written another of that name
   * @throws IOException if it cannot be kept
   */
  public String submit(String text, Asker asker) throws IOException {
    Experiment experiment = ExperimentDocuments.parse(text);
    checkCommands(experiment);
    String key = keyOf(experiment);
    @Nullable SharedExperiments cluster;
    synchronized (this) {
      if (texts.isElsewhere(experiment)) {
        return key;
      }
      following.requireLead();
      @Nullable Experiment before = texts.experiment(key);
      if (before != null && book.isRunning(key) && !ExperimentTexts.sameWords(before, experiment)) {
        throw new RefusedException(
            Refusal.PHASE, key + " is running with another text; stop it first");
      }
      cluster = texts.cluster();
      if (cluster == null) {
        texts.put(experiment, text);
        onWritten(key, experiment, asker);
        takeOver(experiment, runOf(experiment), asker);
        update();
      } else {
        submitting.put(key, asker);
      }
    }
    if (cluster != null) {
      submit(cluster, experiment, text, asker);
    }
    publish();
    return key;
  }

  /** Without the lock while the API server is waited for: a halt must not wait for it. */
  private void submit(SharedExperiments cluster, Experiment experiment, String text, Asker asker)
      throws IOException {
    String key = keyOf(experiment);
    try {
      cluster.put(experiment, text, asker.who());
    } finally {
      synchronized (this) {
        submitting.remove(key);
      }
    }
    synchronized (this) {
      // Of a time before the cluster kept them: it would be there again when the object goes.
      texts.remove(key);
      @Nullable Experiment written = texts.experiment(key);
      @Nullable ExperimentRun run = book.find(key);
      if (following.acts() && written != null && run != null && !run.removed()) {
        takeOver(written, run, asker);
      }
    }
  }

  /** Its schedule begins it in the name of whoever submitted it last. */
  private void takeOver(Experiment experiment, ExperimentRun run, Asker asker) {
    if (experiment.course().schedule() != null
        && run.phase() != ExperimentPhase.RUNNING
        && !run.schedule().by().equals(asker.who())) {
      book.recordAnyway(
          run.with(Event.WRITTEN, false, clock.instant(), asker)
              .scheduled(
                  new ExperimentRun.Scheduled(
                      run.schedule().handled(), run.schedule().suspended(), asker.who())));
    }
  }

  /**
   * Says whether {@link #submit} would take it, and does nothing.
   *
   * @throws RefusedException if it is wrong, or somebody else has written another of that name
   */
  public Experiment validate(String text) {
    Experiment experiment = ExperimentDocuments.parse(text);
    checkCommands(experiment);
    synchronized (this) {
      texts.isElsewhere(experiment);
    }
    return experiment;
  }

  /** Namespaces of the workloads whose proxies would run its faults if it began now. */
  public synchronized Set<String> reach(Experiment experiment) {
    Set<String> namespaces = new TreeSet<>();
    for (Experiment.Fault fault : experiment.faults()) {
      if (FaultTargets.scopeOf(texts.state(), fault).isPresent()) {
        FaultTargets.of(texts.state(), fault)
            .forEach(workload -> namespaces.add(workload.meta().namespace()));
      }
    }
    return namespaces;
  }

  /**
   * Forgets a submitted experiment; one that runs is halted by it, and nothing waits for that.
   *
   * @throws RefusedException if there is none, somebody else has written it, or its object stays
   * @throws IOException if its file stays, so that it would be there again after a restart
   */
  public void delete(String key, Asker asker) throws IOException {
    @Nullable SharedExperiments cluster;
    synchronized (this) {
      find(key);
      texts.refuseElsewhere(key);
      following.requireLead();
      halt(book.of(key), asker);
      cluster = texts.isObject(key) ? texts.cluster() : null;
    }
    publish();
    if (cluster != null) {
      cluster.remove(key);
      return;
    }
    try {
      synchronized (this) {
        try {
          texts.remove(key);
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
      Experiment experiment = find(key);
      following.requireLead();
      begin(experiment, runOf(experiment), asker);
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
      following.requireLead();
      ExperimentRun run = book.of(key);
      if (run.phase() != ExperimentPhase.RUNNING || run.paused() == paused) {
        throw new RefusedException(
            Refusal.PHASE,
            key
                + " is "
                + (run.phase() != ExperimentPhase.RUNNING
                    ? "not running but " + run.phase().text()
                    : paused ? "paused already" : "not paused"));
      }
      if (paused) {
        book.recordAnyway(run.with(Event.PAUSED, true, clock.instant(), asker));
      } else {
        checkLimits(experiment);
        book.record(run.with(Event.RESUMED, false, clock.instant(), asker));
      }
    }
    publish();
  }

  /**
   * Lets its schedule begin nothing for now, or again. Times that went by meanwhile do not count.
   *
   * @throws RefusedException if there is none of that name, it has no schedule, or that is so
   */
  public synchronized void suspend(String key, boolean suspended, Asker asker) {
    Experiment experiment = find(key);
    following.requireLead();
    ExperimentRun run = book.of(key);
    if (experiment.course().schedule() == null) {
      throw new RefusedException(Refusal.SCHEDULE, key + " has no schedule");
    }
    if (run.schedule().suspended() == suspended) {
      throw new RefusedException(
          Refusal.SCHEDULE,
          "the schedule of " + key + " is " + (suspended ? "suspended already" : "not suspended"));
    }
    Instant now = clock.instant();
    Event event = suspended ? Event.SUSPENDED : Event.UNSUSPENDED;
    String by = suspended || run.schedule().by().isEmpty() ? run.schedule().by() : asker.who();
    book.record(
        run.with(event, run.paused(), now, asker)
            .scheduled(new ExperimentRun.Scheduled(now, suspended, by)));
  }

  /**
   * Ends one before its time.
   *
   * @throws RefusedException if it is not running
   */
  public void stop(String key, Asker asker) {
    synchronized (this) {
      ExperimentRun run = runOf(find(key));
      following.requireLead();
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
    boolean acts;
    synchronized (this) {
      ExperimentRun run = runOf(find(key));
      acts = following.acts();
      if (acts && !halt(run, asker)) {
        haltAnyway(run, asker);
      }
    }
    if (acts) {
      publish();
      settle();
    } else {
      order(key, asker);
    }
  }

  /** Proxies are told by now; whoever asked gets an answer once that is written down, or soon. */
  private void settle() {
    if (!book.settle()) {
      LOG.warn("what was halted is not in the ledger yet: the disk does not answer");
    }
  }

  private void haltAnyway(ExperimentRun run, Asker asker) {
    Instant now = clock.instant();
    book.recordAnyway(run.with(Event.HALTED, false, now, asker).haltedAt(now));
  }

  /** Ends all that run, and lets nothing start while this is fresh; gives their names. */
  public List<String> haltAll(Asker asker) {
    List<String> halted = new ArrayList<>();
    boolean acts;
    synchronized (this) {
      acts = following.acts();
      for (ExperimentRun run : book.all()) {
        if (acts ? halt(run, asker) : run.phase() == ExperimentPhase.RUNNING) {
          halted.add(run.experiment());
        }
      }
      if (acts) {
        book.everythingHalted(clock.instant(), asker);
      }
    }
    if (acts) {
      publish();
      settle();
    } else {
      order(HaltOrder.EVERYTHING, asker);
    }
    return halted;
  }

  /** Takes back that nothing may start after a halt. What was halted stays so. */
  public synchronized void lift(Asker asker) {
    following.requireLead();
    book.lift(clock.instant(), asker);
  }

  /** When everything was halted last, if that still keeps experiments from starting. */
  public synchronized @Nullable Instant freshHalt() {
    @Nullable Instant halted = book.everythingHalted();
    return halted != null
            && clock.instant().isBefore(halted.plus(texts.state().mesh().chaos().haltCooldown()))
        ? halted
        : null;
  }

  /** Where each experiment that is written stands, by name. */
  public synchronized List<ExperimentRun> runs() {
    return book.all();
  }

  /** Its text, or null where there is none. */
  public synchronized @Nullable Experiment experiment(String key) {
    return texts.experiment(key);
  }

  /** What happened, in order, as far back as it is kept. */
  public synchronized List<ExperimentRun> history() {
    return book.history();
  }

  /** What happened to one. */
  public synchronized List<ExperimentRun> history(String key) {
    return book.history(key);
  }

  /** What an Envoy does now; nothing for another proxy. */
  List<EnvoyFaults.Acting> forEnvoy(NodeDescription node) {
    return faults.forEnvoy(node);
  }

  /** The faults for one proxy, by resource name, each under its lease. */
  public Map<String, VersionedResource> faultsFor(NodeDescription node) {
    return faults.faultsFor(node);
  }

  /**
   * @param run where it stands
   */
  private void begin(Experiment experiment, ExperimentRun run, Asker asker) {
    begin(experiment, run, asker, _ -> {});
  }

  /**
   * @param rule refuses it for a reason beside all others
   */
  private void begin(
      Experiment experiment, ExperimentRun run, Asker asker, Consumer<Experiment> rule) {
    try {
      check(experiment);
      rule.accept(experiment);
    } catch (RefusedException e) {
      Asker refused =
          new Asker(asker.who(), e.refusal().id() + ": " + e.getMessage(), asker.from());
      book.recordAnyway(run.with(Event.REFUSED, run.paused(), clock.instant(), refused));
      throw e;
    }
    Instant now = clock.instant();
    Instant injects = RunCourse.injects(experiment, now);
    book.record(run.running(injects.plus(experiment.duration()), now, asker));
    ExperimentWatch watch = new ExperimentWatch(experiment, now, injects);
    reports.begin(keyOf(experiment), watch);
    if (experiment.course().steps().isEmpty()) {
      watch.course().moved(now);
    }
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
          texts.state().workload(measurement.getNamespace(), measurement.getWorkload());
      if (workload == null) {
        return true; // It left, or is not known yet: nothing that it says counts.
      }
      String domain = texts.state().mesh().trustDomain();
      // Another replica has checked of whom it passes on.
      if (caller != null
          && !workload.identityIn(domain).equals(caller)
          && !SpiffeId.ofControlPlane(domain).equals(caller)) {
        return false;
      }
      if (!following.acts()) {
        following.replicas().measured(measurement);
        return true;
      }
      String name = workload.meta().namespace() + "/" + workload.meta().name();
      for (Experiment experiment : texts.state().experiments()) {
        @Nullable ExperimentRun run = book.find(keyOf(experiment));
        @Nullable ExperimentWatch watch = reports.watch(keyOf(experiment));
        if (watch == null || run == null || run.paused()) {
          continue;
        }
        switch (run.phase()) {
          case PENDING, PREVIEWED, RECOVERED -> {
            continue;
          }
          case HALTED, COMPLETED -> {
            watch.onLate(name, measurement, clock.instant());
            continue;
          }
          case RUNNING -> {}
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
    return reports.of(key, clock.instant());
  }

  /** What is kept of its runs, the latest first. */
  public synchronized List<JsonObject> reports(String key) {
    find(key);
    return reports.kept(key);
  }

  /**
   * The steps, probes and schedule of one, as far as it has any.
   *
   * @throws RefusedException if there is none of that name
   */
  public synchronized JsonObject course(String key) {
    Experiment experiment = find(key);
    ExperimentRun run = book.of(key);
    @Nullable ExperimentWatch watch = reports.watch(key);
    RunCourse course =
        watch == null ? new RunCourse(experiment, run.times().since()) : watch.course();
    JsonObject json = new JsonObject();
    boolean running = run.phase() == ExperimentPhase.RUNNING;
    json.add("steps", course.steps(running ? clock.instant() : null));
    json.add("probes", course.probesJson());
    @Nullable Schedule schedule = experiment.course().schedule();
    if (schedule != null) {
      json.add("schedule", schedule(schedule, run, schedules.nextOf(key, schedule, run)));
    }
    return json;
  }

  private static JsonObject schedule(Schedule schedule, ExperimentRun run, @Nullable Instant next) {
    JsonObject json = new JsonObject();
    json.addProperty("cron", schedule.times().cron());
    json.addProperty("timeZone", schedule.times().zone().getId());
    json.addProperty("overlap", schedule.overlap().name().toLowerCase(Locale.ROOT));
    json.addProperty("startingDeadline", schedule.startingDeadline().toString());
    json.addProperty("suspended", run.schedule().suspended());
    if (!run.schedule().by().isEmpty()) {
      json.addProperty("by", run.schedule().by());
    }
    json.addProperty("history", schedule.history());
    if (next != null) {
      json.addProperty("next", next.toString());
    }
    return json;
  }

  /** What was measured of the latest run since this process began, or null. */
  synchronized @Nullable ExperimentWatch watch(String key) {
    return reports.watch(key);
  }

  /**
   * Whether it may start now.
   *
   * @throws RefusedException with what is against it
   */
  private void check(Experiment experiment) {
    String key = keyOf(experiment);
    ExperimentRun run = book.of(key);
    switch (run.phase()) {
      case PENDING, PREVIEWED, RECOVERED -> {}
      case RUNNING -> throw new RefusedException(Refusal.PHASE, key + " is running already");
      case HALTED, COMPLETED -> {
        Instant over = run.times().since().plus(run.lease());
        long seconds =
            Math.max(1, Duration.between(clock.instant(), over).plusMillis(999).toSeconds());
        throw new RefusedException(
            Refusal.LEASES,
            "%s has ended, but a proxy that cannot be reached may hold its leases for %d s more;"
                    .formatted(key, seconds)
                + " it can start again from "
                + over);
      }
    }
    book.refuseFresh(key, clock.instant(), texts.state().mesh().chaos().haltCooldown());
    checkLimits(experiment);
  }

  /** Whoever stands for its schedule may have lost the role since, or its faults may reach more. */
  private void checkRights(Experiment experiment) {
    String key = keyOf(experiment);
    String by = book.of(key).schedule().by();
    if (by.isEmpty()) {
      return;
    }
    Set<String> namespaces = new TreeSet<>(reach(experiment));
    namespaces.add(experiment.meta().namespace());
    @Nullable String obstacle = rights.obstacle(by, key, namespaces);
    if (obstacle != null) {
      throw new RefusedException(
          Refusal.ROLE,
          obstacle + "; its schedule begins it in that name until somebody else submits it again");
    }
  }

  private void checkLimits(Experiment experiment) {
    checkCommands(experiment);
    EnvoyFaults.check(texts.state(), experiment, envoys.get());
    StartRules.check(
        texts.state(),
        experiment,
        running().stream().filter(other -> !keyOf(other).equals(keyOf(experiment))).toList());
  }

  private void checkCommands(Experiment experiment) {
    for (Probe probe : experiment.course().probes()) {
      if (probe.question() instanceof Probe.Question.Command && !prober.allowsCommands()) {
        throw new RefusedException(
            Refusal.COMMANDS,
            "the probe "
                + probe.name()
                + " runs a program, which this control plane was not started to allow");
      }
    }
  }

  /** Those that run, paused or not. */
  private List<Experiment> running() {
    return texts.state().experiments().stream().filter(one -> book.isRunning(keyOf(one))).toList();
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
    book.recordAnyway(byHalt ? ended.haltedAt(now) : ended);
    if (reports.watch(run.experiment()) != null) {
      // How it ended is known to whoever comes next, however soon.
      reports.keep(run.experiment(), now);
    }
    return true;
  }

  private void publish() {
    synchronized (this) {
      Instant now = clock.instant();
      faults.replace(texts.state(), following.acts() ? active(now) : followed(now));
    }
    listeners.forEach(Runnable::run);
  }

  private List<PublishedFaults.Active> active(Instant now) {
    List<PublishedFaults.Active> active = new ArrayList<>();
    for (Experiment experiment : running()) {
      ExperimentRun run = runOf(experiment);
      if (!run.paused() && run.endsAt() != null && now.isBefore(run.endsAt())) {
        @Nullable ExperimentWatch watch = reports.watch(keyOf(experiment));
        if (watch != null) {
          List<RunCourse.Acting> acting = watch.course().acting(now, run.endsAt());
          active.add(new PublishedFaults.Active(experiment, run.endsAt(), acting));
        }
      }
    }
    return active;
  }

  private ExperimentRun runOf(Experiment experiment) {
    return book.of(keyOf(experiment));
  }

  private Experiment find(String key) {
    return texts.find(key);
  }
}
