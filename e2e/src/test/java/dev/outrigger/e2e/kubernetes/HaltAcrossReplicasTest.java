package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.LightProxy;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.Peers;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three control planes over a real API server, of which the one that led is killed, and fifty
 * proxies spread over them. A halt that is asked of either of the two that are left reaches all.
 *
 * <p>{@code -Doutrigger.full=true} halts ten times at each, and holds them to 500 ms.
 */
@Tag("measured")
final class HaltAcrossReplicasTest {
  private static final boolean FULL = Boolean.getBoolean("outrigger.full");
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String RUNS = "/api/v1/experiments";
  private static final int PROXIES = 50;
  private static final int HALTS = FULL ? 10 : 2;
  private static final long LIMIT_MILLIS = FULL ? 500 : 2_000;

  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<LightProxy> proxies = new ArrayList<>();
  private final List<Replica> replicas = new ArrayList<>();

  private void await(String what, Callable<Boolean> condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .ignoreExceptions()
          .until(condition);
    } catch (ConditionTimeoutException e) {
      StringBuilder logs = new StringBuilder(what);
      replicas.forEach(
          one -> logs.append("\n--- ").append(one.name()).append(one.process().said()));
      throw new AssertionError(logs.toString(), e);
    }
  }

  private static String objects() {
    StringBuilder yaml =
        new StringBuilder(LoopbackMesh.settings("STRICT") + "  chaos: {haltCooldown: 0s}\n");
    for (int i = 1; i <= PROXIES; i++) {
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
    return yaml.append(
            """
            ---
            apiVersion: chaos.outrigger.dev/v1alpha1
            kind: Experiment
            metadata: {name: all, namespace: shop}
            spec:
              hypothesis: the callers cope
              owner: tests
              duration: 10m
              lease: 5s
              start: manual
              faults: [{name: f, where: request, abort: {httpStatus: 503}}]
            """)
        .toString();
  }

  private Replica leader(KubeApi kube) throws Exception {
    return Objects.requireNonNull(Replica.leading(kube, replicas), "nobody leads");
  }

  /** Milliseconds from the request at a replica until the last proxy has acknowledged the end. */
  private long halt(HttpClient client, Replica leader, Replica asked) throws Exception {
    await(
        "it starts",
        () -> leader.post(RUNS + "/shop/all/start", "{\"who\": \"test\"}").contains("Running"));
    await("everyone hears of it", () -> proxies.stream().allMatch(LightProxy::holds));
    await("the replica that is asked knows", () -> asked.get(RUNS).contains("Running"));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(asked.url("/api/v1/halt")))
            .POST(HttpRequest.BodyPublishers.ofString("{\"who\": \"test\"}"))
            .build();
    long began = System.nanoTime();
    assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).body())
        .contains("shop/all");
    await("everyone hears of the end", () -> proxies.stream().noneMatch(LightProxy::holds));
    long last = proxies.stream().mapToLong(LightProxy::endedAt).max().orElseThrow();
    await("it has ended", () -> !leader.get(RUNS).contains("Running"));
    return TimeUnit.NANOSECONDS.toMillis(last - began);
  }

  @Test
  void aHaltAtAnyReplicaReachesTheProxiesOfAllWithOneDead(@TempDir Path folder) throws Exception {
    try (KubeApi kube = KubeApi.start(folder.resolve("kube"));
        HttpClient client = HttpClient.newHttpClient()) {
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: outrigger-system}}");
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
      kube.installChart();
      kube.apply(objects());
      List<Integer> xds = Peers.freePorts(3);
      for (int i = 0; i < 3; i++) {
        replicas.add(Replica.start(folder, kube, "cp-" + (i + 1), List.of(), xds.get(i)));
      }
      await("all serve", () -> replicas.stream().allMatch(Replica::isReady));
      await("one leads", () -> leader(kube) != null);
      for (int i = 1; i <= PROXIES; i++) {
        List<Integer> order = new ArrayList<>(xds);
        Collections.rotate(order, i);
        proxies.add(new LightProxy("light-" + i, order, timer));
      }
      Replica dead = leader(kube);
      dead.process().kill();
      await("another leads", () -> leader(kube) != dead);
      Replica leads = leader(kube);
      Replica follows =
          replicas.stream().filter(one -> one != dead && one != leads).findFirst().orElseThrow();
      await("all are connected", () -> connected(leads) + connected(follows) == PROXIES);
      List<Long> atLeader = new ArrayList<>();
      List<Long> atFollower = new ArrayList<>();
      for (int i = 0; i < HALTS; i++) {
        atFollower.add(halt(client, leads, follows));
        atLeader.add(halt(client, leads, leads));
      }
      System.out.printf(
          "ms from a halt to the last of %d acknowledgements, %d at the one that leads and %d at"
              + " the other, one dead: asked of the one that leads %s, of the other %s%n",
          PROXIES, connected(leads), connected(follows), atLeader, atFollower);
      assertThat(connected(follows)).isPositive();
      assertThat(connected(leads)).isPositive();
      assertThat(atLeader).allSatisfy(took -> assertThat(took).isLessThan(LIMIT_MILLIS));
      assertThat(atFollower).allSatisfy(took -> assertThat(took).isLessThan(LIMIT_MILLIS));
    } finally {
      proxies.forEach(LightProxy::close);
      timer.shutdownNow();
      replicas.forEach(Replica::close);
    }
  }

  private static int connected(Replica replica) throws Exception {
    return JsonParser.parseString(replica.get("/api/v1/status"))
        .getAsJsonObject()
        .getAsJsonArray("proxies")
        .size();
  }
}
