package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Experiments on real processes: whom they hit, what the caller sees, and how they end. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FaultsInARealMeshTest {
  private static final int MANY = 10_000;
  private static final Duration LEASE = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private App app;
  private App echo;
  private Sidecar caller;
  private Sidecar web;
  private Sidecar lines;
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
      lease: %ds
      seed: 42
      start: manual
      faults:
      - name: f
    """
            .formatted(name, LEASE.toSeconds())
        + fault.indent(4)
        + "---\n";
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    app = App.saying("well");
    echo = App.saying("bytes");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    lines = Sidecar.beside("lines-1", "lines", echo.port());
    mesh = new LoopbackMesh(folder);
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + caller.yaml("http")
            + web.yaml("http")
            + """
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: TrafficPolicy
            metadata: {name: web, namespace: shop}
            spec:
              targetRefs: [{kind: Service, name: web}]
              retries: {attempts: 10, on: [safe], codes: [503], backoff: {base: 1ms, max: 5ms}}
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: front, namespace: shop}
            spec:
              parentRefs: [{group: "", kind: Service, name: front}]
              rules:
              - backendRefs: [{name: web, port: 80}]
            """
            + LoopbackMesh.service("front", "http"));
    String front = "match: {destination: {services: [front]}}";
    mesh.write(
        "experiments.yaml",
        experiment("fifth", "where: request\nabort: {httpStatus: 418}\npercentage: 20%")
            + experiment("request", "where: request\nabort: {httpStatus: 503}\npercentage: 50%")
            + experiment("attempt", "where: attempt\nabort: {httpStatus: 503}\npercentage: 20%")
            + experiment("called", "where: request\nabort: {httpStatus: 418}\n" + front)
            + experiment("tried", "where: attempt\nabort: {httpStatus: 418}\n" + front)
            + experiment("late", "where: request\ndelay: {fixed: 300ms}")
            + experiment("cut", "where: request\nreset: {}\nmatch: {paths: [{value: /cut}]}"));
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    mesh.awaitReady(web);
    client = new PlainClient(caller.outbound());
    Awaitility.await().atMost(PATIENCE).until(() -> call("ready").status() == 200);
  }

  @AfterAll
  void ends() throws IOException {
    mesh.close();
    if (client != null) {
      client.close();
    }
    app.close();
    echo.close();
  }

  @AfterEach
  void halts() throws IOException {
    if (mesh.controlPlane().isAlive()) {
      mesh.call("/api/v1/halt", "{\"who\": \"test\"}");
      awaitSpared();
    }
  }

  private Answer call(String id) throws IOException {
    return client.get("web.shop", "/", "x-request-id: " + id);
  }

  /** Starts it, if need be as soon as no proxy can hold anything of its last run any more. */
  private void start(String name) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                    .contains("Running"));
  }

  /** Waits until some requests in a row meet no fault. */
  private void awaitSpared() {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              for (int i = 0; i < 40; i++) {
                if (call("spared-" + i).status() != 200) {
                  return false;
                }
              }
              return true;
            });
  }

  /** Waits until a fault is in force: some request meets it. */
  private void awaitHit(String experiment) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              for (int i = 0; i < 40; i++) {
                if (experiment.equals(call("hit-" + i).header("x-outrigger-fault"))) {
                  return true;
                }
              }
              return false;
            });
  }

  private List<Integer> hits(int status) throws IOException {
    List<Integer> hits = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      Answer answer = call("id-" + i);
      if (answer.status() == 200) {
        assertThat(answer.headers()).doesNotContainKey("x-outrigger-fault");
      } else {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("x-outrigger-fault")).isEqualTo("fifth");
        hits.add(i);
      }
    }
    return hits;
  }

  private long metric(String name, String... labels) throws IOException {
    long sum = 0;
    Matcher lines =
        Pattern.compile("(?m)^" + name + "\\{([^}]*)} ([0-9]+)")
            .matcher(LoopbackMesh.admin(caller, "/metrics").text());
    while (lines.find()) {
      boolean all = true;
      for (String label : labels) {
        all &= lines.group(1).contains(label);
      }
      sum += all ? Long.parseLong(lines.group(2)) : 0;
    }
    return sum;
  }

  @Test
  @Order(1)
  void aFifthIsAFifthAndTheSameSeedHitsTheSameRequests() throws Exception {
    start("fifth");
    awaitHit("fifth");
    long before = metric("outrigger_requests_total", "fault=\"fifth\"");
    List<Integer> first = hits(418);
    assertThat(first.size() / (double) MANY).isCloseTo(0.2, within(0.015));
    assertThat(metric("outrigger_requests_total", "fault=\"fifth\"") - before)
        .isEqualTo(first.size());
    mesh.call("/api/v1/experiments/shop/fifth/stop", "{\"who\": \"test\"}");
    awaitSpared();
    start("fifth");
    awaitHit("fifth");
    assertThat(hits(418)).isEqualTo(first);
  }

  @Test
  @Order(2)
  void atAnAttemptItIsRetriedAndHiddenAtARequestItIsNot() throws Exception {
    start("attempt");
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              assertThat(call("warm-" + System.identityHashCode(new Object())).status())
                  .isEqualTo(200);
              return metric("outrigger_upstream_retries_total") > 0;
            });
    long reached = app.requests();
    for (int i = 0; i < 500; i++) {
      Answer answer = call("attempt-" + i);
      assertThat(answer.status()).as(answer::text).isEqualTo(200);
    }
    // A fault at an attempt never leaves the proxy, so each request arrives just once.
    assertThat(app.requests() - reached).isEqualTo(500);
    halts();

    start("request");
    awaitHit("request");
    int failed = 0;
    long before = app.requests();
    for (int i = 0; i < 500; i++) {
      failed += call("request-" + i).status() == 503 ? 1 : 0;
    }
    assertThat(failed).isBetween(200, 300);
    assertThat(app.requests() - before).isEqualTo(500 - failed);
  }

  @Test
  @Order(3)
  void aDelayDelaysAndAResetCutsAndTheOthersDoNotNotice() throws Exception {
    start("late");
    awaitHit("late");
    long began = System.nanoTime();
    assertThat(call("late").status()).isEqualTo(200);
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isBetween(Duration.ofMillis(290), Duration.ofSeconds(5));
    halts();

    start("cut");
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              try (Socket socket = new Socket("127.0.0.1", caller.outbound())) {
                socket.setSoTimeout(5000);
                socket
                    .getOutputStream()
                    .write(
                        "GET /cut HTTP/1.1\r\nhost: web.shop\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
                return socket.getInputStream().read() < 0;
              } catch (IOException e) {
                return true;
              }
            });
    assertThat(call("other").status()).isEqualTo(200);
  }

  private List<String> edges(String experiment) throws IOException {
    List<String> edges = new ArrayList<>();
    for (JsonElement one :
        JsonParser.parseString(
                mesh.call("/api/v1/experiments/shop/" + experiment + "/report", null))
            .getAsJsonObject()
            .getAsJsonArray("edges")) {
      JsonObject edge = one.getAsJsonObject();
      edges.add(
          "%s %s affected: %b"
              .formatted(
                  edge.get("workload").getAsString(),
                  edge.get("service").getAsString(),
                  edge.getAsJsonObject("affected").get("requests").getAsLong() >= 200));
    }
    return edges;
  }

  /** The route of front sends everything to web. */
  @Test
  @Order(6)
  void whatIsCalledIsHitThoughItsRouteSendsItOnAndDirectCallsAreNot() throws Exception {
    for (String experiment : List.of("called", "tried")) {
      start(experiment);
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> client.get("front.shop", "/").status() == 418);
      for (int i = 0; i < 200; i++) {
        Answer front = client.get("front.shop", "/");
        assertThat(front.status()).isEqualTo(418);
        assertThat(front.header("x-outrigger-fault")).isEqualTo(experiment);
        assertThat(call("direct-" + i).status()).isEqualTo(200);
      }
      // Proxies tell what they measured twice a second.
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(edges(experiment))
                      .containsExactly("shop/caller-1 front.shop affected: true"));
      mesh.call("/api/v1/experiments/shop/" + experiment + "/stop", "{\"who\": \"test\"}");
    }
  }

  @Test
  @Order(4)
  void startingAndStoppingClosesNoConnection() throws Exception {
    // The client's one connection has lived through all of the above and through this.
    try (PlainClient other = new PlainClient(caller.outbound())) {
      for (int round = 0; round < 3; round++) {
        start("fifth");
        awaitHit("fifth");
        assertThat(other.get("web.shop", "/", "x-request-id: a" + round).keepsAlive()).isTrue();
        halts();
        assertThat(other.get("web.shop", "/", "x-request-id: b" + round).keepsAlive()).isTrue();
      }
    }
  }

  @Test
  @Order(9)
  void aKilledControlPlaneEndsFaultsWithinTheLeaseAndNothingElse() throws Exception {
    start("fifth");
    awaitHit("fifth");
    mesh.controlPlane().kill();
    long killed = System.nanoTime();
    long lastHit = killed;
    int requests = 0;
    while (System.nanoTime() - killed < LEASE.plusSeconds(3).toNanos()) {
      Answer answer = call("after-" + requests++);
      if (answer.status() != 200) {
        assertThat(answer.header("x-outrigger-fault")).isEqualTo("fifth");
        lastHit = System.nanoTime();
      }
    }
    assertThat(Duration.ofNanos(lastHit - killed)).isLessThan(LEASE.plusSeconds(1));
    assertThat(lastHit).as("there were hits while the lease lasted").isGreaterThan(killed);
    assertThat(requests).isGreaterThan(200);
  }

  @Test
  @Order(5)
  void theLogSaysWhatTheCallerSaw() throws Exception {
    start("fifth");
    awaitHit("fifth");
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(mesh.proxy(caller).said().lines())
                    .anySatisfy(
                        line ->
                            assertThat(line)
                                .startsWith("{")
                                .satisfies(
                                    text ->
                                        assertThat(JsonParser.parseString(text).isJsonObject())
                                            .isTrue())
                                .contains("\"fifth\"")
                                .contains("\"FI\"")
                                .contains("418")));
  }
}
