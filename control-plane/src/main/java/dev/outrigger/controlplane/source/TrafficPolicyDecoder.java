package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.TrafficPolicy.CircuitBreakers;
import dev.outrigger.controlplane.model.TrafficPolicy.ConnectionPool;
import dev.outrigger.controlplane.model.TrafficPolicy.HealthCheck;
import dev.outrigger.controlplane.model.TrafficPolicy.LoadBalancing;
import dev.outrigger.controlplane.model.TrafficPolicy.OutlierDetection;
import dev.outrigger.controlplane.model.TrafficPolicy.Probe;
import dev.outrigger.controlplane.model.TrafficPolicy.Retries;
import dev.outrigger.controlplane.model.TrafficPolicy.RetryOn;
import dev.outrigger.controlplane.model.TrafficPolicy.StatusRange;
import dev.outrigger.controlplane.model.TrafficPolicy.Timeouts;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a {@code TrafficPolicy}. */
final class TrafficPolicyDecoder {
  private static final Pattern STATUSES = Pattern.compile("([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?");
  private static final Map<String, String> BALANCERS = new LinkedHashMap<>();
  private static final Map<String, RetryOn> RETRY_ON = new LinkedHashMap<>();

  static {
    for (String name : List.of("RoundRobin", "WeightedRoundRobin", "Random", "LeastRequest")) {
      BALANCERS.put(name, name);
    }
    for (RetryOn on : RetryOn.values()) {
      RETRY_ON.put(on.text(), on);
    }
  }

  private TrafficPolicyDecoder() {}

  static TrafficPolicy decode(ObjectMeta meta, Fields spec) {
    List<ServiceRef> targets = new ArrayList<>();
    for (Fields fields : spec.requiredObjects("targetRefs", "the services that it is about")) {
      targets.add(Names.reference(fields));
      fields.finish();
    }
    for (int i = 0; i < targets.size(); i++) {
      if (!targets.get(i).service().namespace().equals(meta.namespace())) {
        spec.problem(
            Code.BAD_VALUE,
            "targetRefs",
            "a policy may only target services of its own namespace, not "
                + targets.get(i).service(),
            "");
      }
    }
    return new TrafficPolicy(
        meta,
        targets,
        loadBalancing(spec.object("loadBalancing")),
        healthCheck(spec.object("healthCheck")),
        outliers(spec.object("outlierDetection")),
        breakers(spec.object("circuitBreakers")),
        timeouts(spec.object("timeouts")),
        retries(spec.object("retries")),
        pool(spec.object("connectionPool")));
  }

  private static @Nullable LoadBalancing loadBalancing(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    String policy = fields.requiredChoice("policy", BALANCERS, "RoundRobin");
    int choices = fields.integer("choices", 2, 2, 100);
    if (fields.has("choices") && !policy.equals("LeastRequest")) {
      fields.problem(
          Code.CONFLICT,
          "choices",
          "`" + fields.at("choices") + "` is only for `policy: LeastRequest`",
          "remove it");
    }
    fields.finish();
    return switch (policy) {
      case "LeastRequest" -> new LoadBalancing.LeastRequest(choices);
      case "Random" -> new LoadBalancing.Random();
      // Round robin respects weights anyway.
      default -> new LoadBalancing.RoundRobin();
    };
  }

  private static @Nullable HealthCheck healthCheck(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    Probe probe = new Probe.Tcp();
    @Nullable String kind = fields.oneOf("http", "tcp");
    @Nullable Fields tcp = fields.object("tcp");
    if (tcp != null) {
      tcp.finish();
    }
    @Nullable Fields http = fields.object("http");
    if ("http".equals(kind) && http != null) {
      probe = http(http);
    }
    HealthCheck check =
        new HealthCheck(
            probe,
            fields.positive("interval", Duration.ofSeconds(10)),
            fields.positive("timeout", Duration.ofSeconds(1)),
            fields.integer("unhealthyThreshold", 3, 1, 100),
            fields.integer("healthyThreshold", 1, 1, 100),
            (int) Math.round(fields.percent("jitter", 10)));
    fields.finish();
    return check;
  }

