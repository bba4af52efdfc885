package dev.outrigger.controlplane.schema;

import static dev.outrigger.controlplane.schema.Schema.choice;
import static dev.outrigger.controlplane.schema.Schema.duration;
import static dev.outrigger.controlplane.schema.Schema.label;
import static dev.outrigger.controlplane.schema.Schema.labels;
import static dev.outrigger.controlplane.schema.Schema.list;
import static dev.outrigger.controlplane.schema.Schema.mapping;
import static dev.outrigger.controlplane.schema.Schema.matching;
import static dev.outrigger.controlplane.schema.Schema.may;
import static dev.outrigger.controlplane.schema.Schema.must;
import static dev.outrigger.controlplane.schema.Schema.oneOf;
import static dev.outrigger.controlplane.schema.Schema.percent;
import static dev.outrigger.controlplane.schema.Schema.positive;
import static dev.outrigger.controlplane.schema.Schema.rule;
import static dev.outrigger.controlplane.schema.Schema.service;
import static dev.outrigger.controlplane.schema.Schema.some;
import static dev.outrigger.controlplane.schema.Schema.text;
import static dev.outrigger.controlplane.schema.Schema.words;

import dev.outrigger.controlplane.schema.Schema.Deeper;
import dev.outrigger.controlplane.schema.Schema.Field;
import dev.outrigger.controlplane.schema.Schema.Flag;
import dev.outrigger.controlplane.schema.Schema.Mapping;
import dev.outrigger.controlplane.schema.Schema.Whole;
import dev.outrigger.controlplane.schema.Schema.WholeOrText;
import java.util.ArrayList;
import java.util.List;

/** The fields of {@code chaos.outrigger.dev}; the faults themselves are in {@link FaultSchemas}. */
final class ChaosSchemas {
  private static final int MANY = 1_000_000;

  private ChaosSchemas() {}

  static Mapping freeze() {
    return mapping(
        must("reason", "Why nothing may start.", words(1024)),
        must("owner", "Who lifts it.", words(256)),
        may("halt", "Whether what runs is halted too; false unless given.", new Flag()),
        may("namespaces", "Only there; everywhere unless given.", list(label(), 1000)));
  }

  static Mapping experiment() {
    return mapping(
        List.of(
            rule(
                "has(self.duration) != has(self.steps)",
                "expected exactly one of duration and steps: no experiment goes on for ever"),
            rule(
                "self.faults.all(a, self.faults.exists_one(b, a.name == b.name))",
                "the names of faults must differ")),
        must("hypothesis", "What you expect to hold, in words.", words(2048)),
        must("owner", "Who answers for it.", words(256)),
        must("faults", "What goes wrong.", some(FaultSchemas.fault(), 100)),
        may("duration", "How long it runs, 24h at most; or write steps.", duration()),
        may(
            "lease",
            "How long a proxy honours a fault without hearing of it again, from 1s to 5m; 10s"
                + " unless given.",
            duration()),
        may(
            "seed",
            "Makes the choice of requests repeatable; of the name unless given.",
            new Whole(-999_999_999_999_999_999L, 999_999_999_999_999_999L)),
        may(
            "start",
            "manual: by `outrigger experiment run`. immediate: when the object appears. manual"
                + " unless given.",
            choice("manual", "immediate")),
        may("guards", "Bounds on what the proxies measure; a breach halts it.", list(guard(), 20)),
        may(
            "baseline",
            "How long is measured before the first fault; 1h at most. 10s where a guard compares.",
            duration()),
        may(
            "proxyGuard",
            "What each proxy checks by itself, without the control plane.",
            mapping(
                must("successRate", "The least share of requests that succeed.", percent()),
                may("minRequests", "Before that it does not judge; 20 unless given.", count()))),
        may("steps", "What acts after what; or write duration.", some(step(true), 100)),
        may("probes", "Questions whose answers halt or fail it.", list(probe(), 20)),
        may("schedule", "Starts it again and again.", schedule()));
  }

  private static Mapping guard() {
    return mapping(
        List.of(
            oneOf("successRate", "latency", "errorBudget"),
            rule(
                "!has(self.errorBudget) || !has(self.window)",
                "an error budget is of the whole run, which has no window: remove window"),
            rule(
                "!has(self.service) || !has(self.of) || self.of == 'all'",
                "at a service it cannot be told which requests a fault elsewhere touched: remove"
                    + " of, or service")),
        must("name", "Tells the guards of an experiment apart.", label()),
        may("service", "Judge this service; the edges of the faults unless given.", service()),
        may(
            "of",
            "Which requests are judged; all unless given.",
            choice("all", "affected", "unaffected")),
        may(
            "successRate",
            "Of requests that succeed.",
            mapping(
                List.of(oneOf("min", "maxDrop")),
                may("min", "The least share.", percent()),
                may("maxDrop", "How far below the baseline, in points.", percent()))),
        may(
            "latency",
            "Of requests.",
            mapping(
                List.of(oneOf("max", "maxIncrease")),
                must(
                    "quantile",
                    "Such as p99.",
                    matching(
                        7, "^p[0-9]{1,2}(\\.[0-9]{1,3})?$", "expected a quantile such as p99.9")),
                may("max", "The longest; 1h at most.", positive()),
                may(
                    "maxIncrease",
                    "How far above the baseline, such as 50%.",
                    matching(
                        12,
                        "^[0-9]{1,6}(\\.[0-9]{1,4})?%$",
                        "expected a percentage such as 50% or 200%")))),
        may(
            "errorBudget",
            "Of failed requests in the whole run.",
            mapping(
                List.of(
                    oneOf("errors", "objective"),
                    rule(
                        "has(self.objective) == has(self.requests) && has(self.objective) =="
                            + " has(self.spend)",
                        "objective, requests and spend belong together")),
                may("errors", "How many the run may cost.", new Whole(0, 2_000_000_000)),
                may("objective", "What share of requests is to succeed, such as 99.9%.", percent()),
                may(
                    "requests",
                    "How many requests come in the objective's period, such as a month.",
                    new Whole(1, 2_000_000_000)),
                may("spend", "What share of the period's budget the run may cost.", percent()))),
        may("window", "Over which it is judged, from 1s to 1m; 5s unless given.", duration()),
        may("minRequests", "Before that it does not judge; 20 unless given.", count()));
  }

