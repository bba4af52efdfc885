package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Guard;
import dev.outrigger.controlplane.model.Probe;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What is to be said of one run: what was expected, done and measured, and the verdict. Pure. */
final class ExperimentReport {
  /** What the run says of the hypothesis. */
  private enum Verdict {
    /** All guards held while faults hit requests. */
    PASSED,
    /** A guard was breached. */
    FAILED,
    /** There was not enough traffic for some guard, or no request was hit. */
    ABSTAINED,
    /** It was ended early, goes on, or has no guards. */
    INCONCLUSIVE;

    String text() {
      return name().charAt(0) + name().substring(1).toLowerCase(Locale.ROOT);
    }
  }

  private static final String AWAITS_AFTER = "the probes after it have not answered yet";

  /** At which latency is told, for plots. */
  private static final double[] CURVE = {0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999};

  private ExperimentReport() {}

  /**
   * @param state says what is behind which service
   * @param run where it stands
   * @param events of its latest run, in order
   * @param document the experiment as YAML, or null where it is a file of the folder
   */
  static JsonObject of(
      DesiredState state,
      ExperimentWatch watch,
      ExperimentRun run,
      List<ExperimentRun> events,
      @Nullable String document,
      Instant now) {
    Experiment experiment = watch.experiment();
    JsonObject report = new JsonObject();
    report.addProperty("experiment", run.experiment());
    report.addProperty("hypothesis", experiment.hypothesis());
    report.addProperty("owner", experiment.owner());
    report.addProperty("phase", run.phase().text());
    report.addProperty("incomplete", false);
    report.addProperty("madeAt", now.toString());
    report.addProperty("startedAt", watch.started().toString());
    report.addProperty("injectsAt", watch.injects().toString());
    @Nullable Instant end = end(events);
    report.add("endedAt", end == null ? JsonNull.INSTANCE : new JsonPrimitive(end.toString()));
    verdict(report, watch, run, events);
    JsonArray timeline = new JsonArray();
    events.forEach(event -> timeline.add(event.toJson()));
    report.add("timeline", timeline);
    report.add("faults", faults(experiment));
    report.add("guards", guards(watch));
    report.add("steps", watch.course().steps(null));
    report.add("probes", watch.course().probesJson());
    score(report, watch);
    JsonArray findings = new JsonArray();
    ReportFindings.of(watch).forEach(findings::add);
    report.add("findings", findings);
    report.add("baseline", phase(watch.baseline(), watch.started(), watch.injects()));
    Instant until = end == null ? now : end;
    report.add("during", phase(watch.during(), watch.injects(), until));
    JsonArray ejections = new JsonArray();
    watch
        .ejections()
        .forEach(
            (service, counts) -> {
              JsonObject one = new JsonObject();
              one.addProperty("service", service);
              one.addProperty("baseline", counts[0]);
              one.addProperty("during", counts[1]);
              ejections.add(one);
            });
    report.add("ejections", ejections);
    JsonArray edges = new JsonArray();
    for (ExperimentWatch.Edge one : watch.edges().values()) {
      JsonObject edge = phase(one.during(), watch.injects(), until);
      edge.addProperty("edge", one.text());
      edge.addProperty("workload", one.workload());
      edge.addProperty("service", one.service());
      edge.addProperty("inbound", one.inbound());
      edge.add("kinds", FaultClasses.of(experiment, one));
      edge.add("calls", FaultClasses.callers(state, experiment, one));
      edge.add("baseline", traffic(one.baseline().all()));
      edges.add(edge);
    }
    report.add("edges", edges);
    report.addProperty("pointSeconds", watch.step());
    JsonArray points = new JsonArray();
    watch
        .points()
        .forEach(
            (second, both) -> {
              JsonObject point = both(both);
              point.addProperty("second", second);
              points.add(point);
            });
    report.add("points", points);
    report.addProperty("seed", FaultRules.seed(experiment));
    report.addProperty("fingerprint", run.fingerprint());
    if (document != null) {
      report.addProperty("document", document);
    }
    return report;
  }