  private static Probe http(Fields fields) {
    String path = fields.text("path", "/");
    if (!path.startsWith("/")) {
      fields.problem(
          Code.BAD_VALUE,
          "path",
          "`" + fields.at("path") + "` is `" + path + "`, expected a path",
          "begin it with a slash");
    }
    List<StatusRange> expected = new ArrayList<>();
    for (String text : fields.texts("expectedStatuses")) {
      Matcher match = STATUSES.matcher(text);
      int first = match.matches() ? Integer.parseInt(match.group(1)) : 0;
      int last = first == 0 || match.group(2) == null ? first : Integer.parseInt(match.group(2));
      if (first == 0 || last < first) {
        fields.problem(
            Code.BAD_VALUE,
            "expectedStatuses",
            "`"
                + fields.at("expectedStatuses")
                + "` holds `"
                + text
                + "`, expected statuses and"
                + " ranges of them",
            "write it like [\"200\", \"300-399\"]");
        first = 200;
        last = 200;
      }
      expected.add(new StatusRange(first, last));
    }
    Probe probe =
        new Probe.Http(
            path,
            fields.text("host", ""),
            expected.isEmpty() ? List.of(new StatusRange(200, 299)) : expected);
    fields.finish();
    return probe;
  }

  private static @Nullable OutlierDetection outliers(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    OutlierDetection outliers =
        new OutlierDetection(
            fields.integer("consecutiveErrors", 5, 1, 10_000),
            fields.positive("baseEjectionTime", Duration.ofSeconds(30)),
            fields.positive("maxEjectionTime", Duration.ofSeconds(300)),
            (int) Math.round(fields.percent("maxEjectionPercent", 50)));
    if (outliers.maxEjectionTime().compareTo(outliers.baseEjectionTime()) < 0) {
      fields.problem(
          Code.CONFLICT,
          "maxEjectionTime",
          "`" + fields.at("maxEjectionTime") + "` is shorter than `baseEjectionTime`",
          "");
    }
    fields.finish();
    return outliers;
  }

  private static @Nullable CircuitBreakers breakers(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    double percent = CircuitBreakers.DEFAULT_BUDGET_PERCENT;
    int min = CircuitBreakers.DEFAULT_BUDGET_MIN;
    @Nullable Fields budget = fields.object("retryBudget");
    if (budget != null) {
      percent = budget.percent("percent", percent);
      min = budget.integer("minConcurrency", min, 0, 1_000_000);
      budget.finish();
    }
    int most = Integer.MAX_VALUE;
    CircuitBreakers breakers =
        new CircuitBreakers(
            fields.integerOrNull("maxConnections", 1, most),
            fields.integerOrNull("maxPendingRequests", 0, most),
            fields.integerOrNull("maxRequests", 1, most),
            percent,
            min);
    fields.finish();
    return breakers;
  }

  private static @Nullable Timeouts timeouts(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    Timeouts timeouts =
        new Timeouts(
            fields.duration("request"),
            fields.duration("backendRequest"),
            fields.positive("connect"),
            fields.duration("idle"));
    fields.finish();
    return timeouts;
  }

  private static @Nullable Retries retries(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    Set<RetryOn> on = new LinkedHashSet<>();
    // A reader of YAML 1.1, such as kubectl, takes the bare word for a boolean; here it can only be
    // this field.
    for (String name : List.of("on", "true")) {
      for (Node node : fields.list(name)) {
        on.add(fields.choice(node, fields.at(name), RETRY_ON, RetryOn.SAFE));
      }
    }
    if (fields.has("on") && fields.has("true")) {
      fields.problem(
          Code.CONFLICT,
          "true",
          "`" + fields.at("true") + "` is `on` without quotes, and `on` is there too",
          "keep one, and write \"on\"");
    }
    @Nullable Duration base = null;
    @Nullable Duration max = null;
    @Nullable Fields backoff = fields.object("backoff");
    if (backoff != null) {
      base = backoff.positive("base");
      max = backoff.positive("max");
      if (base != null && max != null && max.compareTo(base) < 0) {
        backoff.problem(
            Code.CONFLICT, "max", "`" + backoff.at("max") + "` is shorter than `base`", "");
      }
      if (base == null && max != null) {
        backoff.problem(
            Code.CONFLICT, "max", "`" + backoff.at("max") + "` needs `base`", "add `base`");
      }
      backoff.finish();
    }
    Retries retries =
        new Retries(
            fields.integer("attempts", 2, 0, 100), on, HttpRouteDecoder.codes(fields), base, max);
    fields.finish();
    return retries;
  }

  private static @Nullable ConnectionPool pool(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    ConnectionPool pool =
        new ConnectionPool(
            fields.integer("minIdle", 0, 0, 1000),
            fields.integer("maxConnectionsPerWorker", 0, 0, 65535),
            fields.duration("idleTimeout"),
            fields.positive("maxAge"),
            fields.integer("maxRequestsPerConnection", 0, 0, Integer.MAX_VALUE));
    if (pool.maxConnectionsPerWorker() > 0 && pool.minIdle() > pool.maxConnectionsPerWorker()) {
      fields.problem(
          Code.CONFLICT,
          "minIdle",
          "`" + fields.at("minIdle") + "` is more than `maxConnectionsPerWorker`",
          "");
    }
    fields.finish();
    return pool;
  }
}
