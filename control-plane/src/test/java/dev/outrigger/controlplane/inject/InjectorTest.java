package dev.outrigger.controlplane.inject;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.inject.Injection.Outcome;
import dev.outrigger.controlplane.inject.Injection.Why;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InjectorTest {
  private static final Injector INJECTOR = new Injector(InjectionSettings.usual());

  private static final String POD =
      """
      metadata: {labels: {app: a}}
      spec:
        initContainers: [{name: migrate, image: m}]
        containers:
        - name: app
          image: a
          ports: [{name: web, containerPort: 8080}]
          livenessProbe: {httpGet: {path: /alive, port: web}, periodSeconds: 7}
          readinessProbe: {grpc: {port: 9000}}
          startupProbe: {exec: {command: [/bin/true]}}
        - {name: other, image: o, readinessProbe: {tcpSocket: {port: 6379}, timeoutSeconds: 4}}
      """;

  @ParameterizedTest
  @CsvSource({
    "Pod,''",
    "Deployment,spec/template",
    "StatefulSet,spec/template",
    "DaemonSet,spec/template",
    "ReplicaSet,spec/template",
    "Job,spec/template",
    "CronJob,spec/jobTemplate/spec/template"
  })
  void everyKindThatMakesPodsGetsTheSamePod(String kind, String place) {
    JsonObject object = yaml(POD);
    for (String step : List.of(place.split("/")).reversed()) {
      object = step.isEmpty() ? object : Json.of(step, object);
    }
    object.addProperty("kind", kind);

    Injection injection = inject(object);

    assertThat(outcome(injection)).isEqualTo(new Outcome.Injected());
    JsonObject pod = injection.object();
    for (String step : place.split("/")) {
      pod = step.isEmpty() ? pod : pod.getAsJsonObject(step);
    }
    pod.remove("kind");
    assertThat(pod).isEqualTo(injectedPod());
  }

  @Test
  void theSidecarComesBeforeOtherInitContainersSoThatTheyHaveNetwork() {
    assertThat(names(injectedPod(), "initContainers"))
        .containsExactly("outrigger-init", "outrigger-proxy", "migrate");
    assertThat(container(injectedPod(), "outrigger-proxy").get("restartPolicy").getAsString())
        .isEqualTo("Always");
    assertThat(names(injectedPod(), "containers")).containsExactly("app", "other");
  }

  @Test
  void onlyTheCaptureContainerHasACapabilityAndOnlyOne() {
    JsonObject init = container(injectedPod(), "outrigger-init").getAsJsonObject("securityContext");
    assertThat(init.get("capabilities")).isEqualTo(yaml("{add: [NET_ADMIN], drop: [ALL]}"));
    assertThat(init.get("allowPrivilegeEscalation").getAsBoolean()).isFalse();
    JsonObject proxy =
        container(injectedPod(), "outrigger-proxy").getAsJsonObject("securityContext");
    assertThat(proxy.get("capabilities")).isEqualTo(yaml("{drop: [ALL]}"));
    assertThat(proxy.get("runAsUser").getAsInt()).isEqualTo(1337);
    assertThat(proxy.get("runAsNonRoot").getAsBoolean()).isTrue();
    assertThat(proxy.get("readOnlyRootFilesystem").getAsBoolean()).isTrue();
    assertThat(proxy.get("seccompProfile")).isEqualTo(yaml("{type: RuntimeDefault}"));
  }

  @Test
  void kubeletsProbesGoToTheHealthPortAndTheProxyKnowsTheOriginals() {
    JsonObject app = container(injectedPod(), "app");
    assertThat(app.get("livenessProbe"))
        .isEqualTo(
            yaml(
                "{httpGet: {path: /app-health/app/livez, port: 15021, scheme: HTTP},"
                    + " periodSeconds: 7}"));
    assertThat(app.get("startupProbe")).isEqualTo(yaml("{exec: {command: [/bin/true]}}"));
    assertThat(JsonParser.parseString(environment(injectedPod(), "OUTRIGGER_APP_PROBES")))
        .isEqualTo(
            yaml(
                """
                /app-health/app/livez:
                  httpGet: {port: 8080, path: /alive, scheme: HTTP}
                  timeoutSeconds: 1
                /app-health/app/readyz: {grpc: {port: 9000, service: ""}, timeoutSeconds: 1}
                /app-health/other/readyz: {tcpSocket: {port: 6379}, timeoutSeconds: 4}
                """));
  }

  @Test
  void whatAnApiServerFillsInMakesNoDifferenceToTheSidecar() {
    JsonObject filled =
        yaml(
            POD.replace("/alive, port: web", "/alive, port: web, scheme: HTTP")
                    .replace(
                        "{grpc: {port: 9000}}",
                        "{grpc: {port: 9000, service: ''}, timeoutSeconds: 1}")
                + "  terminationGracePeriodSeconds: 30\n");
    filled.addProperty("kind", "Pod");

    assertThat(container(inject(filled).object(), "outrigger-proxy"))
        .isEqualTo(container(injectedPod(), "outrigger-proxy"));
  }

  @Test
  void thePatchLeadsFromOneToTheOther() {
    JsonObject before = yaml(POD);
    before.addProperty("kind", "Pod");
    Injection injection = inject(before);

    assertThat(applied(before, PatchStep.toJson(injection.patch()))).isEqualTo(injection.object());
    assertThat(before).as("what was given stays as it is").isEqualTo(kind(yaml(POD), "Pod"));
  }

  @Test
  void injectingTwiceChangesNothing() {
    Injection again = inject(kind(injectedPod(), "Pod"));

    assertThat(left(again).why()).isEqualTo(Why.ALREADY_INJECTED);
    assertThat(again.patch()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OPTED_OUT | {labels: {outrigger.dev/inject: disabled}} | {}",
        "OPTED_OUT | {annotations: {outrigger.dev/inject: disabled}} | {}",
        "HOST_NETWORK | {} | {hostNetwork: true}",
        "WINDOWS | {} | {os: {name: windows}}",
        "OTHER_MESH | {annotations: {sidecar.istio.io/status: '{}'}} | {}",
        "OTHER_MESH | {annotations: {linkerd.io/inject: enabled}} | {}",
        "OTHER_MESH | {} | {initContainers: [{name: linkerd-proxy}]}",
        "NO_CONTAINERS | {} | {containers: []}"
      })
  void podsAreLeftAloneForAReason(Why why, String metadata, String spec) {
    JsonObject merged = yaml("{containers: [{name: app}]}");
    yaml(spec).asMap().forEach(merged::add);
    JsonObject pod = Json.of("kind", "Pod", "metadata", yaml(metadata), "spec", merged);

    Outcome.Left left = left(inject(pod));

    assertThat(left.why()).isEqualTo(why);
    assertThat(left.reason()).isNotBlank();
  }

  @Test
  void systemNamespacesAndOptedOutOnesAreLeftAlone() {
    JsonObject pod = yaml("{kind: Pod, spec: {containers: [{name: app}]}}");
    assertThat(left(in(pod, new Scope("kube-system", Map.of()))).why())
        .isEqualTo(Why.SYSTEM_NAMESPACE);
    assertThat(left(in(pod, new Scope("outrigger-system", Map.of()))).why())
        .isEqualTo(Why.SYSTEM_NAMESPACE);
    assertThat(left(in(pod, new Scope("a", Map.of("outrigger.dev/inject", "disabled")))).why())
        .isEqualTo(Why.OPTED_OUT);
    assertThat(outcome(in(pod, new Scope("a", Map.of())))).isEqualTo(new Outcome.Injected());
  }

  @Test
  void annotationsSteerTheSidecar() {
    JsonObject pod =
        yaml(
            """
            kind: Pod
            metadata:
              annotations:
                traffic.outrigger.dev/exclude-inbound-ports: "9090, 8000-8010"
                traffic.outrigger.dev/exclude-outbound-cidrs: 10.0.0.0/8,fd00::/8
                config.linkerd.io/skip-outbound-ports: "3306"
                config.outrigger.dev/memory-limit: 1Gi
                config.outrigger.dev/log-level: debug
            spec: {containers: [{name: app}], terminationGracePeriodSeconds: 60}
            """);
    Injection injection = inject(pod);

    assertThat(container(injection.object(), "outrigger-init").getAsJsonArray("command").toString())
        .contains(
            "\"--exclude-inbound-ports\",\"9090,8000-8010\"",
            "\"--exclude-outbound-ports\",\"3306\"",
            "\"--exclude-outbound-cidrs\",\"10.0.0.0/8,fd00::/8\"");
    assertThat(container(injection.object(), "outrigger-proxy").get("resources"))
        .isEqualTo(yaml("{requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 1Gi}}"));
    assertThat(environment(injection.object(), "OUTRIGGER_LOG_LEVEL")).isEqualTo("debug");
    assertThat(environment(injection.object(), "OUTRIGGER_DRAIN_TIME")).isEqualTo("55s");
    assertThat(injection.reports().getFirst().warnings())
        .containsExactly(
            "annotation config.linkerd.io/skip-outbound-ports is honoured; here it is called"
                + " traffic.outrigger.dev/exclude-outbound-ports");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "traffic.outrigger.dev/exclude-inbound-ports: 'http'",
        "traffic.outrigger.dev/exclude-inbound-ports: '70000'",
        "traffic.outrigger.dev/exclude-outbound-ports: '20-10'",
        "traffic.outrigger.dev/exclude-outbound-cidrs: '10.0.0.0/33'",
        "traffic.outrigger.dev/exclude-outbound-cidrs: 'example.com'",
        "traffic.outrigger.dev/capture: cni",
        "config.outrigger.dev/memory-limit: lots",
        "config.outrigger.dev/log-level: loud"
      })
  void aWrongAnnotationIsRefusedByItsName(String annotation) {
    JsonObject pod =
        yaml(
            "{kind: Pod, metadata: {annotations: {"
                + annotation
                + "}}, spec: {containers: [{name: app}]}}");
    Injection injection = inject(pod);

    assertThat(injection.refused()).isTrue();
    assertThat(((Outcome.Refused) outcome(injection)).problems())
        .singleElement()
        .asString()
        .startsWith("annotation " + annotation.substring(0, annotation.indexOf(':')) + ": ")
        .contains("expected");
    assertThat(injection.object()).isEqualTo(pod);
  }

  @Test
  void aMisspeltAnnotationIsToldWithWhatWasMeant() {
    JsonObject pod =
        yaml(
            "{kind: Pod, metadata: {annotations: {config.outrigger.dev/memory-limits: 1Gi}},"
                + " spec: {containers: [{name: app}]}}");

    assertThat(inject(pod).reports().getFirst().warnings())
        .singleElement()
        .asString()
        .contains("did you mean config.outrigger.dev/memory-limit?");
  }

  @Test
  void anApplicationThatWouldPassTheMeshByIsRefused() {
    JsonObject pod =
        yaml(
            "{kind: Pod, spec: {securityContext: {runAsUser: 1337}, containers: [{name: app,"
                + " ports: [{containerPort: 15006}], livenessProbe: {httpGet: {port: wbe}}}]}}");

    assertThat(((Outcome.Refused) outcome(inject(pod))).problems())
        .anyMatch(problem -> problem.contains("runs as user 1337"))
        .anyMatch(problem -> problem.contains("uses port 15006"))
        .anyMatch(problem -> problem.contains("there is no port 'wbe'"));
  }

  @Test
  void withoutCaptureAPodFitsARestrictedNamespaceAndProbesGoStraight() {
    JsonObject pod = kind(yaml(POD), "Pod");
    pod.getAsJsonObject("metadata")
        .add("annotations", yaml("{traffic.outrigger.dev/capture: none}"));
    Scope restricted = new Scope("a", Map.of("pod-security.kubernetes.io/enforce", "restricted"));
    Injection injection = in(pod, restricted);

    assertThat(injection.reports().getFirst().warnings()).isEmpty();
    assertThat(names(injection.object(), "initContainers"))
        .containsExactly("outrigger-proxy", "migrate");
    assertThat(injection.object().getAsJsonObject("spec").get("containers"))
        .isEqualTo(yaml(POD).getAsJsonObject("spec").get("containers"));
    assertThat(in(kind(yaml(POD), "Pod"), restricted).reports().getFirst().warnings())
        .singleElement()
        .asString()
        .contains("enforces Pod Security restricted");
  }

  @Test
  void theItemsOfAListAreInjectedEachForItself() {
    JsonObject list =
        yaml(
            "{kind: List, items: [{kind: Service, metadata: {name: s}}, {kind: Pod, metadata:"
                + " {name: p}, spec: {containers: [{name: app}]}}]}");
    Injection injection = inject(list);

    assertThat(injection.reports())
        .extracting(Injection.Report::object)
        .containsExactly("Service/s", "Pod/p");
    assertThat(applied(list, PatchStep.toJson(injection.patch()))).isEqualTo(injection.object());
    assertThat(injection.object().getAsJsonArray("items").get(0))
        .isEqualTo(list.getAsJsonArray("items").get(0));
    assertThat(injection.object().getAsJsonArray("items").get(1).toString())
        .contains("outrigger-proxy");
  }

  @Test
  void aPodOfAMeshThatSpireCertifiesGetsTheSocketOfTheWorkloadApiAndNoToken() {
    String identity = "spiffe://cluster.local/ns/outrigger-system/sa/outrigger";
    JsonObject pod = spiffePod("{controlPlaneIdentity: '" + identity + "'}");

    assertThat(volume(pod, "outrigger-spiffe"))
        .isEqualTo(yaml("{name: outrigger-spiffe, csi: {driver: csi.spiffe.io, readOnly: true}}"));
    assertThat(Json.objects(container(pod, "outrigger-proxy"), "volumeMounts"))
        .contains(yaml("{name: outrigger-spiffe, mountPath: /spiffe-workload-api, readOnly: true}"))
        .extracting(mount -> mount.get("name").getAsString())
        .doesNotContain("outrigger-token", "outrigger-root");
    assertThat(environment(pod, "OUTRIGGER_SPIFFE_ENDPOINT_SOCKET"))
        .isEqualTo("unix:///spiffe-workload-api/spire-agent.sock");
    assertThat(environment(pod, "OUTRIGGER_MESH_IDENTITY")).isEqualTo(identity);
    assertThat(names(pod, "volumes")).doesNotContain("outrigger-token", "outrigger-root");
    assertThat(Json.objects(container(pod, "outrigger-proxy"), "env"))
        .extracting(variable -> variable.get("name").getAsString())
        .doesNotContain("OUTRIGGER_JOIN_TOKEN_FILE", "OUTRIGGER_ROOT_CA");
    // The application's containers have no business there.
    assertThat(container(pod, "app").has("volumeMounts")).isFalse();
  }

  @Test
  void theSocketOfTheWorkloadApiMayComeFromAnotherVolume() {
    JsonObject pod =
        spiffePod(
            "{controlPlaneIdentity: 'spiffe://cluster.local/cp', socket: api.sock,"
                + " volume: {hostPath: {path: /run/spire, type: Directory}}}");

    assertThat(volume(pod, "outrigger-spiffe"))
        .isEqualTo(yaml("{name: outrigger-spiffe, hostPath: {path: /run/spire, type: Directory}}"));
    assertThat(environment(pod, "OUTRIGGER_SPIFFE_ENDPOINT_SOCKET"))
        .isEqualTo("unix:///spiffe-workload-api/api.sock");
  }

  // ------------------------------------------------------------------------------------- reading

  static JsonObject yaml(String text) {
    JsonObject json = Manifests.parse(text).documents().getFirst().json();
    assertThat(json).as(text).isNotNull();
    return json;
  }

  private static JsonObject spiffePod(String spiffe) {
    Injection injection =
        new Injector(SettingsReader.read("{spiffe: " + spiffe + "}"))
            .inject(kind(yaml(POD), "Pod"), _ -> Scope.UNKNOWN);
    assertThat(outcome(injection)).isEqualTo(new Outcome.Injected());
    return injection.object();
  }

  private static JsonObject volume(JsonObject pod, String name) {
    return Json.objects(pod.getAsJsonObject("spec"), "volumes").stream()
        .filter(volume -> volume.get("name").getAsString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static JsonObject kind(JsonObject object, String kind) {
    object.addProperty("kind", kind);
    return object;
  }

  private static JsonObject injectedPod() {
    JsonObject pod = inject(kind(yaml(POD), "Pod")).object();
    pod.remove("kind");
    return pod;
  }

  private static Injection inject(JsonObject object) {
    return in(object, Scope.UNKNOWN);
  }

  private static Injection in(JsonObject object, Scope scope) {
    return INJECTOR.inject(object, _ -> scope);
  }

  private static Outcome outcome(Injection injection) {
    return injection.reports().getFirst().outcome();
  }

  private static Outcome.Left left(Injection injection) {
    assertThat(outcome(injection)).isInstanceOf(Outcome.Left.class);
    return (Outcome.Left) outcome(injection);
  }

  private static List<String> names(JsonObject pod, String list) {
    return Json.objects(pod.getAsJsonObject("spec"), list).stream()
        .map(container -> container.get("name").getAsString())
        .toList();
  }

  private static JsonObject container(JsonObject pod, String name) {
    List<JsonObject> all = new ArrayList<>();
    for (String list : List.of("initContainers", "containers")) {
      all.addAll(Json.objects(pod.getAsJsonObject("spec"), list));
    }
    return all.stream()
        .filter(container -> container.get("name").getAsString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String environment(JsonObject pod, String name) {
    return Json.objects(container(pod, "outrigger-proxy"), "env").stream()
        .filter(variable -> variable.get("name").getAsString().equals(name))
        .map(variable -> variable.get("value").getAsString())
        .findFirst()
        .orElseThrow();
  }

  /** RFC 6902, written apart from the code that makes patches. */
  static JsonObject applied(JsonObject before, JsonArray patch) {
    JsonObject root = before.deepCopy();
    for (JsonElement step : patch) {
      String[] path = step.getAsJsonObject().get("path").getAsString().substring(1).split("/");
      JsonElement here = root;
      for (int i = 0; i < path.length - 1; i++) {
        String name = path[i].replace("~1", "/").replace("~0", "~");
        here =
            here.isJsonArray()
                ? here.getAsJsonArray().get(Integer.parseInt(name))
                : here.getAsJsonObject().get(name);
      }
      String last = path[path.length - 1].replace("~1", "/").replace("~0", "~");
      JsonElement value = step.getAsJsonObject().get("value").deepCopy();
      boolean adds = step.getAsJsonObject().get("op").getAsString().equals("add");
      if (here.isJsonArray()) {
        assertThat(adds).isTrue();
        List<JsonElement> elements = new ArrayList<>(here.getAsJsonArray().asList());
        elements.add(Integer.parseInt(last), value);
        here.getAsJsonArray().asList().clear();
        elements.forEach(here.getAsJsonArray()::add);
      } else {
        assertThat(here.getAsJsonObject().has(last)).isEqualTo(!adds);
        here.getAsJsonObject().add(last, value);
      }
    }
    return root;
  }
}