  /**
   * A report that was kept, by what the ledger tells since: of a run that a control plane began
   * that is no more. What proxies measured after that was heard by nobody.
   */
  static JsonObject resumed(JsonObject kept, ExperimentRun run, List<ExperimentRun> events) {
    JsonObject report = kept.deepCopy();
    report.addProperty("phase", run.phase().text());
    @Nullable Instant end = end(events);
    report.add("endedAt", end == null ? JsonNull.INSTANCE : new JsonPrimitive(end.toString()));
    JsonArray timeline = new JsonArray();
    events.forEach(event -> timeline.add(event.toJson()));
    report.add("timeline", timeline);
    boolean wasRunning = kept.get("phase").getAsString().equals(ExperimentPhase.RUNNING.text());
    if (wasRunning) {
      report.addProperty("incomplete", true);
      String until = "what was measured after " + kept.get("madeAt").getAsString() + " is lost";
      report.addProperty("incompleteBecause", "the control plane ended while it ran; " + until);
      if (!kept.get("verdict").getAsString().equals(Verdict.FAILED.text())) {
        report.addProperty("verdict", Verdict.INCONCLUSIVE.text());
        report.addProperty("reason", "the control plane ended while it ran");
      }
    }
    return report;
  }

  private static @Nullable Instant end(List<ExperimentRun> events) {
    for (ExperimentRun event : events) {
      switch (event.event()) {
        case STOPPED, HALTED, COMPLETED -> {
          return event.at();
        }
        case WRITTEN,
            PREVIEWED,
            STARTED,
            REFUSED,
            PAUSED,
            RESUMED,
            RECOVERED,
            REMOVED,
            LIFTED,
            STEPPED,
            PROBED,
            SUSPENDED,
            UNSUSPENDED,
            SKIPPED,
            MISSED -> {}
      }
    }
    return null;
  }

  private static void verdict(
      JsonObject report, ExperimentWatch watch, ExperimentRun run, List<ExperimentRun> events) {
    Verdict verdict;
    String why;
    @Nullable GuardWatch breached = first(watch, GuardWatch.State.BREACHED);
    @Nullable GuardWatch abstained = first(watch, GuardWatch.State.ABSTAINED);
    List<ProbeWatch> probes = watch.course().probes();
    @Nullable ProbeWatch unready =
        probes.stream().filter(ProbeWatch::failedBefore).findFirst().orElse(null);
    @Nullable ProbeWatch failed = first(probes, ProbeWatch.State.FAILED);
    @Nullable ProbeWatch silent = first(probes, ProbeWatch.State.ABSTAINED);
    GuardWatch.@Nullable Breach breach = breached == null ? null : breached.breach();
    boolean completed =
        events.stream().anyMatch(event -> event.event() == ExperimentRun.Event.COMPLETED);
    if (breach != null) {
      verdict = Verdict.FAILED;
      why = breach.text();
    } else if (!watch.gaveUp().isEmpty()) {
      verdict = Verdict.FAILED;
      why = "the proxy of " + watch.gaveUp().getFirst() + " ended the faults by its own guard";
    } else if (unready != null) {
      verdict = Verdict.INCONCLUSIVE;
      why =
          "the probe %s was not good before any fault acted: %s"
              .formatted(unready.probe().name(), unready.latest(Probe.When.BEFORE));
    } else if (failed != null) {
      verdict = Verdict.FAILED;
      why =
          failed.failedDuring()
              ? "the probe %s failed while faults acted: %s"
                  .formatted(failed.probe().name(), failed.latest(Probe.When.DURING))
              : failedAfter(failed.probe().name(), failed.latest(Probe.When.AFTER));
    } else if (run.phase() == ExperimentPhase.RUNNING) {
      verdict = Verdict.INCONCLUSIVE;
      why = "it is still running";
    } else if (!completed) {
      verdict = Verdict.INCONCLUSIVE;
      why = "it was ended before its time";
    } else if (watch.during().affected().requests() == 0) {
      verdict = Verdict.ABSTAINED;
      why = "no request was hit";
    } else if (abstained != null) {
      verdict = Verdict.ABSTAINED;
      why = "the guard " + abstained.guard().name() + " never saw enough requests";
    } else if (probes.stream().anyMatch(ProbeWatch::awaitsAfter)) {
      verdict = Verdict.INCONCLUSIVE;
      why = AWAITS_AFTER;
    } else if (silent != null) {
      verdict = Verdict.ABSTAINED;
      why = abstained(silent.probe().name());
    } else if (watch.guards().isEmpty() && probes.isEmpty()) {
      verdict = Verdict.INCONCLUSIVE;
      why = "it has no guards and no probes, so nothing was judged";
    } else {
      verdict = Verdict.PASSED;
      why = held(!watch.guards().isEmpty(), !probes.isEmpty());
    }
    report.addProperty("verdict", verdict.text());
    report.addProperty("reason", why);
  }

