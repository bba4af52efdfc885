package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Schedule;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which experiments are due by their schedules. What was dealt with is in the book, so that a
 * restart neither repeats a time nor forgets one that is still within its deadline. Of several
 * times that went by only the latest counts. Not thread-safe.
 */
final class Schedules {
  /** The next time of each, so that it is worked out once and not at each tick. */
  private final Map<String, Next> next = new HashMap<>();

  private record Next(Schedule schedule, Instant handled, @Nullable Instant at) {}

  /** What is to be done about a time that has come. */
  enum What {
    BEGIN,
    /** It runs, and nothing is to be done about that. */
    SKIP,
    /** It runs, and has to stop for this. */
    REPLACE,
    /** Its deadline is over. */
    MISS
  }

  /**
   * @param at the time of the schedule
   */
  record Due(String key, Experiment experiment, Instant at, What what) {}

  /** What is due now, at most one time of each. */
  List<Due> due(Map<String, Experiment> written, RunBook book, Instant now) {
    next.keySet().retainAll(written.keySet());
    List<Due> due = new ArrayList<>();
    written.forEach(
        (key, experiment) -> {
          @Nullable Schedule schedule = experiment.course().schedule();
          @Nullable ExperimentRun run = book.find(key);
          if (schedule != null && run != null && !run.schedule().suspended()) {
            @Nullable Instant at = dueAt(key, schedule, run, now);
            @Nullable What what = at == null ? null : what(schedule, run, at, now);
            if (at != null && what != null) {
              due.add(new Due(key, experiment, at, what));
            }
          }
        });
    return due;
  }

  /** When the schedule begins it next; null if it is suspended, or never. */
  @Nullable Instant nextOf(String key, Schedule schedule, ExperimentRun run) {
    return run.schedule().suspended() ? null : next(key, schedule, run);
  }

  private @Nullable Instant next(String key, Schedule schedule, ExperimentRun run) {
    @Nullable Instant handled = run.schedule().handled();
    Instant from = handled == null ? run.times().since() : handled;
    @Nullable Next known = next.get(key);
    if (known == null || !known.schedule().equals(schedule) || !known.handled().equals(from)) {
      known = new Next(schedule, from, schedule.times().after(from).orElse(null));
      next.put(key, known);
    }
    return known.at();
  }

  private @Nullable Instant dueAt(String key, Schedule schedule, ExperimentRun run, Instant now) {
    @Nullable Instant first = next(key, schedule, run);
    if (first == null || now.isBefore(first)) {
      return null;
    }
    Instant latest = schedule.times().atOrBefore(now).orElse(first);
    return latest.isBefore(first) || latest.isAfter(now) ? first : latest;
  }

  /** Null while it has to wait. */
  private static @Nullable What what(
      Schedule schedule, ExperimentRun run, Instant at, Instant now) {
    boolean late = now.isAfter(at.plus(schedule.startingDeadline()));
    return switch (run.phase()) {
      case PENDING, PREVIEWED, RECOVERED -> late ? What.MISS : What.BEGIN;
      case HALTED, COMPLETED -> late ? What.MISS : null;
      case RUNNING ->
          switch (schedule.overlap()) {
            case SKIP -> What.SKIP;
            case WAIT -> late ? What.MISS : null;
            case REPLACE -> late ? What.MISS : What.REPLACE;
          };
    };
  }
}
