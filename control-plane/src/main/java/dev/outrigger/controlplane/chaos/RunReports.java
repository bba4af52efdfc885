package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is measured of the latest run of each, and what is to be said of it: of one that this
 * process began by what it measured, of an earlier one by what was kept. Not thread-safe.
 */
final class RunReports {
  private static final Duration CHECKPOINT = Duration.ofSeconds(2);

  private final RunBook book;
  private final ExperimentTexts texts;
  private final ReportStore store;
  private final Map<String, ExperimentWatch> watches = new TreeMap<>();

  /** As they were when their latest runs began. */
  private final Map<String, String> documents = new TreeMap<>();

  private @Nullable TestHistory history;
  private final Map<String, Checkpoint> checkpoints = new TreeMap<>();

  /** What was kept when. */
  private record Checkpoint(Instant at, ExperimentPhase phase) {}

  RunReports(RunBook book, ExperimentTexts texts, ReportStore store) {
    this.book = book;
    this.texts = texts;
    this.store = store;
  }

  /** Kept from its first moment on, so that it is not lost with this process. */
  void begin(String key, ExperimentWatch watch) {
    watches.put(key, watch);
    @Nullable String document = texts.document(key);
    if (document == null) {
      documents.remove(key);
    } else {
      documents.put(key, document);
    }
    keep(key, watch.started());
  }

  /** Keeps what is measured of one that is not over, now and then and whenever its phase is new. */
  void checkpoint(String key, Instant now) {
    @Nullable Checkpoint last = checkpoints.get(key);
    if (last == null
        || last.phase() != book.of(key).phase()
        || !now.isBefore(last.at().plus(CHECKPOINT))) {
      keep(key, now);
    }
  }

  /** What was measured of the latest run since this process began, or null. */
  @Nullable ExperimentWatch watch(String key) {
    return watches.get(key);
  }

  /**
   * What is to be said of the latest run.
   *
   * @throws RefusedException if there is none of that name, or it has not run
   */
  JsonObject of(String key, Instant now) {
    @Nullable ExperimentWatch watch = watches.get(key);
    @Nullable JsonObject report = watch == null ? resumed(key) : of(key, watch, now);
    if (report == null) {
      texts.find(key);
      throw new RefusedException(Refusal.PHASE, key + " has not run, so there is no report of it");
    }
    return report;
  }

  /** Tells the history of each run that is over from now on. */
  void tell(TestHistory to) {
    history = to;
  }

  /** On the disk when this returns, if the disk takes it. */
  void keep(String key, Instant now) {
    @Nullable ExperimentWatch watch = watches.get(key);
    @Nullable JsonObject report = watch == null ? resumed(key) : of(key, watch, now);
    if (report != null) {
      keep(key, report, now);
    }
  }

  private void keep(String key, JsonObject report, Instant now) {
    @Nullable ExperimentWatch watch = watches.get(key);
    @Nullable Experiment experiment = watch == null ? texts.experiment(key) : watch.experiment();
    @Nullable Schedule schedule = experiment == null ? null : experiment.course().schedule();
    boolean judged =
        book.of(key).phase() == ExperimentPhase.RECOVERED
            && !ExperimentReport.awaitsAfter(report, null);
    if (history != null && judged) {
      history.on(report);
    }
    store.keep(key, report, schedule == null ? 1 : schedule.history());
    checkpoints.put(key, new Checkpoint(now, book.of(key).phase()));
  }

  /** Whether a probe is to be asked after a run that this process did not begin. */
  boolean awaitsAfter(String key, ExperimentRun run, String probe) {
    @Nullable JsonObject kept = keptOf(key, run);
    return kept != null && ExperimentReport.awaitsAfter(kept, probe);
  }

  /** Keeps what a probe answered after a run that this process did not begin. */
  void answered(String key, ExperimentRun run, String probe, ProbeOutcome outcome, Instant now) {
    @Nullable JsonObject kept = keptOf(key, run);
    if (kept != null) {
      keep(key, ExperimentReport.answered(kept, probe, outcome, now), now);
    }
  }

  private @Nullable JsonObject keptOf(String key, ExperimentRun run) {
    @Nullable JsonObject report = watches.containsKey(key) ? null : resumed(key);
    @Nullable Instant started = run.times().started();
    return report != null
            && started != null
            && started.toString().equals(report.get("startedAt").getAsString())
        ? report
        : null;
  }

  /** What is kept of its runs, the latest first. */
  List<JsonObject> kept(String key) {
    return store.all(key);
  }

  /** What was kept of a run that this process did not begin, with what happened since. */
  private @Nullable JsonObject resumed(String key) {
    @Nullable JsonObject report = store.find(key);
    @Nullable ExperimentRun run = book.find(key);
    if (report == null || run == null || run.times().started() == null) {
      return report;
    }
    Instant started = Instant.parse(report.get("startedAt").getAsString());
    return run.times().started().equals(started)
        ? ExperimentReport.resumed(report, run, since(key, started))
        : report;
  }

  private List<ExperimentRun> since(String key, Instant started) {
    List<ExperimentRun> events = book.history(key);
    int from = events.size();
    while (from > 0 && events.get(from - 1).at().compareTo(started) >= 0) {
      from--;
    }
    return events.subList(from, events.size());
  }

  /** Another replica leads from now on, and measures. */
  void handOver(Instant now) {
    for (String key : List.copyOf(watches.keySet())) {
      if (book.find(key) != null) {
        keep(key, now);
      }
    }
    watches.clear();
    documents.clear();
    checkpoints.clear();
  }

  /** Its text is gone: keeps what was measured until now. */
  void close(String key, Instant now) {
    keep(key, now);
    watches.remove(key);
    documents.remove(key);
    checkpoints.remove(key);
  }

  private JsonObject of(String key, ExperimentWatch watch, Instant now) {
    return ExperimentReport.of(
        texts.state(), watch, book.of(key), since(key, watch.started()), documents.get(key), now);
  }
}
