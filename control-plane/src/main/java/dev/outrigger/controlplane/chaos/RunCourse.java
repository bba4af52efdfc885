package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.When;
import dev.outrigger.controlplane.model.Step;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How one run goes: when its faults begin, which of them act at which time, and what probes said.
 * Not thread-safe.
 */
final class RunCourse {
  private final Experiment experiment;
  private final Instant injects;
  private final List<ProbeWatch> probes;
  private @Nullable List<String> announced;

  /** A fault at some moment: until then it acts, or is only counted. */
  record Acting(Experiment.Fault fault, boolean observeOnly, Instant until) {
    /**
     * One that rests. Proxies measure the edge on, and no request counts as hit: what no fault
     * touched must not make a run pass.
     */
    static Acting resting(Experiment.Fault fault, Instant until) {
      return new Acting(
          new Experiment.Fault(
              fault.name(),
              fault.place(),
              fault.action(),
              fault.match(),
              0,
              fault.maxActive(),
              fault.first(),
              fault.firstAttempts(),
              fault.perTrace()),
          true,
          until);
    }
  }

  RunCourse(Experiment experiment, Instant injects) {
    this.experiment = experiment;
    this.injects = injects;
    this.probes = experiment.course().probes().stream().map(ProbeWatch::new).toList();
  }

  /** When faults may begin: after the baseline, and after probes have had time to answer. */
  static Instant injects(Experiment experiment, Instant started) {
    Duration wait = experiment.watch().baseline();
    for (Probe probe : experiment.course().probes()) {
      if (probe.when().contains(When.BEFORE) && probe.timeout().compareTo(wait) > 0) {
        wait = probe.timeout();
      }
    }
    return started.plus(wait);
  }

  boolean injectsBy(Instant now) {
    return !now.isBefore(injects);
  }

  private List<Step> current(Instant now) {
    Duration in = Duration.between(injects, now);
    return experiment.steps().stream()
        .filter(step -> step.from().compareTo(in) <= 0 && step.until().compareTo(in) > 0)
        .toList();
  }

  /**
   * Each of the experiment's faults now. One that acts ends with the last of the current steps that
   * have it; one that does not is counted, so that what proxies measure has no gaps.
   */
  List<Acting> acting(Instant now, Instant end) {
    List<Step> steps = injectsBy(now) ? current(now) : List.of();
    List<Acting> acting = new ArrayList<>();
    for (Experiment.Fault fault : experiment.faults()) {
      @Nullable Instant until = null;
      for (Step step : steps) {
        Instant over = injects.plus(step.until());
        if (step.faults().contains(fault.name()) && (until == null || over.isAfter(until))) {
          until = over;
        }
      }
      acting.add(
          !injectsBy(now)
              ? new Acting(fault, true, end)
              : until == null
                  ? Acting.resting(fault, end)
                  : new Acting(fault, false, until.isBefore(end) ? until : end));
    }
    return acting;
  }

  /** Whether other steps are current than when this was last asked. */
  boolean moved(Instant now) {
    List<String> names =
        injectsBy(now) ? current(now).stream().map(Step::name).toList() : List.of("baseline");
    boolean moved = !names.equals(announced);
    announced = names;
    return moved;
  }

  /** Which of the steps that are written are current, in words; empty if none are written. */
  String words(Instant now) {
    if (experiment.course().steps().isEmpty() || !injectsBy(now)) {
      return "";
    }
    List<String> names = current(now).stream().map(Step::name).toList();
    return names.isEmpty() ? "a rest between steps" : "step " + String.join(" and ", names);
  }

  List<ProbeWatch> probes() {
    return probes;
  }

  /**
   * The steps that are written, in milliseconds after faults begin to act.
   *
   * @param now null where it does not run
   */
  JsonArray steps(@Nullable Instant now) {
    JsonArray steps = new JsonArray();
    List<Step> current = now == null || !injectsBy(now) ? List.of() : current(now);
    for (Step step : experiment.course().steps()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", step.name());
      one.addProperty("fromMillis", step.from().toMillis());
      one.addProperty("untilMillis", step.until().toMillis());
      JsonArray faults = new JsonArray();
      step.faults().forEach(faults::add);
      one.add("faults", faults);
      one.addProperty("current", current.contains(step));
      steps.add(one);
    }
    return steps;
  }

  JsonArray probesJson() {
    JsonArray list = new JsonArray();
    probes.forEach(probe -> list.add(probe.toJson()));
    return list;
  }
}
