package dev.outrigger.controlplane.schema;

import static dev.outrigger.controlplane.schema.Schema.bytes;
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
import static dev.outrigger.controlplane.schema.Schema.rule;
import static dev.outrigger.controlplane.schema.Schema.service;
import static dev.outrigger.controlplane.schema.Schema.text;
import static dev.outrigger.controlplane.schema.Schema.words;

import dev.outrigger.controlplane.schema.Schema.Field;
import dev.outrigger.controlplane.schema.Schema.Flag;
import dev.outrigger.controlplane.schema.Schema.MapOf;
import dev.outrigger.controlplane.schema.Schema.Mapping;
import dev.outrigger.controlplane.schema.Schema.Rule;
import dev.outrigger.controlplane.schema.Schema.Whole;
import java.util.ArrayList;
import java.util.List;

/** One fault of an experiment: where, whose, how often, and what. */
final class FaultSchemas {
  private FaultSchemas() {}

  static Mapping fault() {
    List<Field> fields = new ArrayList<>();
    fields.add(must("name", "Tells the faults of an experiment apart.", label()));
    fields.add(
        must(
            "where",
            "request: once for each request. attempt: after load balancing, so that retries meet"
                + " it. connection: on bytes and handshakes. inbound: at the receiver. mesh: on"
                + " the mesh itself.",
            choice("request", "attempt", "connection", "inbound", "mesh")));
    fields.add(may("match", "Whose traffic; all unless given.", match()));
    fields.add(may("percentage", "Of what matches; 100% unless given.", percent()));
    fields.add(may("maxActive", "At most so many at a time; 0 is no limit.", whole(0, 1_000_000)));
    fields.add(may("first", "Only the first so many; 0 is no limit.", whole(0, 1_000_000_000)));
    fields.add(
        may(
            "firstAttempts",
            "Only the first so many attempts of each request; needs where: attempt.",
            whole(0, 100)));
    fields.add(may("perTrace", "Whether the dice are cast once for a whole trace.", new Flag()));
    List<Field> kinds = kinds();
    fields.addAll(kinds);
    List<Rule> rules = new ArrayList<>();
    rules.add(oneOf(kinds.stream().map(Field::name).toArray(String[]::new)));
    rules.add(
        rule(
            "!has(self.firstAttempts) || self.firstAttempts == 0 || self.where == 'attempt'",
            "firstAttempts counts attempts: it needs where: attempt"));
    rules.add(
        places(
            "self.where == 'connection'",
            "acts on bytes: it needs where: connection",
            "latency",
            "bandwidth",
            "stall",
            "partition",
            "resetPeer",
            "slowClose",
            "limit",
            "slicer",
            "refuse"));
    rules.add(
        places(
            "self.where in ['connection', 'inbound']",
            "acts on handshakes: it needs where: connection or inbound",
            "certificate",
            "handshake"));
    rules.add(
        places(
            "self.where == 'mesh'",
            "acts on the mesh itself: it needs where: mesh",
            "staleConfiguration",
            "lostStream",
            "failingAuthority"));
    rules.add(
        places(
            "self.where in ['request', 'inbound']",
            "changes what the caller gets: it needs where: request or inbound",
            "throttle",
            "rewrite"));
    rules.add(
        places(
            "self.where in ['request', 'attempt', 'inbound']",
            "acts on requests: it needs where: request, attempt or inbound",
            "delay",
            "abort",
            "reset"));
    return new Mapping(fields, rules);
  }

  private static Rule places(String condition, String message, String... kinds) {
    StringBuilder cel = new StringBuilder();
    for (String kind : kinds) {
      cel.append(cel.isEmpty() ? "!(" : " || ").append("has(self.").append(kind).append(")");
    }
    return rule(
        cel.append(") || ").append(condition).toString(), String.join(", ", kinds) + " " + message);
  }

