package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Guard;
import dev.outrigger.controlplane.model.Probe;
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

  private ExperimentReport() {}

  /**
   * @param run where it stands
   * @param events of its latest run, in order
   * @param document the experiment as YAML, or null where it is a file of the folder
   */
  static JsonObject of(
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
    report.add("baseline", both(watch.baseline()));
    report.add("during", both(watch.during()));
    JsonArray edges = new JsonArray();
    watch
        .edges()
        .forEach(
            (where, both) -> {
              JsonObject edge = both(both);
              edge.addProperty("edge", where);
              edges.add(edge);
            });
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
              : "the probe %s failed after it: %s"
                  .formatted(failed.probe().name(), failed.latest(Probe.When.AFTER));
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
      why = "the probes after it have not answered yet";
    } else if (silent != null) {
      verdict = Verdict.ABSTAINED;
      why = "the probe " + silent.probe().name() + " had nothing to judge at some time";
    } else if (watch.guards().isEmpty() && probes.isEmpty()) {
      verdict = Verdict.INCONCLUSIVE;
      why = "it has no guards and no probes, so nothing was judged";
    } else {
      verdict = Verdict.PASSED;
      why =
          watch.guards().isEmpty()
              ? "all probes passed"
              : probes.isEmpty() ? "all guards held" : "all guards held and all probes passed";
    }
    report.addProperty("verdict", verdict.text());
    report.addProperty("reason", why);
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
      GuardWatch.@Nullable Breach breach = one.breach();
      if (breach != null) {
        json.addProperty("breach", breach.text());
        json.addProperty("breachedAt", breach.at().toString());
      }
      guards.add(json);
    }
    return guards;
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
    if (traffic.requests() > 0) {
      json.addProperty("successPercent", traffic.successPercent());
      for (int percent : new int[] {50, 90, 95, 99}) {
        json.addProperty(
            "p" + percent + "Millis", traffic.quantile(percent / 100.0).toNanos() / 1e6);
      }
    }
    return json;
  }
}
