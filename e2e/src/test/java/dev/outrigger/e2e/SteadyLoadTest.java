package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.SteadyLoad;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What operators do all day does not fail a single request of a caller under way. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SteadyLoadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int CHANGES = 50;

  private final List<App> apps = new ArrayList<>();
  private final List<Sidecar> replicas = new ArrayList<>();
  private Sidecar caller;
  private LoopbackMesh mesh;

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    mesh = new LoopbackMesh(folder);
    caller = Sidecar.beside("caller-1", "caller", 1);
    for (int i = 1; i <= 3; i++) {
      App app = App.saying("web-" + i);
      apps.add(app);
      replicas.add(Sidecar.beside("web-" + i, "web", app.port()));
    }
    mesh.write("mesh.yaml", document(0));
    // So short that every proxy renews its certificate several times.
    mesh.startControlPlane("--certificate-lifetime=12s");
    mesh.startProxy(caller, Map.of());
    for (Sidecar replica : replicas) {
      mesh.startProxy(replica, Map.of(), "--drain-time=10s");
    }
    mesh.awaitReady(caller);
    replicas.forEach(mesh::awaitReady);
  }

  @AfterAll
  void ends() {
    mesh.close();
    apps.forEach(App::close);
  }

  /** The mesh with something in it that differs each time: a route's header and a policy. */
  private String document(int change) {
    StringBuilder yaml =
        new StringBuilder(LoopbackMesh.settings("STRICT"))
            // Thousands of lines would bury the reason of a failure.
            .append("  accessLog: none\n")
            .append(LoopbackMesh.service("web", "http"))
            .append(caller.yaml("http"));
    replicas.forEach(replica -> yaml.append(replica.yaml("http")));
    yaml.append(
        """
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: web, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web}]
          rules:
          - filters:
            - type: ResponseHeaderModifier
              responseHeaderModifier: {set: [{name: x-change, value: "%d"}]}
            backendRefs: [{name: web, port: 80}]
        ---
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: web, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: web}]
          loadBalancing: {policy: %s}
          timeouts: {connect: %dms}
        """
            .formatted(change, change % 2 == 0 ? "RoundRobin" : "LeastRequest", 5000 + change));
    return yaml.toString();
  }

  private SteadyLoad load() throws IOException {
    return SteadyLoad.start(caller.outbound(), "web.shop", 4, Duration.ofMillis(10));
  }

  private void assertWell(SteadyLoad load, int atLeast) {
    SteadyLoad.Result result = load.finish();
    assertThat(result.failures()).as(mesh::logs).isEmpty();
    assertThat(result.answers()).isGreaterThan(atLeast);
  }

  @Test
  void fiftyChangesTenOfThemBad() throws Exception {
    try (SteadyLoad load = load()) {
      int good = 0;
      for (int change = 1; change <= CHANGES; change++) {
        if (change % 5 == 0) {
          mesh.write(
              "mesh.yaml", document(change).replace("kind: TrafficPolicy", "kind: TraficPolicy"));
          Awaitility.await()
              .atMost(PATIENCE)
              .until(() -> mesh.call("/api/v1/status", null).contains("TraficPolicy"));
        } else {
          int wanted = change;
          mesh.write("mesh.yaml", document(change));
          Awaitility.await()
              .atMost(PATIENCE)
              .until(() -> Integer.toString(wanted).equals(load.lastHeader("x-change")));
          good++;
        }
      }
      assertThat(good).isEqualTo(40);
      assertWell(load, 500);
    }
  }

  private String serial(Sidecar sidecar) throws IOException {
    Matcher serial =
        Pattern.compile("\"serial\": *\"([0-9a-f]+)\"")
            .matcher(LoopbackMesh.admin(sidecar, "/config_dump").text());
    assertThat(serial.find()).as("a serial number in the dump").isTrue();
    return serial.group(1);
  }

  @Test
  void certificatesAreRenewed() throws Exception {
    String caller = serial(this.caller);
    String web = serial(replicas.getFirst());
    try (SteadyLoad load = load()) {
      Awaitility.await().atMost(PATIENCE).until(() -> !serial(this.caller).equals(caller));
      Awaitility.await().atMost(PATIENCE).until(() -> !serial(replicas.getFirst()).equals(web));
      load.reconnect();
      load.awaitMore(100);
      assertWell(load, 300);
    }
  }

  @Test
  void oneOfThreeEndpointsIsKilledAndComesBack() throws Exception {
    Sidecar victim = replicas.get(2);
    try (SteadyLoad load = load()) {
      load.awaitBodies(3);
      mesh.proxy(victim).kill();
      load.awaitMore(300);
      mesh.startProxy(victim, Map.of(), "--drain-time=10s");
      mesh.awaitReady(victim);
      load.forgetBodies();
      load.awaitBodies(3);
      assertWell(load, 300);
    }
  }

  @Test
  void theApplicationOfOneOfThreeEndpointsIsKilledAndComesBack() throws Exception {
    App victim = apps.get(1);
    try (SteadyLoad load = load()) {
      load.awaitBodies(3);
      victim.close();
      load.awaitMore(300);
      apps.set(1, App.again(victim.port(), "web-2"));
      load.forgetBodies();
      load.awaitBodies(3);
      assertWell(load, 300);
    }
  }

  @Test
  void theControlPlaneIsKilledAndRestarted() throws Exception {
    try (SteadyLoad load = load()) {
      load.awaitMore(50);
      mesh.controlPlane().kill();
      load.awaitMore(200);
      mesh.startControlPlane("--certificate-lifetime=12s");
      Awaitility.await()
          .atMost(PATIENCE)
          .until(
              () -> {
                String status = mesh.call("/api/v1/status", null);
                return JsonParser.parseString(status).isJsonObject()
                    && status.split("\"node\":", -1).length - 1 >= 4;
              });
      mesh.write("mesh.yaml", document(1000));
      Awaitility.await().atMost(PATIENCE).until(() -> "1000".equals(load.lastHeader("x-change")));
      assertWell(load, 300);
    }
  }

  @Test
  void aProxyBesideTwoOthersIsTerminated() throws Exception {
    Sidecar victim = replicas.get(0);
    try (SteadyLoad load = load()) {
      load.awaitBodies(3);
      mesh.proxy(victim).terminate();
      assertThat(mesh.proxy(victim).exit(Duration.ofSeconds(20))).isZero();
      load.awaitMore(200);
      mesh.startProxy(victim, Map.of(), "--drain-time=10s");
      mesh.awaitReady(victim);
      load.forgetBodies();
      load.awaitBodies(3);
      assertWell(load, 300);
    }
  }
}