  private static List<Field> kinds() {
    return List.of(
        may("delay", "A request waits.", spread("fixed")),
        may(
            "abort",
            "A request is answered with an error.",
            mapping(
                List.of(
                    rule(
                        "has(self.httpStatus) || has(self.grpcStatus)",
                        "expected httpStatus, grpcStatus or both")),
                may("httpStatus", "The status; 503 beside grpcStatus.", whole(200, 599)),
                may("grpcStatus", "The status of a gRPC call.", whole(0, 16)))),
        may("reset", "A request's stream or connection is reset.", mapping()),
        may(
            "throttle",
            "A response body comes slowly.",
            mapping(must("rate", "Bytes per second, such as 64Ki.", bytes()))),
        may(
            "rewrite",
            "Headers and status are changed.",
            mapping(
                may("request", "On its way to the application.", edits(false)),
                may("response", "On its way back.", edits(true)))),
        may("latency", "Bytes come late.", withDirection(spread("latency"))),
        may(
            "bandwidth",
            "Bytes come slowly.",
            mapping(must("rate", "Bytes per second, such as 64Ki.", bytes()), direction())),
        may(
            "stall",
            "Nothing comes any more.",
            mapping(
                may("timeout", "Closed after that; 0s, which is never, unless given.", duration()),
                direction())),
        may("partition", "Nothing passes, one way or both.", mapping(direction())),
        may(
            "resetPeer",
            "The connection is reset.",
            mapping(may("after", "At once unless given.", duration()))),
        may(
            "slowClose",
            "The end of a connection comes late.",
            mapping(must("delay", "How late.", duration()), direction())),
        may(
            "limit",
            "The connection is closed after some bytes.",
            mapping(must("bytes", "After how many, such as 64Ki.", bytes()), direction())),
        may(
            "slicer",
            "Bytes come in small pieces.",
            mapping(
                must("averageSize", "Bytes in a piece.", whole(1, 1 << 20)),
                may("sizeVariation", "How far sizes differ; 0 unless given.", whole(0, 1 << 20)),
                may("delay", "Between pieces; 0s unless given.", duration()),
                direction())),
        may("refuse", "Connections are refused.", mapping()),
        may(
            "certificate",
            "A peer shows a certificate with a flaw.",
            mapping(
                must(
                    "flaw",
                    "Which.",
                    choice(
                        "expired",
                        "notYetValid",
                        "wrongName",
                        "wrongTrustDomain",
                        "missingIntermediate",
                        "untrusted")))),
        may("handshake", "The TLS handshake is slow or breaks.", withThen(spread("delay", false))),
        may("staleConfiguration", "A proxy hears of no change.", mapping()),
        may("lostStream", "A proxy loses the control plane.", mapping()),
        may("failingAuthority", "A proxy gets no certificate.", mapping()));
  }

  private static Mapping spread(String middle) {
    return spread(middle, true);
  }

  private static Mapping spread(String middle, boolean required) {
    List<Rule> rules = new ArrayList<>();
    if (required) {
      rules.add(oneOf(middle, "quantiles", "histogram"));
    }
    rules.add(
        rule(
            "has(self." + middle + ") || !has(self.jitter) && !has(self.distribution)",
            "jitter and distribution need " + middle));
    rules.add(
        rule(
            "!has(self.quantiles) || !has(self.jitter) && !has(self.distribution) && !has(self."
                + middle
                + ")",
            middle + ", jitter and distribution cannot stand beside quantiles"));
    rules.add(
        rule(
            "!has(self.histogram) || !has(self.jitter) && !has(self.distribution) &&"
                + " !has(self.quantiles) && !has(self."
                + middle
                + ")",
            middle + ", quantiles, jitter and distribution cannot stand beside histogram"));
    return mapping(
        rules,
        may(middle, "The middle of it; 10m at most.", duration()),
        may("jitter", "How far it differs.", duration()),
        may(
            "distribution",
            "How it differs; uniform unless given.",
            choice("uniform", "normal", "pareto")),
        may(
            "quantiles",
            "A table such as p50: 20ms, p99: 1s, between which it is drawn.",
            new MapOf(
                duration(),
                32,
                List.of(
                    rule(
                        "self.all(q, q.matches(r'^p(100|[0-9]{1,2}(\\.[0-9]{1,4})?)$'))",
                        "expected quantiles such as p50 or p99.9")))),
        may(
            "histogram",
            "A recorded histogram to replay: bounds in seconds with cumulative counts, such as"
                + " \"0.25\": 120, \"+Inf\": 125, as metrics have them.",
            new MapOf(
                whole(0, 999_999_999_999_999L),
                49,
                List.of(
                    rule(
                        "self.all(b, b == '+Inf' || b.matches(r'^[0-9]{1,6}(\\.[0-9]{1,9})?$'))",
                        "expected bounds in seconds such as 0.25, or +Inf")))));
  }

