package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A mesh of real processes whose desired state is in a real API server. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class MeshOfAClusterTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private KubeApi kube;
  private App app;
  private Sidecar caller;
  private Sidecar web;
  private LoopbackMesh mesh;
  private PlainClient client;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    kube = KubeApi.start(folder.resolve("kube"));
    kube.install();
    kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
    app = App.saying("well");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    kube.apply(
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + caller.yaml("http")
            + web.yaml("http"));
    mesh =
        new LoopbackMesh(
            folder.resolve("mesh-of-cluster"),
            Map.of(),
            List.of("--kubernetes", "--kubeconfig=" + kube.kubeconfig("outrigger")));
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    mesh.awaitReady(web);
    client = new PlainClient(caller.outbound());
    await("the first answer", () -> call("/").status() == 200);
  }

  @AfterAll
  void end() throws IOException {
    if (client != null) {
      client.close();
    }
    if (mesh != null) {
      mesh.close();
    }
    if (app != null) {
      app.close();
    }
    if (kube != null) {
      kube.close();
    }
  }

  private interface Holds {
    boolean holds() throws Exception;
  }

  private void await(String what, Holds condition) {
    Awaitility.await(what).atMost(PATIENCE).ignoreExceptions().until(condition::holds);
  }

  private Answer call(String path) throws IOException {
    return client.get("web.shop", path);
  }

  private String endpoints() throws IOException {
    return new String(LoopbackMesh.admin(caller, "/clusters").body(), StandardCharsets.UTF_8);
  }

  @Test
  void aRouteObjectTakesEffectAndGoes() throws Exception {
    kube.apply(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: away, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web, port: 80}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /away}}]
            filters: [{type: RequestRedirect, requestRedirect: {statusCode: 301, hostname: example.org}}]
          - backendRefs: [{name: web, port: 80}]
        """);
    await("the redirect", () -> call("/away").status() == 301);
    assertThat(call("/").status()).isEqualTo(200);
    Said gone = kube.kubectl("-n", "shop", "delete", "httproute", "away");
    assertThat(gone.exit()).as(gone.all()).isZero();
    await("the route is gone", () -> call("/away").status() == 200);
  }

  @Test
  void podsAndSlicesBecomeEndpointsAndLeaveInTheirOrder() throws Exception {
    kube.apply(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: pods, namespace: shop}
        spec:
          selector: {app: pods}
          ports: [{name: http, port: 80, targetPort: web}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: pods-1, namespace: shop, labels: {app: pods}}
        spec:
          containers: [{name: app, image: app, ports: [{name: web, containerPort: 8080}]}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: pods-2, namespace: shop, labels: {app: pods}}
        spec:
          containers: [{name: app, image: app, ports: [{name: web, containerPort: 8080}]}]
        """);
    runs("pods-1", "10.244.0.5");
    // Who ends drains only where somebody else is left.
    runs("pods-2", "10.244.0.6");
    kube.apply(slice("ready: true"));
    await("the endpoint", () -> endpoints().contains("10.244.0.5:8080"));
    kube.apply(slice("ready: false, serving: true, terminating: true"));
    await(
        "the draining endpoint",
        () ->
            endpoints()
                .lines()
                .anyMatch(line -> line.contains("10.244.0.5:8080") && line.contains("draining")));
    kube.apply(slice("ready: false, serving: false, terminating: true"));
    await("no endpoint", () -> !endpoints().contains("10.244.0.5:8080"));
  }

  private void runs(String pod, String address) throws Exception {
    Said patched =
        kube.kubectl(
            "-n",
            "shop",
            "patch",
            "pod",
            pod,
            "--subresource=status",
            "--type=merge",
            "-p",
            "{\"status\":{\"phase\":\"Running\",\"podIP\":\"%1$s\",\"podIPs\":[{\"ip\":\"%1$s\"}]}}"
                .formatted(address));
    assertThat(patched.exit()).as(patched.all()).isZero();
  }

  private static String slice(String conditions) {
    return """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata:
      name: pods-x
      namespace: shop
      labels: {kubernetes.io/service-name: pods}
    addressType: IPv4
    ports: [{name: http, port: 8080, protocol: TCP}]
    endpoints:
    - addresses: [10.244.0.5]
      conditions: {%s}
      targetRef: {kind: Pod, name: pods-1, namespace: shop}
    - addresses: [10.244.0.6]
      conditions: {ready: true}
      targetRef: {kind: Pod, name: pods-2, namespace: shop}
    """
        .formatted(conditions);
  }

  @Test
  void aPolicyIsProgrammedOnceAllProxiesHaveIt() throws Exception {
    kube.apply(
        """
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: web, namespace: shop}
        spec: {targetRefs: [{name: web}], timeouts: {request: 20s}}
        """);
    Said waited =
        kube.kubectl(
            "-n", "shop", "wait", "tpol/web", "--for=condition=Programmed", "--timeout=30s");
    assertThat(waited.exit()).as(waited.all()).isZero();
  }

  @Test
  void anExperimentThatIsCreatedRunsAndSaysHowFarItIs() throws Exception {
    kube.apply(
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: teapot, namespace: shop}
        spec:
          hypothesis: callers see it
          owner: tests
          duration: 8s
          lease: 1s
          start: immediate
          faults: [{name: f, where: request, abort: {httpStatus: 418}}]
        """);
    await("the fault", () -> call("/").status() == 418);
    Said running = phase("teapot", "Running");
    assertThat(running.exit()).as(running.all()).isZero();
    Said recovered = phase("teapot", "Recovered");
    assertThat(recovered.exit()).as(recovered.all()).isZero();
    assertThat(call("/").status()).isEqualTo(200);
    assertThat(kube.kubectl("-n", "shop", "get", "exp", "teapot").out())
        .contains("Recovered")
        .contains("tests");
  }

  private String submit(String name) throws IOException {
    JsonObject body = new JsonObject();
    body.addProperty("who", "ann");
    body.addProperty(
        "document",
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: %s, namespace: shop}
        spec:
          hypothesis: callers see it
          owner: tests
          duration: 1s
          lease: 1s
          faults: [{name: f, where: request, abort: {httpStatus: 418}}]
        """
            .formatted(name));
    return mesh.call("/api/v1/experiments", body.toString());
  }

  @Test
  void whatIsSubmittedIsAnObjectAndWithoutAnApiServerNothingIs() throws Exception {
    assertThat(submit("kept")).contains("Pending");
    assertThat(kube.must("-n", "shop", "get", "experiment", "kept", "-o", "yaml"))
        .contains("chaos.outrigger.dev/submitted-by: ann", "duration: 1s");
    assertThat(mesh.call("/api/v1/experiments/shop/kept/start", "{}")).contains("Running");
    Said recovered = phase("kept", "Recovered");
    assertThat(recovered.exit()).as(recovered.all()).isZero();
    kube.lose();
    try {
      assertThat(submit("unkept")).contains("OR2023");
      assertThat(mesh.call("/api/v1/experiments", null))
          .contains("shop/kept")
          .doesNotContain("unkept");
    } finally {
      kube.restore();
    }
    await("it is taken", () -> submit("unkept").contains("Pending"));
    kube.must("-n", "shop", "get", "experiment", "unkept");
  }

  private Said phase(String experiment, String phase) throws Exception {
    return kube.kubectl(
        "-n",
        "shop",
        "wait",
        "exp/" + experiment,
        "--for=jsonpath={.status.phase}=" + phase,
        "--timeout=30s");
  }

  /** What the kubelet would project into a pod, which there is no kubelet to do. */
  private String projected(String pod, String audience) throws Exception {
    String uid =
        kube.kubectl("-n", "shop", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}").out();
    Said token =
        kube.kubectl(
            "-n",
            "shop",
            "create",
            "token",
            "joiner",
            "--audience=" + audience,
            "--bound-object-kind=Pod",
            "--bound-object-name=" + pod,
            "--bound-object-uid=" + uid);
    assertThat(token.exit()).as(token.all()).isZero();
    return token.out().strip();
  }

  @Test
  void aProxyJoinsByTheTokenOfItsPodAndByNoOther(@TempDir Path temporary) throws Exception {
    Sidecar joiner = Sidecar.beside("joiner-1", "joiner", app.port());
    kube.apply(
        joiner.yaml("http")
            + """
            ---
            {apiVersion: v1, kind: ServiceAccount, metadata: {name: joiner, namespace: shop}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: joiner-1, namespace: shop}
            spec: {serviceAccountName: joiner, containers: [{name: app, image: app}]}
            """);
    String good = projected("joiner-1", "outrigger.dev");
    String unbound =
        kube.kubectl("-n", "shop", "create", "token", "joiner", "--audience=outrigger.dev")
            .out()
            .strip();
    assertThat(refusal(projected("joiner-1", "elsewhere"), "shop/joiner-1"))
        .contains("UNAUTHENTICATED", "OR3001");
    assertThat(refusal(unbound, "shop/joiner-1")).contains("UNAUTHENTICATED", "OR3002");
    assertThat(refusal(good, "shop/web-1")).contains("PERMISSION_DENIED", "OR3003", "joiner-1");

    // Tokens are replaced by the kubelet: the proxy reads the file again whenever it asks.
    Path token = temporary.resolve("token");
    Files.writeString(token, unbound);
    List<String> command =
        Peers.outrigger(
            "proxy",
            "--mesh=127.0.0.1:" + mesh.xdsTlsPort(),
            "--join-token-file=" + token,
            "--root-ca=" + mesh.root(),
            "--workload=joiner-1",
            "--namespace=shop",
            "--concurrency=1",
            "--admin=127.0.0.1:" + joiner.admin());
    try (Launched proxy = Launched.start(temporary, "joiner", command, Map.of())) {
      proxy.await(Pattern.compile("OR3002"), PATIENCE);
      Peers.replace(token, good);
      await("it is ready", () -> LoopbackMesh.admin(joiner, "/ready").status() == 200);
      assertThat(proxy.said()).contains("identity spiffe://cluster.local/ns/shop/sa/joiner until");
      try (PlainClient itself = new PlainClient(joiner.outbound())) {
        await("mutual TLS by it", () -> itself.get("web.shop", "/").status() == 200);
      }
    }
  }

  private String refusal(String token, String workload) throws Exception {
    return Joining.refusal(mesh.xdsTlsPort(), mesh.root(), token, workload);
  }

  @Test
  void aLostServerChangesNothingAndWhatChangedMeanwhileComesAfterwards() throws Exception {
    kube.lose();
    for (int i = 0; i < 20; i++) {
      assertThat(call("/").status()).isEqualTo(200);
    }
    // A proxy that begins now gets what the control plane knows.
    mesh.proxy(caller).kill();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    client.close();
    client = new PlainClient(caller.outbound());
    await("an answer of the new proxy", () -> call("/").status() == 200);
    kube.restore();
    kube.apply(LoopbackMesh.service("later", "http"));
    await("what came later", () -> endpoints().contains("later"));
    assertThat(mesh.controlPlane().isAlive()).isTrue();
  }

  @Test
  void whoMayNotReadTheClusterIsToldSo(@TempDir Path folder) throws Exception {
    List<String> command =
        Peers.outrigger(
            "control-plane",
            "--kubernetes",
            "--kubeconfig=" + kube.kubeconfig("nobody"),
            "--state=" + folder.resolve("state"),
            "--xds-port=0",
            "--xds-tls-port=0",
            "--api-port=0");
    try (Launched refused = Launched.start(folder, "nobody", command, Map.of())) {
      assertThat(refused.exit(PATIENCE)).isEqualTo(1);
      assertThat(refused.said()).contains("cannot be read").contains("forbidden");
    }
  }
}
