package dev.outrigger.controlplane.schema;

import static dev.outrigger.controlplane.schema.Schema.address;
import static dev.outrigger.controlplane.schema.Schema.choice;
import static dev.outrigger.controlplane.schema.Schema.duration;
import static dev.outrigger.controlplane.schema.Schema.hostPort;
import static dev.outrigger.controlplane.schema.Schema.label;
import static dev.outrigger.controlplane.schema.Schema.labels;
import static dev.outrigger.controlplane.schema.Schema.list;
import static dev.outrigger.controlplane.schema.Schema.mapping;
import static dev.outrigger.controlplane.schema.Schema.matching;
import static dev.outrigger.controlplane.schema.Schema.may;
import static dev.outrigger.controlplane.schema.Schema.must;
import static dev.outrigger.controlplane.schema.Schema.oneOf;
import static dev.outrigger.controlplane.schema.Schema.percent;
import static dev.outrigger.controlplane.schema.Schema.port;
import static dev.outrigger.controlplane.schema.Schema.positive;
import static dev.outrigger.controlplane.schema.Schema.rule;
import static dev.outrigger.controlplane.schema.Schema.service;
import static dev.outrigger.controlplane.schema.Schema.some;
import static dev.outrigger.controlplane.schema.Schema.text;
import static dev.outrigger.controlplane.schema.Schema.words;

import dev.outrigger.controlplane.schema.Schema.Flag;
import dev.outrigger.controlplane.schema.Schema.MapOf;
import dev.outrigger.controlplane.schema.Schema.Mapping;
import dev.outrigger.controlplane.schema.Schema.Whole;
import java.util.List;

/** The fields of {@code mesh.outrigger.dev}: what {@code spec} may hold. */
final class MeshSchemas {
  private static final int MANY = 1_000_000;
  private static final int INT = Integer.MAX_VALUE;

  private MeshSchemas() {}

  static Mapping workload() {
    return mapping(
        List.of(
            oneOf("address", "addresses"),
            rule(
                "has(self.sidecar) && has(self.sidecar.mode) && self.sidecar.mode == 'explicit'"
                    + " || !self.ports.exists(p, has(p.appPort) && p.appPort != p.port)",
                "appPort differs from port only with sidecar.mode: explicit")),
        may("address", "Where peers reach it, if it has one address.", address()),
        may("addresses", "Where peers reach it: IPv4 and IPv6 addresses.", some(address(), 16)),
        must(
            "ports",
            "Where peers reach it.",
            some(
                mapping(
                    may("name", "Services name it as their targetPort.", label()),
                    must("port", "Where peers reach it.", port()),
                    may(
                        "appPort",
                        "Where the application listens, beside an explicit sidecar; the same as"
                            + " port unless given.",
                        port()),
                    may(
                        "appProtocol",
                        "What is spoken: http, http2, grpc, tls or tcp. Found out from the first"
                            + " bytes where it is not given.",
                        new Schema.Text(List.of(), 64, List.of()))),
                100)),
        may(
            "serviceAccount",
            "The account that it runs under; its identity is made of it. default unless given.",
            words(253)),
        may(
            "identity",
            "Its SPIFFE ID, where it is not the one of its service account.",
            matching(
                2048,
                "^spiffe://[^/]+/.+$",
                "expected a SPIFFE ID such as spiffe://cluster.local/ns/shop/sa/catalog")),
        may(
            "locality",
            "Where it runs: region/zone/sub-zone, from the left as far as it is known.",
            matching(
                200,
                "^[^/]+(/[^/]*){0,2}$",
                "expected a region, its zone and its sub-zone, such as eu-west-1/eu-west-1a")),
        may("weight", "Its share of the traffic among its peers; 1 unless given.", whole(1, 10000)),
        may("sidecar", "How its proxy gets at the traffic.", sidecar()),
        may(
            "calls",
            "The services that it calls, so that its proxy hears of no others; all unless given.",
            list(service(), 1000)));
  }

  private static Mapping sidecar() {
    return mapping(
        List.of(
            rule(
                "has(self.mode) && self.mode == 'explicit' || !has(self.appAddress) &&"
                    + " !has(self.outbound) && !has(self.outboundTcp)",
                "appAddress, outbound and outboundTcp are only for mode: explicit")),
        may(
            "mode",
            "transparent: the kernel redirects connections to the proxy. explicit: the proxy"
                + " listens on ports of its own. none: there is no proxy. transparent unless"
                + " given.",
            choice("transparent", "explicit", "none")),
        may(
            "appAddress",
            "Where the application listens; 127.0.0.1 unless given. Only for mode: explicit.",
            address()),
        may(
            "outbound",
            "Where the proxy takes HTTP requests, which are routed by their Host. Only for mode:"
                + " explicit.",
            hostPort()),
        may(
            "outboundTcp",
            "Where the proxy takes connections to one service each. Only for mode: explicit.",
            list(
                mapping(
                    must("service", "The service that is called.", service()),
                    must("port", "The port of the service.", port()),
                    must("listen", "Where the proxy takes the connections.", hostPort())),
                100)));
  }