  /**
   * A structural schema cannot contain itself: steps in steps are told once more, without rules,
   * whose cost would multiply, and what is deeper is left to the control plane.
   */
  private static Mapping step(boolean top) {
    List<Field> fields = new ArrayList<>();
    fields.add(may("after", "How long is waited before it begins.", duration()));
    fields.add(may("name", "Events tell by it what begins.", label()));
    fields.add(may("faults", "Names of the faults that act.", list(label().withoutRules(), 100)));
    fields.add(may("for", "How long it lasts.", positive()));
    Schema inner = top ? step(false).withoutRules() : new Deeper();
    fields.add(may("parallel", "Steps that begin together.", list(inner, 100)));
    fields.add(may("steps", "Steps one after the other.", list(inner, 100)));
    return new Mapping(
        fields,
        List.of(
            rule(
                "[has(self.parallel), has(self.steps), has(self.__for__)].filter(x, x).size() == 1",
                "expected exactly one of for, parallel, steps"),
            rule("!has(self.__for__) || has(self.name)", "a step needs a name")));
  }

  private static Mapping probe() {
    return mapping(
        List.of(oneOf("http", "command", "metric")),
        must("name", "Tells the probes of an experiment apart.", label()),
        may(
            "when",
            "before, during or after the faults; always unless given.",
            some(choice("before", "during", "after"), 3)),
        may("every", "From 1s to 1h; 5s unless given.", duration()),
        may("timeout", "For an answer, from 10ms to 30s; 1s unless given.", duration()),
        may("tolerate", "So many failures are let pass; 0 unless given.", new Whole(0, MANY)),
        may("halt", "Whether a failure halts the experiment; true unless given.", new Flag()),
        may(
            "http",
            "A request of the control plane.",
            mapping(
                must("url", "Such as http://127.0.0.1:8080/health.", url()),
                may(
                    "method",
                    "GET unless given.",
                    matching(10, "^[A-Z]{3,10}$", "expected a method such as GET")),
                may("headers", "Of the request.", labels()),
                may(
                    "status",
                    "A status or a range of them; 200-299 unless given.",
                    new WholeOrText(
                        List.of(
                            rule(
                                "type(self) == int ? self >= 100 && self <= 599 :"
                                    + " self.matches(r'^[1-5][0-9]{2}(-[1-5][0-9]{2})?$')",
                                "expected a status or a range, such as 200 or 200-299")))),
                may("contains", "What the body must contain.", text()))),
        may(
            "command",
            "A program beside the control plane, where probes may run any.",
            mapping(
                must("run", "The program and its arguments.", some(text(), 100)),
                may("exitCode", "0 unless given.", new Whole(0, 255)),
                may("contains", "What it must print.", text()))),
        may(
            "metric",
            "A series of a Prometheus page.",
            mapping(
                List.of(rule("has(self.min) || has(self.max)", "expected min, max or both")),
                must("url", "Of the page.", url()),
                must("name", "Of the series.", words(256)),
                may("labels", "Which the series has.", labels()),
                may("min", "The least good value.", new Schema.Decimal()),
                may("max", "The greatest good value.", new Schema.Decimal()))));
  }

  private static Mapping schedule() {
    return mapping(
        must(
            "cron",
            "Minute, hour, day of month, month and day of week, such as \"0 10 * * 1-5\".",
            words(200)),
        may("timeZone", "Such as Europe/Berlin; UTC unless given.", words(64)),
        may(
            "overlap",
            "What happens while the last run goes on; skip unless given.",
            choice("skip", "wait", "replace")),
        may(
            "startingDeadline",
            "A start that is later is left out, from 1s to 24h; 1m unless given.",
            duration()),
        may("suspended", "Whether it is held back; false unless given.", new Flag()),
        may("history", "How many runs are kept; 10 unless given.", new Whole(1, 100)));
  }

  private static Whole count() {
    return new Whole(1, MANY);
  }

  private static Schema.Text url() {
    return matching(
        2048, "^https?://[^/@]+(/.*)?$", "expected an http or https URL with a host and no user");
  }
}
