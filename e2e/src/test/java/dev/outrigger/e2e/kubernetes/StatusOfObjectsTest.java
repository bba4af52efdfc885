package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever writes an object reads in it what came of it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class StatusOfObjectsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String OURS = "outrigger.dev/mesh";

  private KubeApi kube;
  private LoopbackMesh mesh;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    kube = KubeApi.start(folder.resolve("kube"));
    kube.install();
    kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
    kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: stock}}");
    kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: open}}");
    kube.apply(
        LoopbackMesh.service("web", "http")
            + LoopbackMesh.service("bytes", "tcp")
            + LoopbackMesh.service("calls", "grpc")
            + LoopbackMesh.service("secret", "tls")
            + LoopbackMesh.service("taken", "tcp")
            + LoopbackMesh.service("prices", "http").replace("shop", "stock")
            + LoopbackMesh.service("prices", "http").replace("shop", "open")
            + """
            ---
            apiVersion: gateway.networking.k8s.io/v1beta1
            kind: ReferenceGrant
            metadata: {name: shop, namespace: open}
            spec:
              from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
              to: [{group: "", kind: Service}]
            ---
            apiVersion: gateway.networking.k8s.io/v1alpha2
            kind: TCPRoute
            metadata: {name: tcp-first, namespace: shop}
            spec: {%s%s}
            """
                .formatted(parents("name: taken"), RULES));
    mesh =
        new LoopbackMesh(
            folder.resolve("mesh-of-cluster"),
            Map.of(),
            List.of("--kubernetes", "--kubeconfig=" + kube.kubeconfig("outrigger")));
    mesh.startControlPlane();
  }

  @AfterAll
  void end() {
    if (mesh != null) {
      mesh.close();
    }
    if (kube != null) {
      kube.close();
    }
  }

  /**
   * A route and what must be said of it.
   *
   * @param condition such as {@code Accepted=False/NoMatchingParent}
   */
  record Case(String name, String kind, String spec, int parent, String condition, String said) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case http(String name, String spec, String condition, String said) {
    return new Case(name, "HTTPRoute", spec, 0, condition, said);
  }

  private static String parents(String more) {
    return "parentRefs: [{group: \"\", kind: Service, " + more + "}]";
  }

  private static final String RULES = ", rules: [{backendRefs: [{name: web, port: 80}]}]";

  static Stream<Case> routes() {
    String web = parents("name: web");
    String calls = parents("name: calls");
    return Stream.of(
        http("good", web + RULES, "Accepted=True/Accepted", ""),
        http("resolved", web + RULES, "ResolvedRefs=True/ResolvedRefs", ""),
        http("no-proxies", web + RULES, "Programmed=Unknown/NoProxies", "no proxy is connected"),
        http(
            "no-backend",
            web + ", rules: [{backendRefs: [{name: wob, port: 80}]}]",
            "ResolvedRefs=False/BackendNotFound",
            "did you mean `web.shop`?"),
        http(
            "no-backend-port",
            web + ", rules: [{backendRefs: [{name: web, port: 81}]}]",
            "ResolvedRefs=False/BackendNotFound",
            "its ports are 80"),
        http(
            "no-parent",
            parents("name: wob") + RULES,
            "Accepted=False/NoMatchingParent",
            "`spec.parentRefs[0].name` names the service `wob.shop`"),
        http(
            "no-parent-port",
            parents("name: web, port: 81") + RULES,
            "Accepted=False/NoMatchingParent",
            "has no port 81"),
        http(
            "bytes",
            parents("name: bytes, port: 80") + RULES,
            "Accepted=False/NotAllowedByListeners",
            "passed on as bytes"),
        http(
            "not-granted",
            web + ", rules: [{backendRefs: [{name: prices, namespace: stock, port: 80}]}]",
            "ResolvedRefs=False/RefNotPermitted",
            "no ReferenceGrant"),
        http(
            "granted",
            web + ", rules: [{backendRefs: [{name: prices, namespace: open, port: 80}]}]",
            "ResolvedRefs=True/ResolvedRefs",
            ""),
        http(
            "extension",
            web
                + ", rules: [{filters: [{type: ExtensionRef, extensionRef: {group: a.b, kind: C,"
                + " name: d}}]}]",
            "Accepted=False/",
            "ExtensionRef"),
        new Case(
            "second-parent",
            "HTTPRoute",
            "parentRefs: [{group: \"\", kind: Service, name: web}, {group: \"\", kind: Service,"
                + " name: wob}]"
                + RULES,
            1,
            "Accepted=False/NoMatchingParent",
            "parentRefs[1]"),
        new Case(
            "first-of-two",
            "HTTPRoute",
            "parentRefs: [{group: \"\", kind: Service, name: web}, {group: \"\", kind: Service,"
                + " name: wob}]"
                + RULES,
            0,
            "Accepted=True/Accepted",
            ""),
        http(
            "beside-a-gateway",
            "parentRefs: [{name: edge}, {group: \"\", kind: Service, name: web}]" + RULES,
            "Accepted=True/Accepted",
            ""),
        new Case("grpc", "GRPCRoute", calls + RULES, 0, "Accepted=True/Accepted", ""),
        new Case("tcp", "TCPRoute", parents("name: bytes") + RULES, 0, "Accepted=True/", ""),
        new Case(
            "tls",
            "TLSRoute",
            parents("name: secret") + ", hostnames: [a.b]" + RULES,
            0,
            "Accepted=True/Accepted",
            ""),
        new Case(
            "tcp-at-http",
            "TCPRoute",
            web + RULES,
            0,
            "Accepted=False/NotAllowedByListeners",
            "speaks another protocol"),
        new Case(
            "tcp-younger",
            "TCPRoute",
            parents("name: taken") + RULES,
            0,
            "Accepted=False/Conflicted",
            "TCPRoute shop/tcp-first has the port 80 of taken.shop already"),
        http(
            "no-service",
            web + ", rules: [{backendRefs: [{group: a.b, kind: Other, name: web, port: 80}]}]",
            "ResolvedRefs=False/InvalidKind",
            "only a Service"));
  }

  @ParameterizedTest
  @MethodSource("routes")
  void aRouteSaysWhatCameOfIt(Case one) throws Exception {
    kube.apply(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: %s
        metadata: {name: %s, namespace: shop}
        spec: {%s}
        """
            .formatted(one.kind(), one.name(), one.spec()));
    awaitCondition(one.kind().toLowerCase(java.util.Locale.ROOT), one.name(), one.parent(), one);
  }

  private void awaitCondition(String kind, String name, int parent, Case one) {
    AtomicReference<JsonObject> last = new AtomicReference<>();
    try {
      Awaitility.await()
          .atMost(PATIENCE)
          .ignoreExceptions()
          .until(
              () -> {
                JsonObject status = get(kind, name).getAsJsonObject("status");
                last.set(status);
                JsonObject of = parent < 0 ? status : ours(status).get(parent).getAsJsonObject();
                for (JsonElement each : of.getAsJsonArray("conditions")) {
                  JsonObject condition = each.getAsJsonObject();
                  String text =
                      condition.get("type").getAsString()
                          + "="
                          + condition.get("status").getAsString()
                          + "/"
                          + condition.get("reason").getAsString();
                  if (text.startsWith(one.condition())
                      && condition.get("message").getAsString().contains(one.said())) {
                    return true;
                  }
                }
                return false;
              });
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(one + ": " + last.get() + "\n" + mesh.logs(), e);
    }
  }

  private static List<JsonElement> ours(JsonObject status) {
    JsonArray parents = status.getAsJsonArray("parents");
    return parents.asList().stream()
        .filter(parent -> parent.getAsJsonObject().get("controllerName").getAsString().equals(OURS))
        .toList();
  }

  private JsonObject get(String kind, String name) throws Exception {
    Said said =
        kube.kubectl("-n", "shop", "get", kind, name, "-o", "json", "--show-managed-fields");
    assertThat(said.exit()).as(said.all()).isZero();
    JsonObject object = JsonParser.parseString(said.out()).getAsJsonObject();
    if (!object.has("status")) {
      object.add("status", JsonParser.parseString("{conditions: [], parents: []}"));
    }
    return object;
  }

  private void policy(String name, String spec) throws Exception {
    kube.apply(
        """
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: %s, namespace: shop}
        spec: {%s}
        """
            .formatted(name, spec));
  }

  @Test
  void kubectlWaitsForAPolicyAndTheObservedGenerationFollows() throws Exception {
    policy("waited", "targetRefs: [{name: bytes}], retries: {attempts: 3}");
    Said waited =
        kube.kubectl(
            "-n", "shop", "wait", "tpol/waited", "--for=condition=Accepted", "--timeout=30s");
    assertThat(waited.exit()).as(waited.all()).isZero();
    policy("waited", "targetRefs: [{name: bytes}], retries: {attempts: 4}");
    Said followed =
        kube.kubectl(
            "-n",
            "shop",
            "wait",
            "tpol/waited",
            "--for=jsonpath={.status.conditions[0].observedGeneration}=2",
            "--timeout=30s");
    assertThat(followed.exit()).as(followed.all()).isZero();
    assertThat(get("tpol", "waited").toString())
        .as("one field manager, by server-side apply, of the status alone")
        .contains("\"manager\":\"outrigger\",\"operation\":\"Apply\",\"subresource\":\"status\"");
  }

  @Test
  void kubectlWaitsForARoute() throws Exception {
    kube.apply(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: awaited, namespace: shop}
        spec: {%s%s}
        """
            .formatted(parents("name: web"), RULES));
    // A route has a status for each parent, and no conditions of its own that kubectl could name.
    Said waited =
        kube.kubectl(
            "-n",
            "shop",
            "wait",
            "httproute/awaited",
            "--for=jsonpath={.status.parents[0].conditions[?(@.type==\"Accepted\")].status}=True",
            "--timeout=30s");
    assertThat(waited.exit()).as(waited.all()).isZero();
  }

  private static final String GOOD = "retries: {attempts: 3}";
  private static final String BAD =
      "outlierDetection: {baseEjectionTime: 10s, maxEjectionTime: 1s}";

  /**
   * Refuses a policy, and then accepts and refuses it two times. The first refusal has other words:
   * there is no good version yet that goes on.
   */
  private void refuseAgain(String name, String target) throws Exception {
    for (String spec : List.of(BAD, GOOD, BAD, GOOD, BAD)) {
      policy(name, "targetRefs: [{name: " + target + "}], " + spec);
      awaitCondition(
          "tpol",
          name,
          -1,
          http("", "", spec.equals(BAD) ? "Accepted=False/Invalid" : "Accepted=True/Accepted", ""));
    }
  }

  @Test
  void eventsTellOfARefusalOnceAndCount() throws Exception {
    refuseAgain("told", "taken");
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(events("told"))
                    .containsExactlyInAnyOrder(
                        "Warning Invalid 1", "Warning Invalid 2", "Normal Accepted 2"));
  }

  /** Type, reason and count of the events about a policy. */
  private List<String> events(String name) throws Exception {
    Said said = kube.kubectl("-n", "shop", "get", "events.events.k8s.io", "-o", "json");
    List<String> events = new ArrayList<>();
    for (JsonElement each :
        JsonParser.parseString(said.out()).getAsJsonObject().getAsJsonArray("items")) {
      JsonObject event = each.getAsJsonObject();
      JsonObject regarding = event.getAsJsonObject("regarding");
      if (regarding.get("kind").getAsString().equals("TrafficPolicy")
          && regarding.get("name").getAsString().equals(name)) {
        events.add(
            event.get("type").getAsString()
                + " "
                + event.get("reason").getAsString()
                + " "
                + (event.has("series")
                    ? event.getAsJsonObject("series").get("count").getAsInt()
                    : 1));
      }
    }
    return events;
  }

  @Test
  void aPolicySaysThatItsTargetIsMissingOrTakenOrOneVersionTooClever() throws Exception {
    policy("lost", "targetRefs: [{name: wob}]");
    awaitCondition(
        "tpol", "lost", -1, http("", "", "ResolvedRefs=False/TargetNotFound", "web.shop"));
    policy("a-first", "targetRefs: [{name: web}]");
    policy("b-second", "targetRefs: [{name: web}]");
    awaitCondition("tpol", "b-second", -1, http("", "", "Accepted=False/Conflicted", "a-first"));
    // What only the decoder knows: a bound between two fields.
    policy(
        "late",
        "targetRefs: [{name: bytes, port: 80}], outlierDetection: {baseEjectionTime: 10s,"
            + " maxEjectionTime: 1s}");
    awaitCondition("tpol", "late", -1, http("", "", "Accepted=False/Invalid", "shorter"));
  }
}
