package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What a caller measures of faults that are written as documents and run by a control plane. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToxicsInARealMeshTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int BIG = 512 * 1024;

  private App app;
  private Sidecar caller;
  private Sidecar web;
  private LoopbackMesh mesh;
  private PlainClient client;

  private static String experiment(String name, String fault) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the caller copes
      owner: tests
      duration: 10m
      lease: 5s
      seed: 42
      start: manual
      faults:
      - name: f
    """
            .formatted(name)
        + fault.indent(4)
        + "---\n";
  }

  private static String onWire(String fault) {
    return "where: connection\nmatch: {destination: {services: [web]}}\n" + fault;
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    String big = "x".repeat(BIG);
    app =
        App.answering(
            exchange -> {
              String tenant = exchange.getRequestHeaders().getFirst("x-tenant");
              return exchange.getRequestURI().getPath().equals("/big") ? big : "for " + tenant;
            });
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
        experiment("late", onWire("latency: {latency: 100ms, direction: downstream}"))
            + experiment(
                "measured",
                onWire("latency: {quantiles: {p0: 150ms, p100: 200ms}, direction: upstream}"))
            + experiment("narrow", onWire("bandwidth: {rate: 256Ki, direction: downstream}"))
            + experiment("stalled", onWire("stall: {timeout: 300ms}"))
            + experiment("split", onWire("partition: {direction: upstream}"))
            + experiment("torn", onWire("resetPeer: {}"))
            + experiment("short", onWire("limit: {bytes: 100000, direction: downstream}"))
            + experiment("sliced", onWire("slicer: {averageSize: 4000, delay: 1ms}"))
            + experiment(
                "slow", "where: request\nthrottle: {rate: 256Ki}\nmatch: {paths: [{value: /big}]}")
            + experiment(
                "slow-inside",
                "where: inbound\nthrottle: {rate: 256Ki}\n"
                    + "match: {source: {labels: {app: caller}}, destination: {labels: {app: web}}}")
            + experiment(
                "changed",
                "where: request\nrewrite: {request: {set: {x-tenant: nobody}}, response: {status:"
                    + " 429, set: {retry-after: \"7\"}}}")
            + experiment("first", "where: request\nabort: {httpStatus: 503}\nfirst: 3")
            + experiment(
                "call",
                "where: request\nabort: {grpcStatus: 14}\n"
                    + "match: {grpc: [{service: shop.Catalog, method: Get}]}"));
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    mesh.awaitReady(web);
    client = new PlainClient(caller.outbound());
    Awaitility.await().atMost(PATIENCE).until(() -> call("/").status() == 200);
  }

  @AfterAll
  void ends() throws IOException {
    mesh.close();
    if (client != null) {
      client.close();
    }
    app.close();
  }

  @AfterEach
  void halts() throws IOException {
    mesh.call("/api/v1/halt", "{\"who\": \"test\"}");
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                LoopbackMesh.admin(caller, "/faults").text().startsWith("no fault")
                    && LoopbackMesh.admin(web, "/faults").text().startsWith("no fault"));
  }

  private Answer call(String path, String... headers) throws IOException {
    return client.get("web.shop", path, headers);
  }

  /** Starts it, and waits until the callers' or the receivers' proxy goes by it. */
  private void start(String name, Sidecar where) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                    .contains("Running"));
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> LoopbackMesh.admin(where, "/faults").text().contains(name + "/f "));
  }

  private interface Step {
    void run() throws IOException;
  }

  private static double seconds(Step step) throws IOException {
    long began = System.nanoTime();
    step.run();
    return (System.nanoTime() - began) / 1e9;
  }

  private double medianSeconds() throws IOException {
    List<Double> all = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      all.add(seconds(() -> assertThat(call("/").status()).isEqualTo(200)));
    }
    all.sort(null);
    return all.get(all.size() / 2);
  }

  @Test
  void latencyOnALiveConnectionIsWhatWasWritten() throws Exception {
    double before = medianSeconds();
    start("late", caller);
    assertThat(medianSeconds()).isBetween(0.1, 0.125 + before);
    halts();
    assertThat(medianSeconds()).isLessThan(0.1);
  }

  @Test
  void latencyByATableOfQuantiles() throws Exception {
    double before = medianSeconds();
    start("measured", caller);
    assertThat(medianSeconds()).isBetween(0.15, 0.225 + before);
  }

  @Test
  void bandwidthIsWhatWasWrittenAndEveryByteComes() throws Exception {
    start("narrow", caller);
    assertThat(seconds(() -> assertThat(call("/big").body()).hasSize(BIG))).isBetween(1.95, 2.6);
  }

  @Test
  void piecesMakeAWhole() throws Exception {
    start("sliced", caller);
    assertThat(seconds(() -> assertThat(call("/big").body()).hasSize(BIG))).isGreaterThan(0.1);
  }

  @Test
  void aStallClosesAfterItsTimeoutAndTheCallerHearsOfIt() throws Exception {
    start("stalled", caller);
    assertThat(
            seconds(
                () ->
                    assertThat(call("/", "x-request-id: s").status()).isGreaterThanOrEqualTo(500)))
        .isLessThan(10);
  }

  @Test
  void aPartitionHoldsARequestUntilItIsOver() throws Exception {
    start("split", caller);
    Thread ending =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    // The request below is on its way when this is answered, or is held after it.
                    LoopbackMesh.admin(caller, "/faults");
                    mesh.call("/api/v1/halt", "{\"who\": \"test\"}");
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
    assertThat(call("/").status()).isEqualTo(200);
    ending.join();
  }

  @Test
  void aConnectionThatWasResetIsReplacedAndAnAnswerThatIsCutIsNotWhole() throws Exception {
    start("short", caller);
    try (PlainClient other = new PlainClient(caller.outbound())) {
      org.assertj.core.api.Assertions.assertThatThrownBy(() -> other.get("web.shop", "/big"))
          .isInstanceOf(IOException.class);
    }
    halts();
    assertThat(call("/big").body()).hasSize(BIG);
    start("torn", caller);
    halts();
    assertThat(call("/").status()).isEqualTo(200);
  }

  @Test
  void oneBodyIsSlowAndTheOthersAreNot() throws Exception {
    start("slow", caller);
    long began = System.nanoTime();
    Thread other =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (PlainClient quick = new PlainClient(caller.outbound())) {
                    for (int i = 0; i < 20; i++) {
                      assertThat(quick.get("web.shop", "/").status()).isEqualTo(200);
                    }
                    assertThat(System.nanoTime() - began).isLessThan(1_500_000_000L);
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
    double took =
        seconds(
            () -> {
              Answer answer = call("/big");
              assertThat(answer.body()).hasSize(BIG);
              assertThat(answer.header("x-outrigger-fault")).isEqualTo("slow");
            });
    other.join();
    assertThat(took).isBetween(1.95, 2.6);
  }

  @Test
  void theReceiverKnowsItsCallersAndSlowsThem() throws Exception {
    start("slow-inside", web);
    double took =
        seconds(
            () -> {
              Answer answer = call("/big");
              assertThat(answer.body()).hasSize(BIG);
              assertThat(answer.header("x-outrigger-fault")).isEqualTo("slow-inside");
            });
    assertThat(took).isBetween(1.95, 2.6);
  }

  @Test
  void headersAndStatusAreRewritten() throws Exception {
    start("changed", caller);
    Answer answer = call("/", "x-tenant: one");
    assertThat(answer.status()).isEqualTo(429);
    assertThat(answer.header("retry-after")).isEqualTo("7");
    assertThat(answer.text()).isEqualTo("for nobody");
  }

  @Test
  void theFirstThreeFailAndTheRestPassAndARestartCountsAnew() throws Exception {
    for (int round = 0; round < 2; round++) {
      start("first", caller);
      List<Integer> statuses = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        statuses.add(call("/").status());
      }
      assertThat(statuses).containsExactly(503, 503, 503, 200, 200, 200);
      halts();
    }
  }

  @Test
  void aGrpcMethodIsMetAndOthersAreNot() throws Exception {
    start("call", caller);
    byte[] nothing = new byte[0];
    Answer met =
        client.request(
            "POST", "web.shop", "/shop.Catalog/Get", nothing, "content-type: application/grpc");
    assertThat(met.status()).isEqualTo(200);
    assertThat(met.header("grpc-status")).isEqualTo("14");
    for (String spared : List.of("/shop.Catalog/List", "/shop.Cart/Get")) {
      assertThat(
              client
                  .request("POST", "web.shop", spared, nothing, "content-type: application/grpc")
                  .headers())
          .doesNotContainKey("x-outrigger-fault");
    }
    assertThat(call("/shop.Catalog/Get").status()).isEqualTo(200);
    assertThat(call("/shop.Catalog/Get").headers()).doesNotContainKey("grpc-status");
  }
}
