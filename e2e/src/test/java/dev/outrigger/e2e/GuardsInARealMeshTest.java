package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Experiments on real processes that are judged by what the proxies measure. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GuardsInARealMeshTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String API = "/api/v1/experiments/shop/";

  private App app;
  private Sidecar caller;
  private Sidecar web;
  private LoopbackMesh mesh;
  private PlainClient client;

  private static String experiment(String name, int percent, String more) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the caller copes
      owner: tests
      duration: 8s
      lease: 2s
      seed: 42
      faults:
      - {name: f, where: request, abort: {httpStatus: 503}, percentage: %d%%}
    """
            .formatted(name, percent)
        + more.indent(2)
        + "---\n";
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    app = App.saying("well");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    mesh = new LoopbackMesh(folder);
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + caller.yaml("http")
            + web.yaml("http"));
    mesh.write(
        "experiments.yaml",
        experiment(
                "harsh",
                50,
                "guards: [{name: most, successRate: {min: 90%}, window: 2s, minRequests: 20}]")
            + experiment(
                "gentle",
                10,
                "guards: [{name: half, successRate: {min: 50%}, window: 2s, minRequests: 20}]")
            + experiment("own", 100, "proxyGuard: {successRate: 90%, minRequests: 5}")
                .replace("duration: 8s", "duration: 10m")
                .replace("lease: 2s", "lease: 5m"));
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    mesh.awaitReady(web);
    client = new PlainClient(caller.outbound());
    Awaitility.await().atMost(PATIENCE).until(() -> call("ready") == 200);
  }

  @AfterAll
  void ends() throws IOException {
    mesh.close();
    if (client != null) {
      client.close();
    }
    app.close();
  }

  private int call(String id) throws IOException {
    return client.get("web.shop", "/", "x-request-id: " + id).status();
  }

  private JsonObject get(String path) throws IOException {
    return JsonParser.parseString(mesh.call(API + path, null)).getAsJsonObject();
  }

  /** Sends requests until the experiment has ended. */
  private String endUnderLoad(String name) {
    assertThat(start(name)).contains("Running");
    int[] sent = {0};
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              for (int i = 0; i < 20; i++) {
                int status = call(name + "-" + sent[0]++);
                assertThat(status).isIn(200, 503);
              }
              return !get(name).get("phase").getAsString().equals("Running");
            });
    return mesh(name);
  }

  private String start(String name) {
    try {
      return mesh.call(API + name + "/start", "{\"who\": \"test\"}");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private String mesh(String name) {
    try {
      return mesh.call(API + name, null);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  @Order(1)
  void aBreachHaltsAndTheReportSaysWhichGuardWhatAndWhere() throws Exception {
    assertThat(endUnderLoad("harsh")).contains("guard most", "shop/caller-1 -> web.shop");
    JsonObject report = get("harsh/report");
    assertThat(report.get("verdict").getAsString()).isEqualTo("Failed");
    JsonObject during = report.getAsJsonObject("during");
    JsonObject affected = during.getAsJsonObject("affected");
    assertThat(affected.get("requests").getAsLong()).isPositive();
    assertThat(affected.get("errors").getAsLong()).isEqualTo(affected.get("requests").getAsLong());
    assertThat(during.getAsJsonObject("unaffected").get("errors").getAsLong()).isZero();
    assertThat(mesh.call(API + "harsh/report.html", null)).contains("<svg", "Failed");
  }

  @Test
  @Order(2)
  void oneThatStaysWithinItsBoundCompletesAndPasses() throws Exception {
    assertThat(endUnderLoad("gentle")).contains("Completed").doesNotContain("guard half");
    JsonObject report = get("gentle/report");
    assertThat(report.get("verdict").getAsString()).isEqualTo("Passed");
  }

  @Test
  @Order(3)
  void theProxysOwnGuardEndsFaultsLongBeforeTheirLeaseWithNobodyThere() throws Exception {
    assertThat(start("own")).contains("Running");
    Awaitility.await().atMost(PATIENCE).until(() -> call("own") == 503);
    mesh.controlPlane().kill();
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> call("own") == 200);
  }
}
