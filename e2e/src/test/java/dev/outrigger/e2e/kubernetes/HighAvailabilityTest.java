package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three control planes with the rights of an installation, a real API server, and two sidecars that
 * joined by tokens of their pods.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HighAvailabilityTest {
  private static final Duration PATIENCE = Duration.ofSeconds(45);

  private KubeApi kube;
  private App app;
  private Path folder;
  private Sidecar caller;
  private Sidecar web;
  private PlainClient client;
  private final List<Replica> replicas = new ArrayList<>();
  private final List<Launched> proxies = new ArrayList<>();

  @BeforeAll
  void start(@TempDir Path temporary) throws Exception {
    folder = temporary;
    kube = KubeApi.start(folder.resolve("kube"));
    kube.apply(
        """
        {apiVersion: v1, kind: Namespace, metadata: {name: outrigger-system}}
        ---
        {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
        """);
    kube.installChart();
    app = App.saying("well");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    kube.apply(
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + caller.yaml("http")
            + web.yaml("http")
            + pod("caller")
            + pod("web"));
    for (int i = 1; i <= 3; i++) {
      replicas.add(Replica.start(folder, kube, "cp-" + i));
    }
    await("all serve", () -> replicas.stream().allMatch(Replica::isReady));
    await("one leads", () -> leader() != null);
    proxies.add(proxy(caller));
    proxies.add(proxy(web));
    for (Sidecar sidecar : List.of(caller, web)) {
      await("it is ready", () -> LoopbackMesh.admin(sidecar, "/ready").status() == 200);
    }
    client = new PlainClient(caller.outbound());
    await("the first answer", () -> call() == 200);
  }

  private static String pod(String name) {
    return """
    ---
    {apiVersion: v1, kind: ServiceAccount, metadata: {name: %1$s, namespace: shop}}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s-1, namespace: shop}
    spec: {serviceAccountName: %1$s, containers: [{name: app, image: app}]}
    """
        .formatted(name);
  }

  private Launched proxy(Sidecar sidecar) throws Exception {
    String pod = sidecar.workload();
    String uid = said("-n", "shop", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}");
    Path token = folder.resolve(pod + ".token");
    Files.writeString(
        token,
        said(
            "-n",
            "shop",
            "create",
            "token",
            sidecar.app(),
            "--audience=outrigger.dev",
            "--bound-object-kind=Pod",
            "--bound-object-name=" + pod,
            "--bound-object-uid=" + uid));
    Path root = folder.resolve("root.pem");
    Files.writeString(root, replicas.getFirst().get("/api/v1/root"));
    String mesh =
        replicas.stream()
            .map(replica -> "127.0.0.1:" + replica.xdsTls())
            .reduce((a, b) -> a + "," + b)
            .orElseThrow();
    return Launched.start(
        folder,
        pod,
        Peers.outrigger(
            "proxy",
            "--mesh=" + mesh,
            "--join-token-file=" + token,
            "--root-ca=" + root,
            "--workload=" + pod,
            "--namespace=shop",
            "--concurrency=1",
            "--drain-time=1s",
            "--admin=127.0.0.1:" + sidecar.admin()),
        Map.of());
  }

  @AfterAll
  void end() throws IOException {
    if (client != null) {
      client.close();
    }
    proxies.forEach(Launched::close);
    replicas.forEach(Replica::close);
    if (app != null) {
      app.close();
    }
    if (kube != null) {
      kube.close();
    }
  }

  @BeforeEach
  void allAreThere() {
    await("all serve", () -> replicas.stream().allMatch(Replica::isReady));
    await("one leads", () -> leader() != null);
  }

  @AfterEach
  void healed() throws Exception {
    for (Replica replica : replicas) {
      if (!replica.process().isAlive()) {
        replica.restart();
      }
    }
    said("-n", "shop", "delete", "experiments", "--all");
    await("no fault acts", () -> call() == 200);
  }

  private interface Holds {
    boolean holds() throws Exception;
  }

  private void await(String what, Holds condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .ignoreExceptions()
          .until(condition::holds);
    } catch (RuntimeException e) {
      StringBuilder logs = new StringBuilder(what);
      replicas.forEach(
          one -> logs.append("\n--- ").append(one.name()).append(one.process().said()));
      proxies.forEach(one -> logs.append("\n--- ").append(one.name()).append(one.said()));
      throw new AssertionError(logs.toString(), e);
    }
  }

  private int call() throws IOException {
    return client.get("web.shop", "/").status();
  }

  private String said(String... arguments) throws Exception {
    Said said = kube.kubectl(arguments);
    assertThat(said.exit()).as(said.all()).isZero();
    return said.out().strip();
  }

  private Replica leader() throws Exception {
    return Replica.leading(kube, replicas);
  }

  private Replica awaitLeaderOtherThan(Replica before) {
    Replica[] found = new Replica[1];
    await(
        "another leads",
        () -> {
          found[0] = leader();
          return found[0] != null && found[0] != before;
        });
    return found[0];
  }

  private void experiment(String name) throws Exception {
    kube.apply(
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: %s, namespace: shop}
        spec:
          hypothesis: callers see it
          owner: tests
          duration: 10m
          lease: 1m
          start: immediate
          faults: [{name: f, where: request, abort: {httpStatus: 418}, match: {source: {labels: {app: caller}}}}]
        """
            .formatted(name));
    await("the fault", () -> call() == 418);
  }

  private void policy(String name, String timeout) throws Exception {
    kube.apply(
        """
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: %s, namespace: shop}
        spec: {targetRefs: [{name: web}], timeouts: {request: %s}}
        """
            .formatted(name, timeout));
  }

  /** Until what was written last has a status. */
  private void awaitStatus(String policy) {
    await(
        "the status of " + policy,
        () -> {
          JsonObject object =
              JsonParser.parseString(said("-n", "shop", "get", "tpol", policy, "-o", "json"))
                  .getAsJsonObject();
          long generation = object.getAsJsonObject("metadata").get("generation").getAsLong();
          return object
                  .getAsJsonObject("status")
                  .getAsJsonArray("conditions")
                  .get(0)
                  .getAsJsonObject()
                  .get("observedGeneration")
                  .getAsLong()
              == generation;
        });
  }

  @Test
  void aHaltAtAReplicaThatDoesNotLeadEndsFaultsLongBeforeTheirLeases() throws Exception {
    experiment("halted");
    Replica follower = otherThan(leader());
    assertThat(follower.post("/api/v1/halt", "{\"who\": \"ann\"}")).contains("shop/halted");
    await("no fault acts", () -> call() == 200);
    await(
        "the leader wrote it",
        () ->
            said("-n", "shop", "get", "exp", "halted", "-o", "jsonpath={.status.message}")
                .contains("by ann"));
  }

  private Replica otherThan(Replica leader) {
    return replicas.stream()
        .filter(one -> one != leader && one.process().isAlive())
        .findFirst()
        .orElseThrow();
  }

  private static final String EXPERIMENTS = "/api/v1/experiments";

  private static String submit(Replica replica, String name, String duration) throws IOException {
    JsonObject body = new JsonObject();
    body.addProperty("who", "ann");
    body.addProperty(
        "document",
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: %s, namespace: %s, labels: {team: pay}}
        spec:
          hypothesis: callers see it
          owner: tests
          duration: %s
          lease: 2s
          faults: [{name: f, where: request, abort: {httpStatus: 418}, match: {source: {labels: {app: caller}}}}]
        """
            .formatted(
                name.substring(name.indexOf('/') + 1),
                name.indexOf('/') < 0 ? "shop" : name.substring(0, name.indexOf('/')),
                duration));
    return replica.post(EXPERIMENTS, body.toString());
  }

  private static String phase(String state) {
    return JsonParser.parseString(state).getAsJsonObject().get("phase").getAsString();
  }

  private String inCluster(String name, String path) throws Exception {
    return said("-n", "shop", "get", "experiments", name, "-o", "jsonpath={" + path + "}");
  }

  @Test
  void whatIsSubmittedToAReplicaThatDoesNotLeadIsAnObjectThatAllSeeAndRuns() throws Exception {
    Replica follower = otherThan(leader());
    String one = EXPERIMENTS + "/shop/submitted";
    assertThat(phase(submit(follower, "submitted", "10m"))).isEqualTo("Pending");
    // Whoever asked sees it at once, in each of the two places.
    assertThat(phase(follower.get(one))).isEqualTo("Pending");
    assertThat(inCluster("submitted", ".metadata.annotations.chaos\\.outrigger\\.dev/submitted-by"))
        .isEqualTo("ann");
    assertThat(inCluster("submitted", ".metadata.labels.team")).isEqualTo("pay");
    assertThat(
            said(
                "-n",
                "shop",
                "get",
                "experiments",
                "submitted",
                "--show-managed-fields",
                "-o",
                "jsonpath={.metadata.managedFields[?(@.operation==\"Apply\")].manager}"))
        .startsWith("outrigger");
    assertThat(phase(follower.post(one + "/start", "{\"who\": \"ann\"}"))).isEqualTo("Running");
    assertThat(phase(follower.get(one))).isEqualTo("Running");
    await("the fault", () -> call() == 418);
    for (Replica each : replicas) {
      await("it is seen at " + each.name(), () -> phase(each.get(one)).equals("Running"));
    }
    await("its status", () -> inCluster("submitted", ".status.phase").equals("Running"));
    assertThat(submit(follower, "submitted", "9m")).contains("OR2002");
    assertThat(phase(submit(follower, "submitted", "10m"))).as("the same").isEqualTo("Running");
    assertThat(follower.post(one + "/pause", "{}")).contains("\"paused\":true");
    await("no fault while it is paused", () -> call() == 200);
    assertThat(follower.post(one + "/resume", "{}")).contains("\"paused\":false");
    await("the fault again", () -> call() == 418);
    assertThat(phase(follower.post(one + "/stop", "{}"))).isEqualTo("Halted");
    await("no fault", () -> call() == 200);
    // A text is changed by submitting it again.
    assertThat(phase(submit(follower, "submitted", "8m"))).isEqualTo("Pending");
    assertThat(inCluster("submitted", ".spec.duration")).isEqualTo("8m");
    assertThat(follower.delete(one)).doesNotContain("error");
    assertThat(follower.get(one)).contains("OR2001");
    assertThat(kube.kubectl("-n", "shop", "get", "experiments", "submitted").exit()).isNotZero();
  }

  @Test
  void whatWasSubmittedOutlivesALeaderThatIsKilledAndTheNextLeadsItToItsEnd() throws Exception {
    Replica dead = leader();
    assertThat(phase(submit(dead, "outlives", "3s"))).isEqualTo("Pending");
    assertThat(phase(submit(dead, "halted-by-it", "10m"))).isEqualTo("Pending");
    assertThat(phase(dead.post(EXPERIMENTS + "/shop/halted-by-it/start", "{}")))
        .isEqualTo("Running");
    dead.process().kill();
    Replica next = awaitLeaderOtherThan(dead);
    Replica follower =
        replicas.stream().filter(one -> one != next && one != dead).findFirst().orElseThrow();
    // As with one that kubectl applied: nobody watched what ran meanwhile.
    await(
        "what ran is halted, and recovers",
        () -> phase(next.get(EXPERIMENTS + "/shop/halted-by-it")).equals("Recovered"));
    assertThat(next.get(EXPERIMENTS + "/shop/halted-by-it")).contains("leader changed");
    assertThat(phase(follower.post(EXPERIMENTS + "/shop/outlives/start", "{}")))
        .isEqualTo("Running");
    await("the fault", () -> call() == 418);
    await("its end", () -> call() == 200);
    await(
        "all of them tell the end",
        () ->
            phase(next.get(EXPERIMENTS + "/shop/outlives")).equals("Recovered")
                && phase(follower.get(EXPERIMENTS + "/shop/outlives")).equals("Recovered"));
    assertThat(next.get(EXPERIMENTS + "/shop/outlives")).contains("Completed");
    await("its status", () -> inCluster("outlives", ".status.phase").equals("Recovered"));
    // It stays until somebody deletes it, at whichever replica.
    assertThat(follower.delete(EXPERIMENTS + "/shop/outlives")).doesNotContain("error");
    assertThat(kube.kubectl("-n", "shop", "get", "experiments", "outlives").exit()).isNotZero();
  }

  @Test
  void whatKubectlWroteIsNotOverwrittenNorDeleted() throws Exception {
    experiment("theirs");
    Replica follower = otherThan(leader());
    assertThat(submit(follower, "theirs", "9m")).contains("OR2012", "was not submitted here");
    assertThat(follower.delete(EXPERIMENTS + "/shop/theirs")).contains("OR2012", "kubectl");
    assertThat(inCluster("theirs", ".spec.duration")).isEqualTo("10m");
    assertThat(call()).as("it goes on").isEqualTo(418);

    assertThat(phase(submit(follower, "shared", "10m"))).isEqualTo("Pending");
    said(
        "-n",
        "shop",
        "patch",
        "experiment",
        "shared",
        "--type=merge",
        "-p",
        "{\"spec\": {\"duration\": \"7m\"}}");
    await("it is seen", () -> follower.get(EXPERIMENTS + "/shop/shared").contains("PT7M"));
    assertThat(submit(follower, "shared", "9m")).contains("OR2012", "kubectl", "spec.duration");
    assertThat(inCluster("shared", ".spec.duration")).isEqualTo("7m");
    assertThat(submit(follower, "nowhere/lost", "9m")).contains("OR2013", "namespace");
  }

  @Test
  void aLeaderThatIsKilledIsFollowedByAnotherThatHaltsWhatRan() throws Exception {
    experiment("orphan");
    Replica dead = leader();
    dead.process().kill();
    await(
        "no fault acts, and nothing else is disturbed",
        () -> {
          int status = call();
          assertThat(status).isIn(418, 200);
          return status == 200;
        });
    awaitLeaderOtherThan(dead);
    await(
        "the next one wrote it",
        () ->
            said("-n", "shop", "get", "exp", "orphan", "-o", "jsonpath={.status.message}")
                .contains("leader changed"));
  }

  @Test
  void aLeaderThatWasFrozenWritesNothingWhenItGoesOn() throws Exception {
    policy("frozen", "20s");
    awaitStatus("frozen");
    Replica frozen = leader();
    long before = frozen.resigned();
    frozen.signal("STOP");
    Instant resumed;
    try {
      awaitLeaderOtherThan(frozen);
      // Something that it would write about.
      policy("frozen", "21s");
      awaitStatus("frozen");
      policy("meanwhile", "21s");
      resumed = Instant.now();
    } finally {
      frozen.signal("CONT");
    }
    await("it knows", () -> frozen.resigned() > before);
    await("it serves", frozen::isReady);
    policy("frozen", "22s");
    awaitStatus("frozen");
    awaitStatus("meanwhile");
    assertThat(frozen.writes(kube, resumed)).as(frozen.name()).isEmpty();
    assertThat(leader().writes(kube, resumed)).isNotEmpty();
  }

  @Test
  void aProxyThatMovesToAnotherReplicaIsNotSentAgainWhatItHas() throws Exception {
    Replica left =
        replicas.stream().filter(one -> serves(one, "caller-1")).findFirst().orElseThrow();
    long[] before = new long[3];
    long[] asked = new long[3];
    for (int i = 0; i < 3; i++) {
      asked[i] = replicas.get(i).counted("outrigger_xds_requests_total");
      before[i] = sent(replicas.get(i));
    }
    assertThat(sent(left)).isPositive();
    left.process().kill();
    await(
        "it moves",
        () -> replicas.stream().anyMatch(one -> one != left && serves(one, "caller-1")));
    Replica next =
        replicas.stream()
            .filter(one -> one != left && serves(one, "caller-1"))
            .findFirst()
            .orElseThrow();
    int index = replicas.indexOf(next);
    await(
        "it has asked for every kind",
        () -> next.counted("outrigger_xds_requests_total") - asked[index] >= 4);
    assertThat(sent(next) - before[index]).isZero();
    assertThat(call()).isEqualTo(200);
  }

  private static boolean serves(Replica replica, String workload) {
    try {
      return replica.process().isAlive() && replica.serves(workload);
    } catch (IOException e) {
      return false;
    }
  }

  private static long sent(Replica replica) throws IOException {
    return replica.counted("outrigger_xds_resources_total");
  }

  @Test
  void withoutAnApiServerNobodyLeadsAndProxiesGoOn() throws Exception {
    Replica leader = leader();
    long before = leader.resigned();
    // An API server that has only begun to start knows no rights yet.
    assertThat(kube.audit()).noneMatch(line -> line.contains("\"code\":403"));
    kube.lose();
    assertThat(submit(leader, "unkept", "10m")).containsAnyOf("OR2023", "OR2022");
    assertThat(leader.get(EXPERIMENTS)).doesNotContain("unkept");
    await("nobody leads", () -> leader.resigned() > before);
    assertThat(submit(otherThan(leader), "unkept", "10m")).contains("OR2022");
    for (int i = 0; i < 20; i++) {
      assertThat(call()).isEqualTo(200);
    }
    long led = replicas.stream().mapToLong(Replica::led).sum();
    kube.restore();
    await("one leads again", () -> replicas.stream().mapToLong(Replica::led).sum() > led);
    assertThat(replicas.stream().allMatch(one -> one.process().isAlive())).isTrue();
    assertThat(kube.kubectl("-n", "shop", "get", "experiments", "unkept").exit()).isNotZero();
  }
}
