package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment.Fault;
import dev.outrigger.controlplane.model.Step;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * Reads {@code steps} of an {@code Experiment}: one after the other, unless they are in {@code
 * parallel}; and lays them on one line of time.
 */
final class StepDecoder {
  private static final int MAX_STEPS = 100;
  private static final int MAX_DEPTH = 8;

  private final List<String> faults;
  private final List<Step> steps = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private boolean full;

  private StepDecoder(Collection<Fault> faults) {
    this.faults = faults.stream().map(Fault::name).toList();
  }

  /** Empty where none are written. */
  static List<Step> steps(Fields spec, Collection<Fault> faults, Duration longest) {
    if (!spec.has("steps")) {
      return List.of();
    }
    if (spec.has("duration")) {
      spec.problem(
          Code.CONFLICT,
          "duration",
          "the steps say how long it lasts, and `spec.duration` says so too",
          "remove `duration`");
    }
    StepDecoder decoder = new StepDecoder(faults);
    Duration end = decoder.sequence(spec, Duration.ZERO, 0);
    if (end.compareTo(longest) > 0) {
      spec.problem(
          Code.BAD_VALUE,
          "steps",
          "the steps last longer than " + longest.toHours() + "h in all",
          "");
    }
    for (String fault : decoder.faults) {
      if (decoder.steps.stream().noneMatch(step -> step.faults().contains(fault))) {
        spec.problem(
            Code.CONFLICT,
            "steps",
            "the fault `" + fault + "` is in no step, so it never acts",
            "");
      }
    }
    return decoder.steps;
  }

  private Duration sequence(Fields parent, Duration from, int depth) {
    Duration at = from;
    for (Fields fields : parent.requiredObjects("steps", "what acts after what")) {
      at = one(fields, at, depth);
    }
    return at;
  }

  private Duration parallel(Fields parent, Duration from, int depth) {
    Duration end = from;
    for (Fields fields : parent.objects("parallel")) {
      Duration branch = one(fields, from, depth);
      end = branch.compareTo(end) > 0 ? branch : end;
    }
    return end;
  }

  /** When what is written there is over. */
  private Duration one(Fields fields, Duration from, int depth) {
    Duration start = from.plus(fields.duration("after", Duration.ZERO));
    Duration end;
    if (full || depth > MAX_DEPTH || steps.size() >= MAX_STEPS) {
      if (!full) {
        full = true;
        fields
            .doc()
            .problem(
                Code.LIMIT,
                fields.node(),
                "more than %d steps, or more than %d in one another"
                    .formatted(MAX_STEPS, MAX_DEPTH),
                "");
      }
      return start;
    }
    if (fields.has("parallel") || fields.has("steps")) {
      @Nullable String kind = fields.oneOf("parallel", "steps");
      end =
          "parallel".equals(kind)
              ? parallel(fields, start, depth + 1)
              : "steps".equals(kind) ? sequence(fields, start, depth + 1) : start;
    } else {
      end = start.plus(leaf(fields, start));
    }
    fields.finish();
    return end;
  }

  private Duration leaf(Fields fields, Duration start) {
    String name = fields.requiredText("name", "events tell by it what begins");
    if (!name.isEmpty() && !Names.isLabel(name)) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`" + fields.at("name") + "` must be lower case letters, digits and dashes",
          "");
    } else if (!name.isEmpty() && !names.add(name)) {
      fields.problem(Code.BAD_VALUE, "name", "the step `" + name + "` is there already", "");
    }
    List<String> acting = new ArrayList<>();
    for (Node node : fields.list("faults")) {
      String fault = fields.text(node, fields.at("faults"));
      if (!fault.isEmpty() && !faults.contains(fault)) {
        @Nullable String nearest = Nearest.to(fault, faults);
        fields
            .doc()
            .problem(
                Code.BAD_VALUE,
                node,
                "there is no fault `" + fault + "` in this experiment",
                nearest == null ? "there are " + faults : "did you mean `" + nearest + "`?");
      }
      acting.add(fault);
    }
    if (!fields.has("for")) {
      fields.requiredText("for", "how long the step lasts");
    }
    Duration lasts = fields.positive("for", Duration.ofSeconds(1));
    steps.add(new Step(name, start, start.plus(lasts), acting));
    return lasts;
  }
}
