package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Experiment.Fault;
import dev.outrigger.controlplane.model.Experiment.Start;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.Step;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** Reads an {@code Experiment}. */
final class ExperimentDecoder {
  private static final Duration MAX_DURATION = Duration.ofHours(24);
  private static final Duration MIN_LEASE = Duration.ofSeconds(1);
  private static final Duration MAX_LEASE = Duration.ofMinutes(5);
  private static final int MAX_FAULTS = 100;

  private static final Map<String, Start> STARTS = new LinkedHashMap<>();

  static {
    STARTS.put("manual", Start.MANUAL);
    STARTS.put("immediate", Start.IMMEDIATE);
  }

  private ExperimentDecoder() {}

  static Experiment decode(ObjectMeta meta, Fields spec) {
    String hypothesis = spec.requiredText("hypothesis", "what you expect to hold, in words");
    String owner = spec.requiredText("owner", "who answers for it");
    OptionalLong seed = seed(spec);
    long luck = seed.orElseGet(() -> Experiment.seedOf(meta));
    List<Fault> faults = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Fields fields : spec.requiredObjects("faults", "what goes wrong")) {
      if (faults.size() == MAX_FAULTS) {
        spec.problem(Code.LIMIT, "faults", "more than " + MAX_FAULTS + " faults", "");
        break;
      }
      Fault fault = FaultDecoder.decode(fields, luck);
      if (!fault.name().isEmpty() && !names.add(fault.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the fault name `" + fault.name() + "` is there already", "");
      }
      faults.add(fault);
    }
    List<Step> steps = StepDecoder.steps(spec, faults, MAX_DURATION);
    Duration duration =
        steps.stream().map(Step::until).max(Duration::compareTo).orElse(Duration.ofMinutes(1));
    if (!spec.has("steps")) {
      if (!spec.has("duration")) {
        spec.requiredText("duration", "no experiment goes on for ever");
      }
      duration = within(spec, "duration", duration, Duration.ofMillis(1), MAX_DURATION);
    }
    return new Experiment(
        meta,
        hypothesis,
        owner,
        faults,
        duration,
        within(spec, "lease", Duration.ofSeconds(10), MIN_LEASE, MAX_LEASE),
        seed,
        spec.choice("start", STARTS, Start.MANUAL),
        GuardDecoder.watch(spec),
        new Experiment.Course(
            steps, ProbeDecoder.probes(spec), ScheduleDecoder.decode(spec.object("schedule"))));
  }

  static Duration within(
      Fields fields, String name, Duration otherwise, Duration min, Duration max) {
    if (!fields.has(name)) {
      return otherwise;
    }
    Duration value = fields.duration(name, otherwise);
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      fields.problem(
          Code.BAD_VALUE,
          name,
          "`" + fields.at(name) + "` must be from " + words(min) + " to " + words(max),
          "");
      return otherwise;
    }
    return value;
  }

  private static String words(Duration duration) {
    return duration.toHours() > 0
        ? duration.toHours() + "h"
        : duration.toMinutes() > 0
            ? duration.toMinutes() + "m"
            : duration.toSeconds() > 0 ? duration.toSeconds() + "s" : duration.toMillis() + "ms";
  }

  private static OptionalLong seed(Fields spec) {
    @Nullable Node node = spec.value("seed");
    if (node == null) {
      return OptionalLong.empty();
    }
    if (node instanceof ScalarNode scalar && scalar.getValue().matches("-?[0-9]{1,18}")) {
      return OptionalLong.of(Long.parseLong(scalar.getValue()));
    }
    spec.problem(
        Code.BAD_VALUE,
        "seed",
        "`spec.seed` must be a whole number of at most 18 digits, but is " + Fields.describe(node),
        "");
    return OptionalLong.empty();
  }
}
