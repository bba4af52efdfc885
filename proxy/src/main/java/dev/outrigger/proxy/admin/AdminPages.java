package dev.outrigger.proxy.admin;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.health.HealthView;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.xds.XdsStatus;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** What each admin path shows or does. Called on the config loop. */
final class AdminPages {
  private static final String HELP =
      """
      GET  /ready             LIVE, or 503 with what is waited for
      GET  /metrics           counters and histograms, Prometheus text; also /stats/prometheus
      GET  /stats             the same without HELP and TYPE; ?filter=TEXT
      GET  /clusters          clusters and endpoints; ?format=json
      GET  /listeners         listeners; ?format=json
      GET  /config_dump       all that is configured, without private keys
      GET  /faults            what goes wrong on purpose at this moment
      GET  /server_info       version, node, uptime
      GET  /explain           the last requests that asked why; ?id=REQUEST-ID, ?format=json
      POST /explain           a token for x-outrigger-explain; ?minutes=N, 10 unless given
      POST /explain?off=1     no token given here is in force any more
      POST /drain             begin to drain
      POST /logging?level=L   error, warn, info, debug, trace; &logger=NAME
      POST /quitquitquit      end the process
      """;

  private final AdminSources sources;

  AdminPages(AdminSources sources) {
    this.sources = sources;
  }

  /** Whether a path does something rather than show something. */
  boolean changesSomething(String path) {
    return switch (path) {
      case "/drain", "/logging", "/quitquitquit" -> true;
      default -> false;
    };
  }

  /** Whether a path is shown as well as changed. */
  boolean isBoth(String path) {
    return path.equals("/explain");
  }

  /** What a path shows, now or later. */
  CompletionStage<Page> show(String path, Map<String, List<String>> query) {
    return switch (path) {
      case "/metrics", "/stats/prometheus" -> sources.metrics().get().thenApply(Page::metrics);
      case "/stats" ->
          sources.metrics().get().thenApply(text -> Page.text(200, samples(text, query)));
      default -> CompletableFuture.completedFuture(now(path, query));
    };
  }

  /** Does what a path asks for. */
  Page change(String path, Map<String, List<String>> query) {
    return switch (path) {
      case "/drain" -> {
        sources.drain().run();
        yield Page.text(200, "draining\n");
      }
      case "/logging" -> logging(query);
      case "/explain" -> ExplainPages.change(sources.explanations(), query);
      default -> Page.text(404, HELP);
    };
  }

  void quit() {
    sources.quit().run();
  }

  private Page now(String path, Map<String, List<String>> query) {
    boolean json = "json".equals(first(query, "format"));
    return switch (path) {
      case "/", "/help" -> Page.text(200, HELP);
      case "/ready" -> ready(sources.readiness());
      case "/clusters" -> json ? Page.json(JsonText.of(clusters())) : Page.text(200, clusterText());
      case "/listeners" ->
          json ? Page.json(JsonText.of(listeners())) : Page.text(200, listenerText());
      case "/config_dump" -> Page.json(JsonText.of(configDump()));
      case "/explain" -> ExplainPages.show(sources.explanations(), first(query, "id"), json);
      case "/faults" -> Page.text(200, faults());
      case "/server_info" -> Page.json(JsonText.of(serverInfo()));
      default -> Page.text(404, "no such page\n\n" + HELP);
    };
  }

  private String faults() {
    List<FaultRule> rules = sources.faults().get().rules();
    if (rules.isEmpty()) {
      return "no fault is in force\n";
    }
    StringBuilder text = new StringBuilder();
    for (FaultRule rule : rules) {
      text.append(rule.fullName())
          .append(" at ")
          .append(rule.place().name().toLowerCase(Locale.ROOT))
          .append(", ")
          .append(rule.chance())
          .append(": ")
          .append(rule.fault())
          .append(", at the latest until ")
          .append(rule.notAfter())
          .append('\n');
    }
    return text.toString();
  }

  /** Whether the proxy is ready, and what it waits for. */
  static Page ready(Readiness readiness) {
    Map<String, String> reasons = readiness.reasons();
    if (reasons.isEmpty()) {
      return Page.text(200, "LIVE\n");
    }
    StringBuilder text = new StringBuilder();
    reasons.forEach((name, why) -> text.append(name).append(": ").append(why).append('\n'));
    return Page.text(503, text.toString());
  }

  private static Page logging(Map<String, List<String>> query) {
    String level = first(query, "level");
    String logger = first(query, "logger");
    if (level == null) {
      return Page.text(400, "expected ?level=error|warn|info|debug|trace\n");
    }
    String wrong = LogLevels.set(logger == null ? "dev.outrigger" : logger, level);
    return wrong == null ? Page.text(200, "level " + level + "\n") : Page.text(400, wrong + "\n");
  }

