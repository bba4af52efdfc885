package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.chaos.ExperimentRun.Event;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where each experiment stands, and what was halted when. What makes faults act is in the ledger
 * before it counts; what ends them counts at once, and the ledger gets it as soon as it can. Not
 * thread-safe, but for {@link #settle}.
 */
final class RunBook {
  /** The ledger's name of what was done to all at once. */
  private static final String EVERYTHING = "*";

  /** So long an answer may be ahead of what all share. */
  private static final Duration AHEAD = Duration.ofSeconds(10);

  private final ExperimentLedger ledger;
  private final Map<String, ExperimentRun> runs = new TreeMap<>();
  private Replicas replicas = Replicas.NONE;

  /** What the one that leads answered and what all share may not have yet. */
  private final Map<String, Told> told = new TreeMap<>();

  private record Told(ExperimentRun run, Instant at) {}

  /**
   * @param ledger tells where each stood when it was left
   */
  RunBook(ExperimentLedger ledger) {
    this.ledger = ledger;
    for (ExperimentRun entry : ledger.entries()) {
      runs.put(entry.experiment(), entry);
    }
  }

  /** All that have a text, or had one until now. */
  List<ExperimentRun> all() {
    return runs.values().stream()
        .filter(run -> !run.removed() && !run.experiment().equals(EVERYTHING))
        .toList();
  }

  /** Null where none of that name was ever written; one that is removed is here still. */
  @Nullable ExperimentRun find(String key) {
    return runs.get(key);
  }

  /** Of one that is written, or was until now. */
  ExperimentRun of(String key) {
    return Objects.requireNonNull(runs.get(key), key);
  }

  boolean isRunning(String key) {
    @Nullable ExperimentRun run = runs.get(key);
    return run != null && run.phase() == ExperimentPhase.RUNNING;
  }

  /**
   * Writes down what happened, and from then on it is so.
   *
   * @throws UncheckedIOException if the disk refuses; then it did not happen
   */
  void record(ExperimentRun run) {
    boolean faultsAct = run.event() == Event.STARTED || run.event() == Event.RESUMED;
    if (faultsAct) {
      // Whoever leads next must know of it, or nobody would end it.
      Map<String, ExperimentRun> next = new TreeMap<>(runs);
      next.put(run.experiment(), run);
      try {
        replicas.keep(standing(next.values()));
      } catch (UncheckedIOException e) {
        tellAll(); // It may be kept yet, and did not happen.
        throw e;
      }
    }
    try {
      ledger.append(run);
    } catch (UncheckedIOException e) {
      if (faultsAct) {
        tellAll();
      }
      throw e;
    }
    runs.put(run.experiment(), run);
    if (!faultsAct) {
      tellAll();
    }
  }

  /** What ends faults takes effect whether it can be written down or not, and waits for nothing. */
  void recordAnyway(ExperimentRun run) {
    ledger.appendSoon(run);
    runs.put(run.experiment(), run);
    tellAll();
  }

  /** Waits, within bounds, until all that happened is on the disk; whether it is. Thread-safe. */
  boolean settle() {
    return ledger.settle();
  }

  // ---- replicas

  /** From now on others are told where each stands. */
  void share(Replicas others) {
    replicas = others;
  }

  /** Tells them where all stand, whether that is news or not. */
  void tellAll() {
    replicas.keepSoon(standing(runs.values()));
  }

  /** What others have to know: of those that are gone only that they were halted. */
  private static List<ExperimentRun> standing(Collection<ExperimentRun> runs) {
    return runs.stream().filter(run -> !run.removed() || run.times().halted() != null).toList();
  }

  /** Goes by what the one that leads answered, before what all share says so. */
  void told(ExperimentRun run, Instant now) {
    told.put(run.experiment(), new Told(run, now));
    if (!run.equals(runs.put(run.experiment(), run))) {
      ledger.appendSoon(run);
    }
  }

  /** The one that leads answered that it is gone. */
  void toldGone(String key) {
    told.remove(key);
  }

  /** Goes by what another replica has written; tells nobody. */
  void mirror(List<ExperimentRun> standing, Instant now) {
    Map<String, ExperimentRun> next = new TreeMap<>();
    standing.forEach(run -> next.put(run.experiment(), run));
    told.values().removeIf(one -> isPast(one, next.get(one.run().experiment()), now));
    told.values().forEach(one -> next.put(one.run().experiment(), one.run()));
    for (ExperimentRun run : next.values()) {
      if (!run.equals(runs.get(run.experiment()))) {
        ledger.appendSoon(run);
      }
    }
    runs.clear();
    runs.putAll(next);
  }

  /**
   * @param shared null where nothing is
   */
  private static boolean isPast(Told one, @Nullable ExperimentRun shared, Instant now) {
    return shared != null && (shared.equals(one.run()) || shared.at().isAfter(one.run().at()))
        || now.isBefore(one.at())
        || now.isAfter(one.at().plus(AHEAD));
  }

  /** What all share is all there is: this one leads from now on. */
  void forgetTold() {
    told.clear();
  }

  /** Takes one for written that whoever leads has not told of yet. */
  void suppose(ExperimentRun run) {
    runs.putIfAbsent(run.experiment(), run);
  }

  /** What happened, in order, as far back as it is kept. */
  List<ExperimentRun> history() {
    return ledger.entries();
  }

  /** What happened to one. */
  List<ExperimentRun> history(String key) {
    return ledger.entries().stream().filter(entry -> entry.experiment().equals(key)).toList();
  }

  // ---- halts

  void everythingHalted(Instant now, Asker asker) {
    recordAnyway(everything(Event.HALTED, now, now, asker));
  }

  /** Takes all halts back, of everything and of each. What was halted stays so. */
  void lift(Instant now, Asker asker) {
    for (ExperimentRun run : List.copyOf(runs.values())) {
      if (run.times().halted() != null && !run.experiment().equals(EVERYTHING)) {
        record(run.with(Event.LIFTED, run.paused(), now, asker).haltedAt(null));
      }
    }
    record(everything(Event.LIFTED, now, null, asker));
  }

  /** When everything was halted last; null if it never was, or that was lifted. */
  @Nullable Instant everythingHalted() {
    @Nullable ExperimentRun everything = runs.get(EVERYTHING);
    return everything == null ? null : everything.times().halted();
  }

  /**
   * Lets pass what no fresh halt keeps from starting.
   *
   * @param cooldown for how long a halt is fresh
   * @throws RefusedException if one does
   */
  void refuseFresh(String key, Instant now, Duration cooldown) {
    refuseFresh("everything", everythingHalted(), now, cooldown);
    @Nullable ExperimentRun run = runs.get(key);
    refuseFresh(key, run == null ? null : run.times().halted(), now, cooldown);
  }

  private static void refuseFresh(
      String what, @Nullable Instant halted, Instant now, Duration cooldown) {
    if (halted != null && now.isBefore(halted.plus(cooldown))) {
      throw new RefusedException(
          Refusal.HALT,
          "%s was halted at %s; nothing starts before %s unless the halt is lifted"
              .formatted(what, halted, halted.plus(cooldown)));
    }
  }

  private static ExperimentRun everything(
      Event event, Instant now, @Nullable Instant halted, Asker asker) {
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
        false,
        ExperimentRun.Scheduled.NONE);
  }
}