  private static Mapping withDirection(Mapping mapping) {
    return with(mapping, direction());
  }

  private static Mapping withThen(Mapping mapping) {
    return with(
        mapping,
        may(
            "then",
            "What comes after the delay; goOn unless given.",
            choice("goOn", "silence", "reset", "alert")));
  }

  private static Mapping with(Mapping mapping, Field field) {
    List<Field> fields = new ArrayList<>(mapping.fields());
    fields.add(field);
    return new Mapping(fields, mapping.rules());
  }

  private static Field direction() {
    return may(
        "direction",
        "upstream: towards the server. downstream: towards the client. both unless given.",
        choice("both", "upstream", "downstream"));
  }

  private static Mapping edits(boolean response) {
    Mapping edits =
        mapping(
            may("set", "Headers with their values.", labels()),
            may("remove", "Names of headers.", list(words(256), 64)));
    return response ? with(edits, may("status", "The status.", whole(200, 599))) : edits;
  }

  private static Mapping match() {
    return mapping(
        List.of(rule("!has(self.grpc) || !has(self.paths)", "grpc cannot stand beside paths")),
        may(
            "source",
            "Who calls.",
            mapping(
                may("services", "Workloads behind these services.", list(service(), 100)),
                may(
                    "identities",
                    "SPIFFE IDs; one that ends with /* means all below.",
                    list(
                        matching(
                            2048,
                            "^spiffe://.+$",
                            "expected a SPIFFE ID such as spiffe://cluster.local/ns/shop/*"),
                        16)),
                may("labels", "Labels of the workload.", labels()))),
        may(
            "destination",
            "Who is called.",
            mapping(
                may(
                    "services",
                    "Called, or sent to by a route; of connections and inbound the latter.",
                    list(service(), 100)),
                may("labels", "Labels of the workload; needs where: inbound.", labels()))),
        may("routes", "Names of routes.", list(words(512), 100)),
        may(
            "methods",
            "Methods of requests.",
            list(matching(20, "^[A-Z]{1,20}$", "expected a method such as GET"), 20)),
        may("paths", "Paths of requests.", list(string(), 100)),
        may(
            "headers",
            "Headers that requests have.",
            list(
                mapping(
                    List.of(rule("!has(self.type) || has(self.value)", "type needs value")),
                    must("name", "Of the header.", words(256)),
                    may("type", "How it is compared; Exact unless given.", comparison()),
                    may("value", "With what; any value unless given.", text())),
                64)),
        may(
            "grpc",
            "gRPC calls.",
            list(
                mapping(
                    must(
                        "service",
                        "Its full name, such as shop.v1.Catalog.",
                        matching(512, "^[A-Za-z0-9_.]+$", "expected such as shop.v1.Catalog")),
                    may(
                        "method",
                        "One of its methods; all unless given.",
                        matching(256, "^[A-Za-z0-9_]+$", "expected such as GetItem"))),
                64)),
        may("workloads", "The share of workloads, by a choice that stays; 100%.", percent()));
  }

  private static Mapping string() {
    return mapping(
        may("type", "How it is compared; Exact unless given.", comparison()),
        must("value", "With what.", text()));
  }

  private static Schema.Text comparison() {
    return choice("Exact", "Prefix", "RegularExpression");
  }

  private static Whole whole(long min, long max) {
    return new Whole(min, max);
  }
}
