package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.model.Schedule;
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
  private final RunBook book;
  private final ExperimentTexts texts;
  private final ReportStore store;
  private final Map<String, ExperimentWatch> watches = new TreeMap<>();

  RunReports(RunBook book, ExperimentTexts texts, ReportStore store) {
    this.book = book;
    this.texts = texts;
    this.store = store;
  }

  void begin(String key, ExperimentWatch watch) {
    watches.put(key, watch);
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
    @Nullable JsonObject report = watch == null ? store.find(key) : of(key, watch, now);
    if (report == null) {
      texts.find(key);
      throw new RefusedException(Refusal.PHASE, key + " has not run, so there is no report of it");
    }
    return report;
  }

  /** On the disk when this returns, if the disk takes it. */
  void keep(String key, Instant now) {
    @Nullable ExperimentWatch watch = watches.get(key);
    if (watch != null) {
      @Nullable Schedule schedule = watch.experiment().course().schedule();
      store.keep(key, of(key, watch, now), schedule == null ? 1 : schedule.history());
    }
  }

  /** What is kept of its runs, the latest first. */
  List<JsonObject> kept(String key) {
    return store.all(key);
  }

  /** Its text is gone: keeps what was measured until now. */
  void close(String key, Instant now) {
    keep(key, now);
    watches.remove(key);
  }

  private JsonObject of(String key, ExperimentWatch watch, Instant now) {
    List<ExperimentRun> events = book.history(key);
    int from = events.size();
    while (from > 0 && events.get(from - 1).at().compareTo(watch.started()) >= 0) {
      from--;
    }
    return ExperimentReport.of(
        watch, book.of(key), events.subList(from, events.size()), texts.document(key), now);
  }
}
