package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Guard;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * Reads what halts an {@code Experiment}: {@code guards}, {@code baseline} and {@code proxyGuard}.
 */
final class GuardDecoder {
  private static final int MAX_GUARDS = 20;
  private static final Duration WINDOW = Duration.ofSeconds(5);
  private static final Duration MAX_WINDOW = Duration.ofMinutes(1);
  private static final Duration BASELINE = Duration.ofSeconds(10);
  private static final Duration MAX_BASELINE = Duration.ofHours(1);
  private static final Duration MAX_LATENCY = Duration.ofHours(1);

  private static final int MAX_REQUESTS = 2_000_000_000;

  private static final Map<String, Guard.Of> OF = new LinkedHashMap<>();

  static {
    OF.put("all", Guard.Of.ALL);
    OF.put("affected", Guard.Of.AFFECTED);
    OF.put("unaffected", Guard.Of.UNAFFECTED);
  }

  private GuardDecoder() {}

  static Experiment.Watch watch(Fields spec) {
    List<Guard> guards = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Fields fields : spec.objects("guards")) {
      if (guards.size() == MAX_GUARDS) {
        spec.problem(Code.LIMIT, "guards", "more than " + MAX_GUARDS + " guards", "");
        break;
      }
      Guard guard = guard(fields);
      if (!guard.name().isEmpty() && !names.add(guard.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the guard name `" + guard.name() + "` is there already", "");
      }
      guards.add(guard);
    }
    boolean relative = guards.stream().anyMatch(Guard::isRelative);
    Duration baseline = spec.duration("baseline", relative ? BASELINE : Duration.ZERO);
    if (baseline.compareTo(MAX_BASELINE) > 0) {
      spec.problem(Code.BAD_VALUE, "baseline", "`spec.baseline` must be at most 1h", "");
    }
    if (relative && baseline.compareTo(Duration.ofSeconds(1)) < 0) {
      spec.problem(
          Code.CONFLICT,
          "baseline",
          "`maxDrop` and `maxIncrease` compare with a baseline, and there is none",
          "write a baseline of 1s at least, or leave it out");
    }
    return new Experiment.Watch(guards, baseline, own(spec.object("proxyGuard")));
  }

  private static Experiment.@Nullable ProxyGuard own(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    if (!fields.has("successRate")) {
      fields.requiredText("successRate", "the least share of requests that succeed");
    }
    Experiment.ProxyGuard guard =
        new Experiment.ProxyGuard(
            (int) Math.round(fields.percent("successRate", 0) * 10_000),
            fields.integer("minRequests", 20, 1, 1_000_000));
    fields.finish();
    return guard;
  }