  private static String samples(String text, Map<String, List<String>> query) {
    String filter = first(query, "filter");
    StringBuilder kept = new StringBuilder(text.length());
    text.lines()
        .filter(line -> !line.startsWith("#") && (filter == null || line.contains(filter)))
        .forEach(line -> kept.append(line).append('\n'));
    return kept.toString();
  }

  private Map<String, Object> serverInfo() {
    AdminSources.ServerFacts server = sources.server();
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("version", server.version());
    shown.put("state", sources.readiness().ready() ? "LIVE" : "NOT_READY");
    shown.put("waiting", sources.readiness().reasons());
    shown.put("node", server.node());
    shown.put("cluster", server.cluster());
    shown.put("workers", server.workers());
    shown.put("transport", server.transport());
    shown.put("java", Runtime.version().toString());
    shown.put("pid", ProcessHandle.current().pid());
    shown.put("started", server.started().toString());
    shown.put(
        "uptime_seconds",
        Duration.between(server.started(), sources.clock().instant()).toSeconds());
    return shown;
  }

  private Map<String, Object> configDump() {
    RuntimeSnapshot snapshot = sources.config().get();
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("sequence", snapshot.sequence());
    XdsStatus discovery = sources.discovery().get();
    if (discovery != null) {
      shown.put("discovery", discovery);
    }
    shown.put("listeners", snapshot.config().listeners());
    shown.put("clusters", new TreeMap<>(snapshot.config().clusters()));
    return shown;
  }

  private List<Object> listeners() {
    return sources.config().get().config().listeners().stream()
        .<Object>map(
            listener -> {
              Map<String, Object> shown = new LinkedHashMap<>();
              shown.put("name", listener.name());
              shown.put("addresses", listener.addresses().stream().map(Object::toString).toList());
              shown.put("direction", listener.direction());
              return shown;
            })
        .toList();
  }

  private String listenerText() {
    StringBuilder text = new StringBuilder();
    for (ListenerConfig listener : sources.config().get().config().listeners()) {
      listener
          .addresses()
          .forEach(
              address -> text.append(listener.name()).append("::").append(address).append('\n'));
    }
    return text.toString();
  }

  private Map<String, Object> clusters() {
    HealthView health = sources.health().get();
    Map<String, Object> shown = new TreeMap<>();
    sources
        .config()
        .get()
        .config()
        .clusters()
        .forEach(
            (name, cluster) -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("discovery", cluster.discovery().getClass().getSimpleName());
              one.put(
                  "endpoints",
                  endpointsOf(cluster).stream()
                      .map(endpoint -> endpoint(cluster, endpoint, health))
                      .toList());
              shown.put(name, one);
            });
    return shown;
  }

  private static Map<String, Object> endpoint(
      ClusterConfig cluster, Endpoint endpoint, HealthView health) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("address", endpoint.address().toString());
    shown.put("health", healthOf(cluster, endpoint, health));
    shown.put("weight", endpoint.weight());
    shown.put("priority", endpoint.priority());
    shown.put("zone", endpoint.locality().zone());
    shown.put("workload", endpoint.workload());
    return shown;
  }

  private String clusterText() {
    HealthView health = sources.health().get();
    StringBuilder text = new StringBuilder();
    new TreeMap<>(sources.config().get().config().clusters())
        .forEach(
            (name, cluster) -> {
              text.append(name).append("::discovery::");
              text.append(cluster.discovery().getClass().getSimpleName()).append('\n');
              for (Endpoint endpoint : endpointsOf(cluster)) {
                String start = name + "::" + endpoint.address() + "::";
                text.append(start).append("health::");
                text.append(healthOf(cluster, endpoint, health)).append('\n');
                text.append(start).append("weight::").append(endpoint.weight()).append('\n');
                text.append(start).append("priority::").append(endpoint.priority()).append('\n');
              }
            });
    return text.toString();
  }

  private static String healthOf(ClusterConfig cluster, Endpoint endpoint, HealthView health) {
    return switch (endpoint.health()) {
      case UNHEALTHY -> "unhealthy";
      case DRAINING -> "draining";
      case HEALTHY ->
          health.healthy(cluster.name(), endpoint) ? "healthy" : "unhealthy (active check)";
    };
  }

  private static List<Endpoint> endpointsOf(ClusterConfig cluster) {
    return switch (cluster.discovery()) {
      case Discovery.Listed listed -> listed.endpoints().endpoints();
      case Discovery.Dns dns -> dns.names().endpoints();
      case Discovery.OriginalDestination _ -> List.of();
    };
  }

  private static @Nullable String first(Map<String, List<String>> query, String name) {
    List<String> values = query.get(name);
    return values == null || values.isEmpty() ? null : values.getFirst();
  }

  /** What is answered. */
  record Page(int status, String type, String body) {
    static Page text(int status, String body) {
      return new Page(status, "text/plain; charset=utf-8", body);
    }

    static Page json(String body) {
      return new Page(200, "application/json", body);
    }

    static Page metrics(String body) {
      return new Page(200, "text/plain; version=0.0.4; charset=utf-8", body);
    }
  }
}
