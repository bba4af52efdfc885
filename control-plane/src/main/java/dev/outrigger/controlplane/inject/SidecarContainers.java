package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.inject.InjectionSettings.Capture;
import java.util.ArrayList;
import java.util.List;

/** What is put into a pod: two init containers at the most, and their volumes. */
final class SidecarContainers {
  static final String INIT = "outrigger-init";
  static final String PROXY = "outrigger-proxy";
  static final int ADMIN_PORT = 15000;
  static final int METRICS_PORT = 15020;
  static final int HEALTH_PORT = 15021;

  /** What the proxy or the capture rules take; an application must not. */
  static final List<Integer> OWN_PORTS =
      List.of(ADMIN_PORT, 15001, 15006, METRICS_PORT, HEALTH_PORT, 15053);

  private static final String JAVA = "/outrigger/bin/java";
  private static final String TOKEN_FOLDER = "/var/run/secrets/outrigger";
  private static final String ROOT_FOLDER = "/etc/outrigger/root";
  private static final String SPIFFE_FOLDER = "/spiffe-workload-api";
  private static final String STATE_FOLDER = "/var/lib/outrigger";

  /** Kubernetes waits that long for a pod to end unless it says otherwise. */
  private static final int USUAL_GRACE_SECONDS = 30;

  private final InjectionSettings settings;

  SidecarContainers(InjectionSettings settings) {
    this.settings = settings;
  }

  /** Those that come before all other init containers, so that these have network. */
  List<JsonObject> initContainers(JsonObject spec, PodOptions options, JsonObject appProbes) {
    List<JsonObject> containers = new ArrayList<>();
    if (options.capture() == Capture.INIT) {
      containers.add(capture(options));
    }
    containers.add(proxy(spec, options, appProbes));
    return containers;
  }

  private JsonObject capture(PodOptions options) {
    List<String> command =
        new ArrayList<>(
            List.of(JAVA, "@/outrigger/cli", "init", "--proxy-uid", "" + settings.proxyUid()));
    addList(command, "--exclude-inbound-ports", options.excludedInboundPorts());
    addList(command, "--exclude-outbound-ports", options.excludedOutboundPorts());
    addList(command, "--exclude-inbound-cidrs", options.excludedInboundNetworks());
    addList(command, "--exclude-outbound-cidrs", options.excludedOutboundNetworks());
    JsonObject container = container(INIT, command);
    container.add(
        "resources",
        Json.of(
            "requests",
            Json.of("cpu", "10m", "memory", "64Mi"),
            "limits",
            Json.of("memory", "128Mi")));
    // Only root keeps a capability over exec where ambient ones cannot be asked for.
    container.add(
        "securityContext",
        Json.of(
            "allowPrivilegeEscalation",
            false,
            "capabilities",
            Json.of("add", Json.array(List.of("NET_ADMIN")), "drop", Json.array(List.of("ALL"))),
            "privileged",
            false,
            "readOnlyRootFilesystem",
            true,
            "runAsGroup",
            0,
            "runAsNonRoot",
            false,
            "runAsUser",
            0,
            "seccompProfile",
            Json.of("type", "RuntimeDefault")));
    return container;
  }

  private static void addList(List<String> command, String option, List<String> values) {
    if (!values.isEmpty()) {
      command.add(option);
      command.add(String.join(",", values));
    }
  }

  private JsonObject proxy(JsonObject spec, PodOptions options, JsonObject appProbes) {
    JsonObject container = container(PROXY, List.of(JAVA, "@/outrigger/proxy"));
    // Kubernetes starts it before the application and ends it after, in Jobs too.
    container.addProperty("restartPolicy", "Always");
    container.add("env", environment(spec, options, appProbes));
    JsonArray ports = new JsonArray();
    ports.add(port("mesh-metrics", METRICS_PORT));
    ports.add(port("mesh-health", HEALTH_PORT));
    container.add("ports", ports);
    container.add("startupProbe", probe("/ready", 1, 120));
    container.add("readinessProbe", probe("/ready", 2, 2));
    // Never about the control plane: a restart would not bring it back.
    container.add("livenessProbe", probe("/live", 10, 3));
    container.add(
        "lifecycle",
        Json.of(
            "preStop",
            Json.of(
                "exec",
                Json.of("command", Json.array(List.of(JAVA, "@/outrigger/cli", "drain"))))));
    container.add("resources", options.resources().deepCopy());
    container.add(
        "securityContext",
        Json.of(
            "allowPrivilegeEscalation",
            false,
            "capabilities",
            Json.of("drop", Json.array(List.of("ALL"))),
            "privileged",
            false,
            "readOnlyRootFilesystem",
            true,
            "runAsGroup",
            settings.proxyUid(),
            "runAsNonRoot",
            true,
            "runAsUser",
            settings.proxyUid(),
            "seccompProfile",
            settings.seccompProfile().deepCopy()));
    JsonArray mounts = new JsonArray();
    if (settings.spiffe() == null) {
      mounts.add(mount("outrigger-token", TOKEN_FOLDER, true));
      mounts.add(mount("outrigger-root", ROOT_FOLDER, true));
    } else {
      mounts.add(mount("outrigger-spiffe", SPIFFE_FOLDER, true));
    }
    mounts.add(mount("outrigger-state", STATE_FOLDER, false));
    container.add("volumeMounts", mounts);
    return container;
  }

