package dev.outrigger.e2e.kubernetes;

import dev.outrigger.e2e.kubernetes.CrdsOnARealServerTest.Document;
import java.util.stream.Stream;

/** What the API server must take. */
final class GoodObjects {
  private static final String EXPERIMENT = "hypothesis: h, owner: us, ";

  private GoodObjects() {}

  static Stream<Document> all() {
    return Stream.of(
        mesh("TrafficPolicy", "{targetRefs: [{name: a}]}"),
        mesh("TrafficPolicy", "{targetRefs: [{group: \"\", kind: Service, name: a, port: 80}]}"),
        policy("loadBalancing: {policy: LeastRequest, choices: 3}"),
        policy(
            "healthCheck: {http: {path: /ok, expectedStatuses: [\"200\", 300-399]}, jitter: 5%}"),
        policy("healthCheck: {tcp: {}, interval: 1m30s}"),
        policy("outlierDetection: {consecutiveErrors: 3, maxEjectionPercent: 12.5%}"),
        policy("circuitBreakers: {maxRequests: 10, retryBudget: {percent: 100%}}"),
        policy("timeouts: {request: 0s, idle: 1h, connect: 100ms}"),
        policy("retries: {attempts: 3, on: [reset, 5xx], codes: [503], backoff: {base: 10ms}}"),
        policy("retries: {attempts: 3, \"on\": [reset, 5xx]}"),
        policy("connectionPool: {minIdle: 2, maxConnectionsPerWorker: 0}"),
        mesh("Workload", "{address: 10.0.0.1, ports: [{port: 80}]}"),
        mesh("Workload", "{addresses: [10.0.0.1, \"fd00::1\"], ports: [{name: http, port: 80}]}"),
        mesh(
            "Workload",
            "{address: 127.0.0.1, ports: [{port: 80, appPort: 81}], sidecar: {mode: explicit,"
                + " outbound: \"[::1]:15001\"}, locality: eu/eu-1, weight: 5, calls: [a, b.c]}"),
        mesh(
            "Workload",
            "{address: 10.0.0.1, ports: [{port: 80}], identity: \"spiffe://d/ns/a/sa/b\"}"),
        mesh("AuthenticationPolicy", "{mtls: {mode: STRICT}}"),
        mesh(
            "AuthenticationPolicy",
            "{selector: {matchLabels: {app: a}}, portMtls: {\"8080\": {mode: PERMISSIVE}}}"),
        mesh("MeshConfig", "{trustDomain: example.org, accessLog: /var/log/a, opaquePorts: [25]}"),
        mesh(
            "MeshConfig",
            "{tracing: {sampling: 0.5%}, chaos: {maxRequestShare: 50%, haltCooldown: 0s}}"),
        experiment("duration: 1m, faults: [{name: a, where: request, delay: {fixed: 1s}}]"),
        experiment(
            "duration: 1m, start: immediate, seed: 7, faults: [{name: a, where: attempt,"
                + " percentage: 10%, firstAttempts: 1, abort: {grpcStatus: 14}}]"),
        experiment(
            "duration: 30s, faults: [{name: a, where: connection, bandwidth: {rate: 1000}},"
                + " {name: b, where: connection, bandwidth: {rate: 64Ki, direction: upstream}}]"),
        experiment(
            "duration: 30s, faults: [{name: a, where: request, match: {source: {services:"
                + " [a.b]}, paths: [{type: Prefix, value: /x}]}, delay: {quantiles: {p50: 1ms,"
                + " p99.9: 1s}}}]"),
        experiment(
            "faults: [{name: a, where: inbound, reset: {}}], steps: [{name: one, faults: [a],"
                + " for: 5s}, {parallel: [{name: two, faults: [a], for: 1s}, {steps: [{name: x,"
                + " for: 1s}]}]}]"),
        experiment(
            "duration: 1m, faults: [{name: a, where: mesh, lostStream: {}}], guards: [{name: g,"
                + " latency: {quantile: p99, max: 1s}}, {name: b, errorBudget: {objective: 99.9%,"
                + " requests: 5000000, spend: 5%}}], proxyGuard: {successRate: 90%}"),
        experiment(
            "duration: 1m, faults: [{name: a, where: inbound, certificate: {flaw: expired}}],"
                + " probes: [{name: p, http: {url: \"http://127.0.0.1:1/x\", status: 200}}, {name:"
                + " q, metric: {url: \"http://127.0.0.1:1/x\", name: up, min: 1}}], schedule:"
                + " {cron: \"0 10 * * 1-5\", timeZone: Europe/Berlin}"),
        new Document("Freeze", yaml("chaos", "Freeze", "{reason: release, owner: us}"), ""));
  }

  private static Document policy(String more) {
    return mesh("TrafficPolicy", "{targetRefs: [{name: a}], " + more + "}");
  }

  private static Document mesh(String kind, String spec) {
    return new Document(kind + " " + spec, yaml("mesh", kind, spec), "");
  }

  private static Document experiment(String spec) {
    return new Document(
        "Experiment " + spec, yaml("chaos", "Experiment", "{" + EXPERIMENT + spec + "}"), "");
  }

  static String yaml(String group, String kind, String spec) {
    return """
    apiVersion: %s.outrigger.dev/v1alpha1
    kind: %s
    metadata: {name: sample}
    spec: %s
    """
        .formatted(group, kind, spec);
  }
}
