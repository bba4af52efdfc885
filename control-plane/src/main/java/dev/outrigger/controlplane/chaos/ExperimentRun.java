package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where an experiment stands, and what brought it there. Each event is one line of the ledger.
 *
 * @param experiment {@code namespace/name}
 * @param fingerprint of what was written; another text is another experiment
 * @param phase where it stands
 * @param at when this event was
 * @param event what happened
 * @param by who brought it here
 * @param times of its run
 * @param lease how long faults outlive the last word from here
 * @param paused whether it injects nothing for now; its end stays where it is
 * @param removed whether its text is gone, so that the same text is new when it comes again
 * @param schedule where its schedule stands
 */
public record ExperimentRun(
    String experiment,
    String fingerprint,
    ExperimentPhase phase,
    Instant at,
    Event event,
    Asker by,
    Times times,
    Duration lease,
    boolean paused,
    boolean removed,
    Scheduled schedule) {

  /** What can happen to one. */
  public enum Event {
    WRITTEN,
    PREVIEWED,
    STARTED,
    REFUSED,
    PAUSED,
    RESUMED,
    /** By a person, before its time. */
    STOPPED,
    /** By a person with a halt, by a guard, a freeze, a restart, or a change of its text. */
    HALTED,
    COMPLETED,
    RECOVERED,
    REMOVED,
    /** A halt is taken back. */
    LIFTED,
    /** Other faults act from now on. */
    STEPPED,
    /** A probe answered before or after the run, or other than the time before. */
    PROBED,
    /** Its schedule begins nothing for now. */
    SUSPENDED,
    UNSUSPENDED,
    /** A time of its schedule came while it ran. */
    SKIPPED,
    /** A time of its schedule went by without it. */
    MISSED;

    /** As people read it, such as {@code Started}. */
    public String text() {
      return name().charAt(0) + name().substring(1).toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Of the latest run.
   *
   * @param since when the phase began
   * @param started null while it has not run
   * @param ends when it ends by itself at the latest; null while it has not run
   * @param halted when somebody or something halted it last; null if nobody did, or it was lifted
   */
  public record Times(
      Instant since, @Nullable Instant started, @Nullable Instant ends, @Nullable Instant halted) {}

  /**
   * @param handled up to when the times of the schedule are dealt with; null if it has none
   * @param suspended whether it begins nothing
   * @param by in whose name it begins: who submitted it, or let it go on; empty for one that is
   *     written in the folder
   */
  public record Scheduled(@Nullable Instant handled, boolean suspended, String by) {
    /** Of one without a schedule. */
    public static final Scheduled NONE = new Scheduled(null, false, "");

    Scheduled upTo(Instant next) {
      return new Scheduled(next, suspended, by);
    }
  }

  static ExperimentRun written(
      String experiment,
      String fingerprint,
      Duration lease,
      Instant now,
      @Nullable Times before,
      Scheduled schedule,
      Asker asker) {
    return new ExperimentRun(
        experiment,
        fingerprint,
        ExperimentPhase.PENDING,
        now,
        Event.WRITTEN,
        asker,
        new Times(now, null, null, before == null ? null : before.halted()),
        lease,
        false,
        false,
        schedule);
  }

  /** Another phase. */
  ExperimentRun to(ExperimentPhase next, Event what, Instant now, Asker asker) {
    Times later = new Times(now, times.started(), times.ends(), times.halted());
    return new ExperimentRun(
        experiment, fingerprint, next, now, what, asker, later, lease, false, removed, schedule);
  }

  /** Something happened, and the phase is the same. */
  ExperimentRun with(Event what, boolean pausedNow, Instant now, Asker asker) {
    return new ExperimentRun(
        experiment,
        fingerprint,
        phase,
        now,
        what,
        asker,
        times,
        lease,
        pausedNow,
        removed,
        schedule);
  }

  ExperimentRun running(Instant until, Instant now, Asker asker) {
    return new ExperimentRun(
        experiment,
        fingerprint,
        ExperimentPhase.RUNNING,
        now,
        Event.STARTED,
        asker,
        new Times(now, now, until, null),
        lease,
        false,
        removed,
        schedule);
  }

  ExperimentRun haltedAt(@Nullable Instant when) {
    return new ExperimentRun(
        experiment,
        fingerprint,
        phase,
        at,
        event,
        by,
        new Times(times.since(), times.started(), times.ends(), when),
        lease,
        paused,
        removed,
        schedule);
  }

  /** The same with the schedule dealt with up to a time, and suspended or not. */
  ExperimentRun scheduled(Scheduled next) {
    return new ExperimentRun(
        experiment, fingerprint, phase, at, event, by, times, lease, paused, removed, next);
  }

  ExperimentRun gone(Instant now) {
    return new ExperimentRun(
        experiment,
        fingerprint,
        phase,
        now,
        Event.REMOVED,
        Asker.itself("its text was removed"),
        times,
        lease,
        paused,
        true,
        Scheduled.NONE);
  }

  public String who() {
    return by.who();
  }

  public String why() {
    return by.why();
  }

  /** When it ends by itself at the latest; null while it has not run. */
  public @Nullable Instant endsAt() {
    return times.ends();
  }

  /** One object, for the ledger and for the API. */
  public JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("at", at.toString());
    json.addProperty("experiment", experiment);
    json.addProperty("event", event.text());
    json.addProperty("phase", phase.text());
    json.addProperty("since", times.since().toString());
    json.addProperty("who", by.who());
    json.addProperty("why", by.why());
    json.addProperty("from", by.from());
    add(json, "startedAt", times.started());
    add(json, "endsAt", times.ends());
    add(json, "haltedAt", times.halted());
    json.addProperty("lease", lease.toString());
    json.addProperty("fingerprint", fingerprint);
    json.addProperty("paused", paused);
    json.addProperty("removed", removed);
    add(json, "scheduleHandled", schedule.handled());
    if (schedule.suspended()) {
      json.addProperty("suspended", true);
    }
    if (!schedule.by().isEmpty()) {
      json.addProperty("scheduledBy", schedule.by());
    }
    return json;
  }

  private static void add(JsonObject json, String member, @Nullable Instant time) {
    if (time != null) {
      json.addProperty(member, time.toString());
    }
  }

  /**
   * Reads a line; one of a version that knew fewer members too.
   *
   * @throws IllegalArgumentException if the line was not written by {@link #toJson}
   */
  public static ExperimentRun parse(String line) {
    try {
      JsonObject json = JsonParser.parseString(line).getAsJsonObject();
      Instant at = Instant.parse(json.get("at").getAsString());
      Instant since = time(json, "since");
      return new ExperimentRun(
          json.get("experiment").getAsString(),
          json.get("fingerprint").getAsString(),
          ExperimentPhase.valueOf(upper(json, "phase")),
          at,
          json.has("event") ? Event.valueOf(upper(json, "event")) : Event.WRITTEN,
          new Asker(
              json.get("who").getAsString(),
              json.get("why").getAsString(),
              json.has("from") ? json.get("from").getAsString() : ""),
          new Times(
              since == null ? at : since,
              time(json, "startedAt"),
              time(json, "endsAt"),
              time(json, "haltedAt")),
          Duration.parse(json.get("lease").getAsString()),
          json.has("paused") && json.get("paused").getAsBoolean(),
          json.get("removed").getAsBoolean(),
          new Scheduled(
              time(json, "scheduleHandled"),
              json.has("suspended") && json.get("suspended").getAsBoolean(),
              json.has("scheduledBy") ? json.get("scheduledBy").getAsString() : ""));
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | UnsupportedOperationException
        | DateTimeException e) {
      throw new IllegalArgumentException("not a line of the ledger: " + line, e);
    }
  }

  private static String upper(JsonObject json, String member) {
    return json.get(member).getAsString().toUpperCase(Locale.ROOT);
  }

  private static @Nullable Instant time(JsonObject json, String member) {
    return json.has(member) ? Instant.parse(json.get(member).getAsString()) : null;
  }
}