  private static Guard guard(Fields fields) {
    String name = fields.requiredText("name", "it tells the guards of an experiment apart");
    if (!name.isEmpty() && !Names.isLabel(name)) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`" + fields.at("name") + "` must be lower case letters, digits and dashes",
          "");
    }
    @Nullable Node node = fields.value("service");
    @Nullable ServiceName service =
        node == null
            ? null
            : Names.service(fields, node, fields.at("service"), OptionalInt.empty());
    Guard.Of of = fields.choice("of", OF, Guard.Of.ALL);
    if (service != null && of != Guard.Of.ALL) {
      fields.problem(
          Code.CONFLICT,
          "of",
          "at a service it cannot be told which requests a fault elsewhere touched",
          "remove `of`, or remove `service` to judge the edges of the faults");
    }
    Guard.Bound bound = bound(fields);
    if (bound instanceof Guard.Bound.ErrorBudget && fields.has("window")) {
      fields.problem(
          Code.CONFLICT,
          "window",
          "an error budget is of the whole run, which has no window",
          "remove `window`, or judge a `successRate` over it");
    }
    Duration window = fields.duration("window", WINDOW);
    if (window.compareTo(Duration.ofSeconds(1)) < 0 || window.compareTo(MAX_WINDOW) > 0) {
      fields.problem(
          Code.BAD_VALUE, "window", "`" + fields.at("window") + "` must be from 1s to 1m", "");
      window = WINDOW;
    }
    int least = fields.integer("minRequests", 20, 1, 1_000_000);
    fields.finish();
    return new Guard(name, service, of, bound, window, least);
  }

  private static Guard.Bound bound(Fields fields) {
    @Nullable String kind = fields.oneOf("successRate", "latency", "errorBudget");
    if (kind == null) {
      fields.ignore("successRate", "latency", "errorBudget");
      return new Guard.Bound.MinSuccess(0);
    }
    @Nullable Fields body = fields.object(kind);
    if (body == null) {
      return new Guard.Bound.MinSuccess(0);
    }
    Guard.Bound bound =
        switch (kind) {
          case "latency" -> latency(body);
          case "errorBudget" -> budget(body);
          default -> success(body);
        };
    body.finish();
    return bound;
  }

  /** A number of errors, or a share of those that an objective allows in its period. */
  private static Guard.Bound budget(Fields body) {
    @Nullable String kind = body.oneOf("errors", "objective");
    int errors = body.integer("errors", 0, 0, MAX_REQUESTS);
    double objective = body.percent("objective", 100);
    int requests = body.integer("requests", 1, 1, MAX_REQUESTS);
    double spend = body.percent("spend", 0);
    boolean byObjective = kind != null && kind.equals("objective");
    for (String name : List.of("requests", "spend")) {
      if (byObjective && !body.has(name)) {
        body.requiredText(
            name, "the objective allows errors among so many, and the run may spend a share");
      } else if (!byObjective && body.has(name)) {
        body.problem(
            Code.CONFLICT,
            name,
            "`" + body.at(name) + "` belongs to an `objective`",
            "remove it, or write `objective` in place of `errors`");
      }
    }
    if (!byObjective) {
      return new Guard.Bound.ErrorBudget(errors);
    }
    // Rounded to a millionth of an error first: 100 - 99.9 is a bit less than 0.1.
    double allowed = Math.rint((100 - objective) / 100 * requests * spend / 100 * 1e6) / 1e6;
    return new Guard.Bound.ErrorBudget((long) allowed);
  }

  private static Guard.Bound success(Fields body) {
    @Nullable String kind = body.oneOf("min", "maxDrop");
    return kind == null || kind.equals("min")
        ? new Guard.Bound.MinSuccess(body.percent("min", 0))
        : new Guard.Bound.MaxDrop(body.percent("maxDrop", 100));
  }

  private static Guard.Bound latency(Fields body) {
    double quantile = quantile(body);
    @Nullable String kind = body.oneOf("max", "maxIncrease");
    if (kind == null || kind.equals("max")) {
      Duration max = body.positive("max", Duration.ofSeconds(1));
      if (max.compareTo(MAX_LATENCY) > 0) {
        body.problem(Code.BAD_VALUE, "max", "`" + body.at("max") + "` must be at most 1h", "");
      }
      return new Guard.Bound.MaxLatency(quantile, max);
    }
    String text = body.requiredText("maxIncrease", "such as 50%");
    if (!text.matches("[0-9]{1,6}(\\.[0-9]{1,4})?%")) {
      body.problem(
          Code.BAD_VALUE,
          "maxIncrease",
          "`" + body.at("maxIncrease") + "` must be a percentage, but is `" + text + "`",
          "write it like 50% or 200%");
      return new Guard.Bound.MaxIncrease(quantile, 0);
    }
    return new Guard.Bound.MaxIncrease(
        quantile, Double.parseDouble(text.substring(0, text.length() - 1)));
  }

  private static double quantile(Fields body) {
    String text = body.requiredText("quantile", "such as p99");
    if (text.matches("p[0-9]{1,2}(\\.[0-9]{1,3})?")) {
      double percent = Double.parseDouble(text.substring(1));
      if (percent > 0) {
        return percent / 100;
      }
    }
    if (!text.isEmpty()) {
      body.problem(
          Code.BAD_VALUE,
          "quantile",
          "`" + body.at("quantile") + "` must be a quantile, but is `" + text + "`",
          "write it like p50, p99 or p99.9");
    }
    return 0.5;
  }
}