  static Mapping trafficPolicy() {
    return mapping(
        must(
            "targetRefs",
            "The services of the same namespace that it is about. One for a port wins over one"
                + " for the whole service.",
            some(
                mapping(
                    may("group", "The core group, which is empty.", choice("", "core")),
                    may("kind", "Service.", choice("Service")),
                    must("name", "The name of a service.", label()),
                    may("namespace", "The policy's own namespace.", label()),
                    may("port", "Only this port of the service.", port())),
                16)),
        may(
            "loadBalancing",
            "How an endpoint is chosen; weights are respected in any case.",
            mapping(
                List.of(
                    rule(
                        "!has(self.choices) || self.policy == 'LeastRequest'",
                        "choices is only for policy: LeastRequest")),
                must(
                    "policy",
                    "The way of choosing.",
                    choice("RoundRobin", "WeightedRoundRobin", "Random", "LeastRequest")),
                may(
                    "choices",
                    "How many endpoints LeastRequest compares; 2 unless given.",
                    whole(2, 100)))),
        may("healthCheck", "Active probing of every endpoint.", healthCheck()),
        may(
            "outlierDetection",
            "Endpoints that fail are left out for a while.",
            mapping(
                may(
                    "consecutiveErrors",
                    "So many failures in a row eject an endpoint; 5 unless given.",
                    whole(1, 10000)),
                may(
                    "baseEjectionTime",
                    "The first ejection; it grows with each. 30s unless given.",
                    positive()),
                may("maxEjectionTime", "The longest ejection; 300s unless given.", positive()),
                may(
                    "maxEjectionPercent",
                    "At most this share of the endpoints is ejected, but always one may be; 50%"
                        + " unless given.",
                    percent()))),
        may(
            "circuitBreakers",
            "Bounds on what one proxy sends to the service at a time.",
            mapping(
                may("maxConnections", "Connections.", whole(1, INT)),
                may("maxPendingRequests", "Requests that wait for a connection.", whole(0, INT)),
                may("maxRequests", "Requests at a time.", whole(1, INT)),
                may(
                    "retryBudget",
                    "Bounds retries by what is under way.",
                    mapping(
                        may("percent", "Of the active requests; 20% unless given.", percent()),
                        may(
                            "minConcurrency",
                            "So many retries are always allowed; 3 unless given.",
                            whole(0, MANY)))))),
        may(
            "timeouts",
            "How long is waited. 0s is no limit.",
            mapping(
                may("request", "For the whole request with all its retries.", duration()),
                may("backendRequest", "For each attempt.", duration()),
                may("connect", "For a connection; 5s unless given.", positive()),
                may("idle", "Until a stream without a byte is given up.", duration()))),
        may("retries", "What is tried again.", retries()),
        may(
            "connectionPool",
            "Connections that each worker of a proxy keeps for each endpoint.",
            mapping(
                List.of(
                    rule(
                        "!has(self.minIdle) || !has(self.maxConnectionsPerWorker) ||"
                            + " self.maxConnectionsPerWorker == 0 || self.minIdle <="
                            + " self.maxConnectionsPerWorker",
                        "minIdle is more than maxConnectionsPerWorker")),
                may("minIdle", "Opened ahead; 0 unless given.", whole(0, 1000)),
                may("maxConnectionsPerWorker", "At most so many; 0 is no limit.", whole(0, 65535)),
                may("idleTimeout", "When one that is not used is closed.", duration()),
                may("maxAge", "When one is closed in any case.", positive()),
                may(
                    "maxRequestsPerConnection",
                    "After so many requests a connection is closed; 0 is no limit.",
                    whole(0, INT)))));
  }

  private static Mapping healthCheck() {
    return mapping(
        List.of(oneOf("http", "tcp")),
        may(
            "http",
            "A request, which must be answered.",
            mapping(
                may(
                    "path",
                    "Begins with a slash; / unless given.",
                    matching(2048, "^/", "expected a path, which begins with a slash")),
                may("host", "The Host header; the service's name unless given.", text()),
                may(
                    "expectedStatuses",
                    "Statuses and ranges of them; 200-299 unless given.",
                    list(
                        matching(
                            7,
                            "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$",
                            "expected a status or a range, such as 200 or 300-399"),
                        100)))),
        may("tcp", "A connection, which must be taken.", mapping()),
        may("interval", "From one probe to the next; 10s unless given.", positive()),
        may("timeout", "How long an answer may take; 1s unless given.", positive()),
        may(
            "unhealthyThreshold",
            "So many failures in a row make it unhealthy; 3 unless given.",
            whole(1, 100)),
        may(
            "healthyThreshold",
            "So many successes in a row make it healthy; 1 unless given.",
            whole(1, 100)),
        may("jitter", "A random part of the interval; 10% unless given.", percent()));
  }