  private static String held(boolean guards, boolean probes) {
    return !guards
        ? "all probes passed"
        : probes ? "all guards held and all probes passed" : "all guards held";
  }

  private static String abstained(String probe) {
    return "the probe " + probe + " had nothing to judge at some time";
  }

  private static String failedAfter(String probe, String text) {
    return "the probe %s failed after it: %s".formatted(probe, text);
  }

  /** Whether a probe that is asked after a run has not answered, by what was kept of it. */
  static boolean awaitsAfter(JsonObject report, @Nullable String probe) {
    for (JsonElement element : report.getAsJsonArray("probes")) {
      JsonObject one = element.getAsJsonObject();
      if (probe == null || probe.equals(one.get("name").getAsString())) {
        for (JsonElement part : one.getAsJsonArray("parts")) {
          if (isAfter(part.getAsJsonObject()) && answers(part.getAsJsonObject()) == 0) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static boolean isAfter(JsonObject part) {
    return part.get("when").getAsString().equals("after");
  }

  private static int answers(JsonObject part) {
    return part.get("passed").getAsInt()
        + part.get("failed").getAsInt()
        + part.get("abstained").getAsInt();
  }

  /**
   * A report that was kept, with what a probe answered after the run: of a run that a control plane
   * began that is no more.
   */
  static JsonObject answered(JsonObject kept, String probe, ProbeOutcome outcome, Instant now) {
    JsonObject report = kept.deepCopy();
    for (JsonElement element : report.getAsJsonArray("probes")) {
      JsonObject one = element.getAsJsonObject();
      if (probe.equals(one.get("name").getAsString())) {
        answered(one, outcome, now);
      }
    }
    if (outcome.verdict() == ProbeOutcome.Verdict.FAILED) {
      if (!report.get("verdict").getAsString().equals(Verdict.FAILED.text())) {
        report.addProperty("verdict", Verdict.FAILED.text());
        report.addProperty("reason", failedAfter(probe, outcome.text()));
      }
    } else if (report.get("reason").getAsString().equals(AWAITS_AFTER)
        && !awaitsAfter(report, null)) {
      // All else was judged good when that was kept.
      @Nullable String silent = silent(report);
      report.addProperty("verdict", (silent == null ? Verdict.PASSED : Verdict.ABSTAINED).text());
      boolean guards = !report.getAsJsonArray("guards").isEmpty();
      report.addProperty("reason", silent == null ? held(guards, true) : abstained(silent));
    }
    return report;
  }

  private static void answered(JsonObject probe, ProbeOutcome outcome, Instant now) {
    boolean abstained = false;
    for (JsonElement element : probe.getAsJsonArray("parts")) {
      JsonObject part = element.getAsJsonObject();
      if (isAfter(part)) {
        String count = outcome.verdict().name().toLowerCase(Locale.ROOT);
        part.addProperty(count, part.get(count).getAsInt() + 1);
        part.addProperty("latest", outcome.text());
        part.addProperty("at", now.toString());
      }
      abstained |= part.get("passed").getAsInt() == 0;
    }
    ProbeWatch.State state =
        outcome.verdict() == ProbeOutcome.Verdict.FAILED || isState(probe, ProbeWatch.State.FAILED)
            ? ProbeWatch.State.FAILED
            : abstained ? ProbeWatch.State.ABSTAINED : ProbeWatch.State.PASSED;
    probe.addProperty("state", text(state));
  }

  private static @Nullable String silent(JsonObject report) {
    for (JsonElement element : report.getAsJsonArray("probes")) {
      JsonObject probe = element.getAsJsonObject();
      if (isState(probe, ProbeWatch.State.ABSTAINED)) {
        return probe.get("name").getAsString();
      }
    }
    return null;
  }

  private static boolean isState(JsonObject probe, ProbeWatch.State state) {
    return probe.get("state").getAsString().equals(text(state));
  }

  private static String text(ProbeWatch.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  private static @Nullable ProbeWatch first(List<ProbeWatch> probes, ProbeWatch.State state) {
    return probes.stream().filter(probe -> probe.state() == state).findFirst().orElse(null);
  }

  private static @Nullable GuardWatch first(ExperimentWatch watch, GuardWatch.State state) {
    return watch.guards().stream().filter(g -> g.state() == state).findFirst().orElse(null);
  }

  private static JsonArray faults(Experiment experiment) {
    JsonArray faults = new JsonArray();
    for (Experiment.Fault fault : experiment.faults()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", fault.name());
      one.addProperty("where", fault.place().name().toLowerCase(Locale.ROOT));
      one.addProperty("chancePpm", fault.chancePpm());
      one.addProperty("action", fault.action().toString());
      faults.add(one);
    }
    return faults;
  }

  private static JsonArray guards(ExperimentWatch watch) {
    JsonArray guards = new JsonArray();
    for (GuardWatch one : watch.guards()) {
      Guard guard = one.guard();
      JsonObject json = new JsonObject();
      json.addProperty("name", guard.name());
      json.addProperty("at", guard.service() == null ? "faults" : guard.service().toString());
      json.addProperty("of", guard.of().name().toLowerCase(Locale.ROOT));
      json.addProperty("bound", GuardWatch.words(guard.bound()));
      json.addProperty("state", one.state().name().toLowerCase(Locale.ROOT));
      if (!Double.isNaN(one.worst())) {
        json.addProperty("worst", one.worst());
      }
      ExperimentWatch.@Nullable Watched at = watch.watched().get(guard.name());
      if (at != null) {
        json.add("baseline", traffic(at.baseline()));
        json.add("during", traffic(at.during()));
      }
      GuardWatch.@Nullable Breach breach = one.breach();
      if (breach != null) {
        json.addProperty("breach", breach.text());
        json.addProperty("breachedAt", breach.at().toString());
      }
      guards.add(json);
    }
    return guards;
  }

  private static void score(JsonObject report, ExperimentWatch watch) {
    ResilienceScore score = ResilienceScore.of(watch);
    JsonObject json = new JsonObject();
    json.add(
        "value",
        score.value().isEmpty() ? JsonNull.INSTANCE : new JsonPrimitive(score.value().getAsInt()));
    JsonArray parts = new JsonArray();
    for (ResilienceScore.Part part : score.parts()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", part.name());
      one.addProperty("weight", part.weight());
      one.addProperty("share", part.share());
      one.addProperty("text", part.text());
      parts.add(one);
    }
    json.add("parts", parts);
    json.addProperty("formula", ResilienceScore.FORMULA);
    report.add("score", json);
  }

  private static JsonObject phase(ExperimentWatch.Both both, Instant from, Instant to) {
    JsonObject json = both(both);
    double seconds = Math.max(0, Duration.between(from, to).toMillis() / 1000.0);
    json.addProperty("seconds", seconds);
    for (String which : List.of("affected", "unaffected")) {
      JsonObject one = json.getAsJsonObject(which);
      Traffic of = which.equals("affected") ? both.affected() : both.unaffected();
      if (seconds > 0) {
        one.addProperty("perSecond", of.requests() / seconds);
      }
      JsonArray curve = new JsonArray();
      for (double quantile : CURVE) {
        JsonObject point = new JsonObject();
        point.addProperty("quantile", quantile);
        point.addProperty("millis", of.quantile(quantile).toNanos() / 1e6);
        curve.add(point);
      }
      if (of.requests() > 0) {
        one.add("quantiles", curve);
      }
    }
    return json;
  }

  private static JsonObject both(ExperimentWatch.Both both) {
    JsonObject json = new JsonObject();
    json.add("affected", traffic(both.affected()));
    json.add("unaffected", traffic(both.unaffected()));
    return json;
  }

  private static JsonElement traffic(Traffic traffic) {
    JsonObject json = new JsonObject();
    json.addProperty("requests", traffic.requests());
    json.addProperty("errors", traffic.errors());
    json.addProperty("retries", traffic.retries());
    json.addProperty("overflows", traffic.overflows());
    if (traffic.requests() > 0) {
      json.addProperty("successPercent", traffic.successPercent());
      json.addProperty("retriesPerRequest", traffic.retriesPerRequest());
      for (int percent : new int[] {50, 90, 95, 99}) {
        json.addProperty(
            "p" + percent + "Millis", traffic.quantile(percent / 100.0).toNanos() / 1e6);
      }
    }
    return json;
  }
}
