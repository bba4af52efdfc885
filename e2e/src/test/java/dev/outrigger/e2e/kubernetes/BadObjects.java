package dev.outrigger.e2e.kubernetes;

import dev.outrigger.e2e.kubernetes.CrdsOnARealServerTest.Document;
import java.util.stream.Stream;

/** What the API server must refuse, each with a part of what it must say. */
final class BadObjects {
  private BadObjects() {}

  static Stream<Document> all() {
    return Stream.of(
        policy("no target", "{}", "spec.targetRefs: Required value"),
        policy("empty targets", "{targetRefs: []}", "spec.targetRefs in body should have at least"),
        policy(
            "balancer",
            "{targetRefs: [{name: a}], loadBalancing: {policy: Fastest}}",
            "supported values: \"RoundRobin\", \"WeightedRoundRobin\", \"Random\", \"LeastRequest\""),
        policy(
            "choices without LeastRequest",
            "{targetRefs: [{name: a}], loadBalancing: {policy: Random, choices: 3}}",
            "choices is only for policy: LeastRequest"),
        policy(
            "duration without unit",
            "{targetRefs: [{name: a}], timeouts: {request: \"5\"}}",
            "expected a duration such as 300ms, 5s or 1m30s"),
        policy(
            "zero duration",
            "{targetRefs: [{name: a}], timeouts: {connect: 0s}}",
            "expected a duration above zero"),
        policy(
            "percentage",
            "{targetRefs: [{name: a}], outlierDetection: {maxEjectionPercent: 120%}}",
            "expected a percentage from 0% to 100%"),
        policy(
            "two probes",
            "{targetRefs: [{name: a}], healthCheck: {http: {}, tcp: {}}}",
            "expected exactly one of http, tcp"),
        policy(
            "backoff",
            "{targetRefs: [{name: a}], retries: {backoff: {max: 1s}}}",
            "max needs base"),
        policy(
            "retries said with and without quotes",
            "{targetRefs: [{name: a}], retries: {on: [safe], \"on\": [5xx]}}",
            "true is what YAML makes of on without quotes"),
        policy(
            "pool",
            "{targetRefs: [{name: a}], connectionPool: {minIdle: 5, maxConnectionsPerWorker: 2}}",
            "minIdle is more than maxConnectionsPerWorker"),
        policy(
            "another kind of target",
            "{targetRefs: [{name: a, kind: Gateway}]}",
            "supported values: \"Service\""),
        policy(
            "unknown field",
            "{targetRefs: [{name: a}], timeout: {request: 5s}}",
            "unknown field \"spec.timeout\""),
        mesh(
            "Workload",
            "name for an address",
            "{address: db.example, ports: [{port: 80}]}",
            "expected an IPv4 or IPv6 address"),
        mesh(
            "Workload",
            "two ways of addresses",
            "{address: 10.0.0.1, addresses: [10.0.0.2], ports: [{port: 80}]}",
            "expected exactly one of address, addresses"),
        mesh(
            "Workload",
            "port out of range",
            "{address: 10.0.0.1, ports: [{port: 70000}]}",
            "should be less than or equal to 65535"),
        mesh(
            "Workload",
            "appPort without an explicit sidecar",
            "{address: 10.0.0.1, ports: [{port: 80, appPort: 8080}]}",
            "appPort differs from port only with sidecar.mode: explicit"),
        mesh(
            "Workload",
            "identity",
            "{address: 10.0.0.1, ports: [{port: 80}], identity: bob}",
            "expected a SPIFFE ID such as"),
        mesh(
            "AuthenticationPolicy",
            "mode",
            "{mtls: {mode: MAYBE}}",
            "supported values: \"STRICT\", \"PERMISSIVE\""),
        mesh(
            "AuthenticationPolicy",
            "port",
            "{portMtls: {http: {mode: STRICT}}}",
            "expected port numbers, such as"),
        mesh(
            "MeshConfig",
            "access log",
            "{accessLog: syslog}",
            "expected stdout, stderr, none or a path"),
        experiment(
            "no end",
            "hypothesis: it holds, owner: us, faults: [{name: a, where: request, reset: {}}]",
            "expected exactly one of duration and steps"),
        experiment(
            "two faults in one",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request, reset:"
                + " {}, delay: {fixed: 1s}}]",
            "expected exactly one of delay, abort, reset"),
        experiment(
            "bytes at a request",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request,"
                + " bandwidth: {rate: 1k}}]",
            "acts on bytes: it needs where: connection"),
        experiment(
            "same name twice",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request, reset:"
                + " {}}, {name: a, where: request, reset: {}}]",
            "the names of faults must differ"),
        experiment(
            "quantile",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request, delay:"
                + " {quantiles: {median: 1s}}}]",
            "expected quantiles such as p50"),
        experiment(
            "guard",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request, reset:"
                + " {}}], guards: [{name: g, service: a, of: affected, successRate: {min: 9%}}]",
            "at a service it cannot be told"),
        experiment(
            "budget",
            "hypothesis: h, owner: us, duration: 1m, faults: [{name: a, where: request, reset:"
                + " {}}], guards: [{name: g, errorBudget: {objective: 99%}}]",
            "objective, requests and spend belong together"),
        chaos("Freeze", "nobody", "{reason: release}", "spec.owner: Required value"));
  }

  private static Document policy(String name, String spec, String message) {
    return mesh("TrafficPolicy", name, spec, message);
  }

  private static Document mesh(String kind, String name, String spec, String message) {
    return new Document(kind + ": " + name, GoodObjects.yaml("mesh", kind, spec), message);
  }

  private static Document experiment(String name, String spec, String message) {
    return chaos("Experiment", name, "{" + spec + "}", message);
  }

  private static Document chaos(String kind, String name, String spec, String message) {
    return new Document(kind + ": " + name, GoodObjects.yaml("chaos", kind, spec), message);
  }
}