  private static Mapping retries() {
    Schema on =
        list(
            choice(
                "safe",
                "connect-failure",
                "refused-stream",
                "reset-before-request",
                "reset",
                "gateway-error",
                "5xx",
                "retriable-4xx"),
            8);
    return mapping(
        List.of(
            rule(
                "!(has(self.on) && has(self.__true__))",
                "true is what YAML makes of on without quotes, and on is there too; keep one")),
        may("attempts", "So many more attempts; 2 unless given.", whole(0, 100)),
        may(
            "on",
            "What is tried again; safe unless given, which is what cannot have had an effect.",
            on),
        may(
            "true",
            "What YAML 1.1, and so kubectl and Helm, make of on without quotes; the same as on.",
            on),
        may("codes", "Statuses that are tried again.", list(whole(400, 599), 100)),
        may(
            "backoff",
            "How long is waited before the next attempt.",
            mapping(
                List.of(rule("!has(self.max) || has(self.base)", "max needs base")),
                may(
                    "base",
                    "Before the first; it doubles with each. 25ms unless given.",
                    positive()),
                may("max", "The longest; ten times base unless given.", positive()))));
  }

  static Mapping authenticationPolicy() {
    return mapping(
        may(
            "selector",
            "The workloads of the namespace that it is about; all unless given.",
            mapping(may("matchLabels", "Labels that they have.", labels()))),
        may("mtls", "Whether callers must prove who they are.", mtls(true)),
        may(
            "portMtls",
            "The same for single ports, by number.",
            new MapOf(
                mtls(true),
                100,
                List.of(
                    rule(
                        "self.all(p, p.matches(r'^[0-9]{1,5}$') && int(p) >= 1 && int(p) <="
                            + " 65535)",
                        "expected port numbers, such as \"8080\": {mode: STRICT}")))));
  }

  private static Mapping mtls(boolean required) {
    String meaning =
        "STRICT: only callers with a certificate of the mesh. PERMISSIVE: others too, in plain"
            + " text.";
    return mapping(
        required
            ? must("mode", meaning, choice("STRICT", "PERMISSIVE"))
            : may("mode", meaning, choice("STRICT", "PERMISSIVE")));
  }

  static Mapping meshConfig() {
    return mapping(
        may(
            "trustDomain",
            "The first part of every identity; cluster.local unless given.",
            matching(255, "^[a-z0-9._-]+$", "expected a trust domain, such as cluster.local")),
        may("mtls", "What holds where no AuthenticationPolicy says more.", mtls(false)),
        may(
            "accessLog",
            "Where proxies write it: stdout, stderr, none or the path of a file; stdout unless"
                + " given.",
            matching(
                Schema.MAX_TEXT,
                "^(stdout|stderr|none|/.*)$",
                "expected stdout, stderr, none or a path, which begins with a slash")),
        may(
            "tracing",
            "Spans of the requests.",
            mapping(
                may("enabled", "Whether there are any; true unless given.", new Flag()),
                may("sampling", "The share of new traces; 100% unless given.", percent()))),
        may(
            "opaquePorts",
            "Ports that are passed on as bytes where nothing else is said.",
            list(port(), 1000)),
        may(
            "protocolDetectionTimeout",
            "How long is waited for a client's first bytes.",
            positive()),
        may(
            "http2BetweenProxies",
            "Whether requests between proxies share HTTP/2 connections.",
            new Flag()),
        may(
            "chaos",
            "Bounds on experiments.",
            mapping(
                may("maxRequestShare", "Of requests that a fault may touch; 100%.", percent()),
                may("maxWorkloadShare", "Of a service's workloads.", percent()),
                may("maxExperiments", "At a time.", whole(0, 1000)),
                may("maxExperimentsPerNamespace", "At a time.", whole(0, 1000)),
                may("protectedNamespaces", "Where nothing may be broken.", list(label(), 1000)),
                may("protectedServices", "What may not be broken.", list(service(), 1000)),
                may(
                    "sharedPaths",
                    "Whether two experiments may meet the same requests.",
                    new Flag()),
                may(
                    "haltCooldown",
                    "How long nothing starts after a halt; 24h at most.",
                    duration()))));
  }

  private static Whole whole(long min, long max) {
    return new Whole(min, max);
  }
}
