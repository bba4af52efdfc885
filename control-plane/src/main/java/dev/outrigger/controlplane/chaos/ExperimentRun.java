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
 * Where an experiment stands, and what brought it there. Each change is one line of the ledger.
 *
 * @param experiment {@code namespace/name}
 * @param fingerprint of what was written; another text is another experiment
 * @param at when this phase began
 * @param endsAt when it ends by itself at the latest; null while it has not run
 * @param lease how long faults outlive the last word from here
 * @param who brought it here
 * @param removed whether its text is gone, so that the same text is new when it comes again
 */
public record ExperimentRun(
    String experiment,
    String fingerprint,
    ExperimentPhase phase,
    Instant at,
    @Nullable Instant endsAt,
    Duration lease,
    String who,
    String why,
    boolean removed) {

  ExperimentRun to(ExperimentPhase next, Instant now, String by, String because) {
    return new ExperimentRun(
        experiment, fingerprint, next, now, endsAt, lease, by, because, removed);
  }

  ExperimentRun until(Instant end) {
    return new ExperimentRun(experiment, fingerprint, phase, at, end, lease, who, why, removed);
  }

  ExperimentRun gone() {
    return new ExperimentRun(experiment, fingerprint, phase, at, endsAt, lease, who, why, true);
  }

  /** One object, for the ledger and for the API. */
  public JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("at", at.toString());
    json.addProperty("experiment", experiment);
    json.addProperty("phase", phase.text());
    json.addProperty("who", who);
    json.addProperty("why", why);
    if (endsAt != null) {
      json.addProperty("endsAt", endsAt.toString());
    }
    json.addProperty("lease", lease.toString());
    json.addProperty("fingerprint", fingerprint);
    json.addProperty("removed", removed);
    return json;
  }

  /**
   * @throws IllegalArgumentException if the line was not written by {@link #toJson}
   */
  static ExperimentRun parse(String line) {
    try {
      JsonObject json = JsonParser.parseString(line).getAsJsonObject();
      return new ExperimentRun(
          json.get("experiment").getAsString(),
          json.get("fingerprint").getAsString(),
          ExperimentPhase.valueOf(json.get("phase").getAsString().toUpperCase(Locale.ROOT)),
          Instant.parse(json.get("at").getAsString()),
          json.has("endsAt") ? Instant.parse(json.get("endsAt").getAsString()) : null,
          Duration.parse(json.get("lease").getAsString()),
          json.get("who").getAsString(),
          json.get("why").getAsString(),
          json.get("removed").getAsBoolean());
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | UnsupportedOperationException
        | DateTimeException e) {
      throw new IllegalArgumentException("not a line of the ledger: " + line, e);
    }
  }
}