  private JsonObject container(String name, List<String> command) {
    JsonObject container = Json.of("name", name, "image", settings.image());
    if (!settings.pullPolicy().isEmpty()) {
      container.addProperty("imagePullPolicy", settings.pullPolicy());
    }
    container.add("command", Json.array(command));
    return container;
  }

  private JsonArray environment(JsonObject spec, PodOptions options, JsonObject appProbes) {
    JsonArray env = new JsonArray();
    // The pod's own facts first: $(NAME) only sees what stands before it.
    env.add(fact("OUTRIGGER_WORKLOAD", "metadata.name"));
    env.add(fact("OUTRIGGER_NAMESPACE", "metadata.namespace"));
    env.add(fact("OUTRIGGER_POD_IP", "status.podIP"));
    env.add(value("OUTRIGGER_MESH", settings.controlPlane()));
    InjectionSettings.Spiffe spiffe = settings.spiffe();
    if (spiffe == null) {
      env.add(value("OUTRIGGER_JOIN_TOKEN_FILE", TOKEN_FOLDER + "/token"));
      env.add(value("OUTRIGGER_ROOT_CA", ROOT_FOLDER + "/root.pem"));
    } else {
      env.add(
          value(
              "OUTRIGGER_SPIFFE_ENDPOINT_SOCKET",
              "unix://" + SPIFFE_FOLDER + "/" + spiffe.socket()));
      env.add(value("OUTRIGGER_MESH_IDENTITY", spiffe.controlPlaneIdentity()));
    }
    env.add(value("OUTRIGGER_STATE_DIR", STATE_FOLDER));
    env.add(value("OUTRIGGER_ADMIN", "127.0.0.1:" + ADMIN_PORT));
    env.add(value("OUTRIGGER_METRICS", "*:" + METRICS_PORT));
    env.add(value("OUTRIGGER_HEALTH", "*:" + HEALTH_PORT));
    env.add(value("OUTRIGGER_LOG_LEVEL", options.logLevel()));
    env.add(value("OUTRIGGER_DRAIN_TIME", drainSeconds(spec) + "s"));
    if (!settings.transport().equals("auto")) {
      env.add(value("OUTRIGGER_TRANSPORT", settings.transport()));
    }
    if (!appProbes.isEmpty()) {
      env.add(value("OUTRIGGER_APP_PROBES", appProbes.toString()));
    }
    if (!settings.otlpEndpoint().isEmpty()) {
      env.add(value("OTEL_EXPORTER_OTLP_ENDPOINT", settings.otlpEndpoint()));
      env.add(
          value(
              "OTEL_RESOURCE_ATTRIBUTES",
              "k8s.pod.name=$(OUTRIGGER_WORKLOAD),k8s.namespace.name=$(OUTRIGGER_NAMESPACE)"));
    }
    return env;
  }

  /** Less than the pod has, so that the end is ours and not a kill. */
  private static int drainSeconds(JsonObject spec) {
    int grace = Json.number(spec, "terminationGracePeriodSeconds").orElse(USUAL_GRACE_SECONDS);
    return Math.max(1, grace - Math.max(1, Math.min(5, grace / 6)));
  }

  List<JsonObject> volumes() {
    JsonObject state = Json.of("name", "outrigger-state", "emptyDir", Json.of("sizeLimit", "64Mi"));
    InjectionSettings.Spiffe spiffe = settings.spiffe();
    if (spiffe != null) {
      JsonObject socket = Json.of("name", "outrigger-spiffe");
      spiffe.volume().deepCopy().asMap().forEach(socket::add);
      return List.of(socket, state);
    }
    JsonArray token = new JsonArray();
    token.add(
        Json.of(
            "serviceAccountToken",
            Json.of(
                "audience",
                settings.audience(),
                "expirationSeconds",
                settings.tokenSeconds(),
                "path",
                "token")));
    return List.of(
        Json.of("name", "outrigger-token", "projected", Json.of("sources", token)),
        Json.of("name", "outrigger-root", "configMap", Json.of("name", settings.rootConfigMap())),
        state);
  }

  private static JsonObject probe(String path, int period, int failures) {
    return Json.of(
        "httpGet",
        Json.of("path", path, "port", HEALTH_PORT, "scheme", "HTTP"),
        "periodSeconds",
        period,
        "timeoutSeconds",
        3,
        "failureThreshold",
        failures);
  }

  private static JsonObject port(String name, int port) {
    return Json.of("name", name, "containerPort", port, "protocol", "TCP");
  }

  private static JsonObject mount(String name, String path, boolean readOnly) {
    JsonObject mount = Json.of("name", name, "mountPath", path);
    if (readOnly) {
      mount.addProperty("readOnly", true);
    }
    return mount;
  }

  private static JsonObject value(String name, String value) {
    return Json.of("name", name, "value", value);
  }

  private static JsonObject fact(String name, String path) {
    return Json.of(
        "name",
        name,
        "valueFrom",
        Json.of("fieldRef", Json.of("apiVersion", "v1", "fieldPath", path)));
  }
}
