package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.When;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What came of one probe in one run. Not thread-safe.
 *
 * <p>Unasked → (answers) passing or failing; failing for good once more answers were bad than are
 * tolerated.
 */
final class ProbeWatch {
  private final Probe probe;
  private final Map<When, Tally> tallies = new EnumMap<>(When.class);
  private @Nullable Instant asked;
  private boolean outstanding;

  /** How it stands. */
  enum State {
    /** Not asked whenever it should have been, or not to be judged; that is no pass. */
    ABSTAINED,
    PASSED,
    FAILED
  }

  /** Answers of one part of the run. */
  private static final class Tally {
    int passed;
    int failed;
    int abstained;
    String latest = "";
    ProbeOutcome.@Nullable Verdict verdict;
    @Nullable Instant at;
  }

  ProbeWatch(Probe probe) {
    this.probe = probe;
    probe.when().forEach(when -> tallies.put(when, new Tally()));
  }

  Probe probe() {
    return probe;
  }

  /** Whether it is to be asked now; if so, that it is asked is taken as done. */
  boolean due(When part, Instant now) {
    Tally tally = tallies.get(part);
    if (tally == null || outstanding) {
      return false;
    }
    boolean due =
        part == When.DURING
            ? asked == null || tally.at == null || !now.isBefore(asked.plus(probe.every()))
            : tally.verdict == null;
    if (due) {
      asked = now;
      outstanding = true;
    }
    return due;
  }

  /**
   * Takes an answer.
   *
   * @return whether it is other than the one before
   */
  boolean on(When part, ProbeOutcome outcome, Instant now) {
    outstanding = false;
    Tally tally = tallies.get(part);
    if (tally == null) {
      return false;
    }
    switch (outcome.verdict()) {
      case PASSED -> tally.passed++;
      case FAILED -> tally.failed++;
      case ABSTAINED -> tally.abstained++;
    }
    boolean news = tally.verdict != outcome.verdict();
    tally.verdict = outcome.verdict();
    tally.latest = outcome.text();
    tally.at = now;
    return news;
  }

  /** Whether faults may begin to act as far as this probe is concerned. */
  boolean ready() {
    Tally before = tallies.get(When.BEFORE);
    return before == null || before.verdict == ProbeOutcome.Verdict.PASSED;
  }

  /** Whether it was asked and the answer was bad before faults acted. */
  boolean failedBefore() {
    Tally before = tallies.get(When.BEFORE);
    return before != null
        && before.verdict != null
        && before.verdict != ProbeOutcome.Verdict.PASSED;
  }

  /** Whether more answers were bad while faults acted than are tolerated. */
  boolean failedDuring() {
    Tally during = tallies.get(When.DURING);
    return during != null && during.failed > probe.tolerate();
  }

  /** Whether an answer after the run is still to come. */
  boolean awaitsAfter() {
    Tally after = tallies.get(When.AFTER);
    return after != null && after.verdict == null;
  }

  State state() {
    boolean abstained = false;
    for (Map.Entry<When, Tally> entry : tallies.entrySet()) {
      Tally tally = entry.getValue();
      boolean failed =
          switch (entry.getKey()) {
            case BEFORE, AFTER -> tally.failed > 0;
            case DURING -> tally.failed > probe.tolerate();
          };
      if (failed) {
        return State.FAILED;
      }
      abstained |= tally.passed == 0;
    }
    return abstained ? State.ABSTAINED : State.PASSED;
  }

  /** The latest answer of a part, in words; empty if there was none. */
  String latest(When part) {
    Tally tally = tallies.get(part);
    return tally == null ? "" : tally.latest;
  }

  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("name", probe.name());
    json.addProperty("kind", kind(probe));
    json.addProperty("state", state().name().toLowerCase(Locale.ROOT));
    JsonArray parts = new JsonArray();
    tallies.forEach(
        (when, tally) -> {
          JsonObject part = new JsonObject();
          part.addProperty("when", when.name().toLowerCase(Locale.ROOT));
          part.addProperty("passed", tally.passed);
          part.addProperty("failed", tally.failed);
          part.addProperty("abstained", tally.abstained);
          part.addProperty("latest", tally.latest);
          if (tally.at != null) {
            part.addProperty("at", tally.at.toString());
          }
          parts.add(part);
        });
    json.add("parts", parts);
    return json;
  }

  static String kind(Probe probe) {
    return switch (probe.question()) {
      case Probe.Question.Http _ -> "http";
      case Probe.Question.Command _ -> "command";
      case Probe.Question.Metric _ -> "metric";
    };
  }
}
