package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LightProxy;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Replica;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A control plane and one that stands by, two callers' proxies and fifty that only hear of faults.
 * The control plane is killed while a fault acts; the one that stood by takes its place, and its
 * halt reaches every proxy at once. The same seed hits the same requests before and after, by
 * either replica of the caller.
 *
 * <p>{@code -Doutrigger.full=true} sends 10,000 requests instead of 500, and halts ten times.
 */
@Tag("measured")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HaltReachesEveryProxyTest {
  private static final boolean FULL = Boolean.getBoolean("outrigger.full");
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int LIGHT = 50;
  private static final int REQUESTS = FULL ? 10_000 : 500;
  private static final int HALTS = FULL ? 10 : 1;
  private static final long LIMIT_MILLIS = FULL ? 500 : 2_000;

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<LightProxy> light = new ArrayList<>();
  private App app;
  private Sidecar one;
  private Sidecar two;
  private LoopbackMesh mesh;
  private Replica standby;
  private Path folder;

  private static String experiment(String name, String fault) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the callers cope
      owner: tests
      duration: 10m
      lease: 10s
      seed: 42
      start: manual
      faults:
      - {name: f, where: request, abort: {httpStatus: 503}%s}
    ---
    """
        .formatted(name, fault);
  }

  @BeforeAll
  void startsAMesh(@TempDir Path temporary) throws Exception {
    folder = temporary;
    app = App.saying("well");
    one = Sidecar.beside("caller-1", "caller", 1);
    two = Sidecar.beside("caller-2", "caller", 1);
    mesh = new LoopbackMesh(folder);
    StringBuilder yaml =
        new StringBuilder(
            LoopbackMesh.settings("STRICT")
                + "  chaos: {haltCooldown: 0s}\n"
                + LoopbackMesh.service("web", "http")
                + one.yaml("http")
                + two.yaml("http")
                + """
                ---
                apiVersion: mesh.outrigger.dev/v1alpha1
                kind: Workload
                metadata: {name: web-1, namespace: shop, labels: {app: web}}
                spec:
                  address: 127.0.0.1
                  ports: [{name: main, port: %d, appProtocol: http}]
                  sidecar: {mode: none}
                """
                    .formatted(app.port()));
    for (int i = 1; i <= LIGHT; i++) {
      yaml.append(
          """
          ---
          apiVersion: mesh.outrigger.dev/v1alpha1
          kind: Workload
          metadata: {name: light-%d, namespace: shop, labels: {app: light}}
          spec:
            address: 127.0.1.%d
            ports: [{name: main, port: 8080, appProtocol: http}]
          """
              .formatted(i, i));
    }
    mesh.write("mesh.yaml", yaml.toString());
    mesh.write(
        "experiments.yaml", experiment("all", "") + experiment("fifth", ", percentage: 20%"));
    mesh.startControlPlane();
    standby = mesh.startReplica();
    mesh.startProxy(one, Map.of(), "--drain-time=1s");
    mesh.startProxy(two, Map.of(), "--drain-time=1s");
    for (int i = 1; i <= LIGHT; i++) {
      light.add(new LightProxy("light-" + i, List.of(mesh.xdsPort(), standby.xds()), timer));
    }
    mesh.awaitReady(one);
    mesh.awaitReady(two);
    awaitConnected(mesh.xdsPort());
    await("calls", () -> status(one) == 200 && status(two) == 200);
  }

  @AfterAll
  void ends() {
    light.forEach(LightProxy::close);
    timer.shutdownNow();
    mesh.close();
    app.close();
  }

  private static void await(String what, Callable<Boolean> condition) {
    Awaitility.await(what)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .ignoreExceptionsInstanceOf(IOException.class)
        .until(condition);
  }

  private void awaitConnected(int port) {
    await(
        "everyone is connected",
        () ->
            light.stream().allMatch(proxy -> proxy.connectedTo() == port)
                && mesh.status().getAsJsonArray("proxies").size() == LIGHT + 2);
  }

  private static int status(Sidecar from) throws IOException {
    try (PlainClient client = new PlainClient(from.outbound())) {
      return client.get("web.shop", "/").status();
    }
  }

  private void start(String name) {
    await(
        name + " starts",
        () ->
            mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                .contains("Running"));
    await("both callers go by it", () -> status(one) == 503 || !name.equals("all"));
    for (Sidecar caller : List.of(one, two)) {
      await(
          "it acts at the callers",
          () -> LoopbackMesh.admin(caller, "/faults").text().contains(name + "/f "));
    }
    await("everyone hears of it", () -> light.stream().allMatch(LightProxy::holds));
  }

  /** The ids of those that were hit. */
  private static Set<Integer> hits(Sidecar caller) throws Exception {
    int lanes = 4;
    List<Callable<Set<Integer>>> work = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      int first = lane;
      work.add(
          () -> {
            Set<Integer> hit = new TreeSet<>();
            try (PlainClient client = new PlainClient(caller.outbound())) {
              for (int id = first; id < REQUESTS; id += lanes) {
                Answer answer = client.get("web.shop", "/", "x-request-id: seeded-" + id);
                assertThat(answer.status()).isIn(200, 503);
                if (answer.header("x-outrigger-fault") != null) {
                  hit.add(id);
                }
              }
            }
            return hit;
          });
    }
    Set<Integer> all = new TreeSet<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(lanes)) {
      for (Future<Set<Integer>> some : threads.invokeAll(work)) {
        all.addAll(some.get());
      }
    }
    return all;
  }

  /** Milliseconds from then until the last of all has acknowledged; the callers by their calls. */
  private long ended(long since) {
    await("everyone hears of the end", () -> light.stream().noneMatch(LightProxy::holds));
    return TimeUnit.NANOSECONDS.toMillis(
        light.stream().mapToLong(LightProxy::endedAt).max().orElseThrow() - since);
  }

  /** The last touched answer that each caller gets, from then on until it is spared. */
  private static Callable<Long> spared(Sidecar caller) {
    return () -> {
      try (PlainClient client = new PlainClient(caller.outbound())) {
        long last = System.nanoTime();
        int spared = 0;
        while (spared < 20) {
          if (client.get("web.shop", "/").status() == 200) {
            spared++;
          } else {
            spared = 0;
            last = System.nanoTime();
          }
        }
        return last;
      }
    };
  }

  @Test
  void aHaltReachesAllWithOneReplicaDeadAndTheSeedHitsTheSameRequests() throws Exception {
    start("fifth");
    Set<Integer> before = hits(one);
    assertThat(before.size() / (double) REQUESTS).isCloseTo(0.2, within(FULL ? 0.015 : 0.09));
    assertThat(hits(two)).as("by the other replica of the caller").isEqualTo(before);
    mesh.call("/api/v1/experiments/shop/fifth/stop", "{\"who\": \"test\"}");
    ended(System.nanoTime());

    assertThat(standby.process().said()).contains("waits as a standby").doesNotContain("ready");
    start("all");
    mesh.controlPlane().kill();
    long killed = System.nanoTime();
    mesh.call(standby);
    // Its faults end before their leases: the one that takes over halts what nobody watched.
    long over = ended(killed);
    awaitConnected(standby.xds());
    System.out.printf(
        "the control plane is killed: all %d proxies freed after %d ms, all moved after %d ms%n",
        LIGHT, over, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killed));
    await("the callers are free", () -> status(one) == 200 && status(two) == 200);

    List<Long> byApi = new ArrayList<>();
    List<Long> byCalls = new ArrayList<>();
    try (HttpClient client = HttpClient.newHttpClient();
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      HttpRequest.Builder to =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + standby.api() + "/api/v1/halt"));
      HttpRequest halt =
          to.POST(HttpRequest.BodyPublishers.ofString("{\"who\": \"test\"}")).build();
      for (int i = 0; i < HALTS; i++) {
        start("all");
        List<Future<Long>> callers =
            List.of(threads.submit(spared(one)), threads.submit(spared(two)));
        long asked = System.nanoTime();
        assertThat(client.send(halt, HttpResponse.BodyHandlers.ofString()).body()).contains("all");
        byApi.add(ended(asked));
        for (Future<Long> caller : callers) {
          byCalls.add(TimeUnit.NANOSECONDS.toMillis(caller.get() - asked));
        }
      }
    }
    start("all");
    long typed = System.nanoTime();
    try (Launched command =
        Launched.start(
            folder,
            "halt",
            Peers.outrigger("halt", "--all", "--api", "http://127.0.0.1:" + standby.api()))) {
      assertThat(command.exit(PATIENCE)).isZero();
      System.out.printf("outrigger halt took %d ms%n", (System.nanoTime() - typed) / 1_000_000);
    }
    System.out.printf(
        "ms from the halt to the last acknowledgement of %d: %s; to the last touched call at two"
            + " callers: %s; with the command's start: %d%n",
        LIGHT, byApi, byCalls, ended(typed));
    assertThat(byApi).allSatisfy(took -> assertThat(took).isLessThanOrEqualTo(LIMIT_MILLIS));
    assertThat(byCalls).allSatisfy(took -> assertThat(took).isLessThanOrEqualTo(LIMIT_MILLIS));

    start("fifth");
    assertThat(hits(two)).as("after a restart, by the other replica").isEqualTo(before);
    System.out.printf(
        "seeds: %d requests, %d hit, the same by two callers under two control planes%n",
        REQUESTS, before.size());
  }
}
