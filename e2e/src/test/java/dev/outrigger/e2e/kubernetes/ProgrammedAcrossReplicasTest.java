package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.ObstinateProxy.Manner;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three control planes with the rights of an installation, a real API server, and proxies at two of
 * them: {@code Programmed} tells of the proxies of all, whoever leads.
 */
final class ProgrammedAcrossReplicasTest {
  private static final Duration PATIENCE = Duration.ofSeconds(45);
  private static final String SHARED = "outrigger-acknowledgements";

  private final List<Replica> replicas = new ArrayList<>();
  private final List<ObstinateProxy> proxies = new ArrayList<>();
  private KubeApi kube;
  private int timeout = 10;

  private void await(String what, Callable<Boolean> condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(100))
          .ignoreExceptions()
          .until(condition);
    } catch (ConditionTimeoutException e) {
      StringBuilder logs = new StringBuilder(what);
      replicas.forEach(
          one -> logs.append("\n--- ").append(one.name()).append(one.process().said()));
      throw new AssertionError(logs.toString(), e);
    }
  }

  private Replica leader() throws Exception {
    String holder =
        kube.must(
            "-n",
            "outrigger-system",
            "get",
            "lease",
            "outrigger",
            "-o",
            "jsonpath={.spec.holderIdentity}");
    return replicas.stream()
        .filter(one -> one.process().isAlive())
        .filter(one -> one.process().said().contains("this replica leads (" + holder + ")"))
        .findFirst()
        .orElseThrow();
  }

  /** Another version of the route. */
  private void change() throws Exception {
    kube.apply(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: web, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web}]
          rules: [{timeouts: {request: %ds}, backendRefs: [{name: web, port: 80}]}]
        """
            .formatted(++timeout));
  }

  /** Waits until this is said of the version that was written last, and gives the message. */
  private String awaitProgrammed(String statusAndReason) {
    AtomicReference<String> message = new AtomicReference<>();
    AtomicReference<JsonObject> last = new AtomicReference<>();
    try {
      await(
          statusAndReason,
          () -> {
            JsonObject route =
                JsonParser.parseString(
                        kube.must("-n", "shop", "get", "httproute", "web", "-o", "json"))
                    .getAsJsonObject();
            last.set(route);
            JsonObject programmed =
                route
                    .getAsJsonObject("status")
                    .getAsJsonArray("parents")
                    .get(0)
                    .getAsJsonObject()
                    .getAsJsonArray("conditions")
                    .asList()
                    .stream()
                    .map(one -> one.getAsJsonObject())
                    .filter(one -> one.get("type").getAsString().equals("Programmed"))
                    .findFirst()
                    .orElseThrow();
            message.set(programmed.get("message").getAsString());
            return programmed.get("observedGeneration").getAsLong()
                    == route.getAsJsonObject("metadata").get("generation").getAsLong()
                && (programmed.get("status").getAsString()
                        + "/"
                        + programmed.get("reason").getAsString())
                    .equals(statusAndReason);
          });
    } catch (AssertionError e) {
      throw new AssertionError(last.get() + "\n" + e.getMessage(), e);
    }
    return message.get();
  }

  private void awaitMessage(String statusAndReason, String... words) {
    await(
        statusAndReason + " " + List.of(words),
        () -> {
          assertThat(awaitProgrammed(statusAndReason)).contains(words);
          return true;
        });
  }

  /** Names of replicas that tell of their proxies. */
  private List<String> telling() throws Exception {
    return JsonParser.parseString(
            kube.must("-n", "outrigger-system", "get", "configmap", SHARED, "-o", "json"))
        .getAsJsonObject()
        .getAsJsonObject("data")
        .keySet()
        .stream()
        .map(key -> key.substring(0, "cp-1".length()))
        .toList();
  }

  /** How often each replica may have told: once a second and not more. */
  private void assertPace(Instant since) throws Exception {
    for (Replica one : replicas) {
      List<Instant> writes = new ArrayList<>();
      for (String line : kube.audit()) {
        JsonObject event = JsonParser.parseString(line).getAsJsonObject();
        JsonObject object = event.getAsJsonObject("objectRef");
        if (event.has("userAgent")
            && event.get("userAgent").getAsString().equals("outrigger/" + one.name())
            && event.get("verb").getAsString().equals("patch")
            && object != null
            && object.has("name")
            && object.get("name").getAsString().equals(SHARED)) {
          writes.add(Instant.parse(event.get("requestReceivedTimestamp").getAsString()));
        }
      }
      assertThat(writes).as(one.name()).isNotEmpty();
      assertThat((long) writes.size())
          .as(one.name())
          .isLessThanOrEqualTo(Duration.between(since, Instant.now()).toSeconds() + 2);
    }
  }

  @Test
  void itTellsOfTheProxiesOfAllReplicasThatLive(@TempDir Path folder) throws Exception {
    Instant since = Instant.now();
    try (KubeApi api = KubeApi.start(folder.resolve("kube"))) {
      kube = api;
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: outrigger-system}}");
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
      kube.installChart();
      var _ =
          kube.must(
              "apply", "--server-side", "-f", kube.binaries().resolve("gateway-api").toString());
      var _ = kube.must("wait", "--for=condition=Established", "crd", "--all");
      kube.apply(
          LoopbackMesh.settings("STRICT")
              + LoopbackMesh.service("web", "http")
              + workload("near", 1)
              + workload("far", 2));
      List<Integer> xds = Peers.freePorts(3);
      for (int i = 0; i < 3; i++) {
        replicas.add(Replica.start(folder, kube, "cp-" + (i + 1), List.of(), xds.get(i)));
      }
      await("all serve", () -> replicas.stream().allMatch(Replica::isReady));
      await("one leads", () -> leader() != null);
      await("all tell of their proxies", () -> telling().size() == 3);
      Replica leads = leader();
      Replica follows = replicas.stream().filter(one -> one != leads).findFirst().orElseThrow();
      String routes = "outbound|80|web.shop";
      ObstinateProxy near = new ObstinateProxy("near", xds.get(replicas.indexOf(leads)), routes);
      proxies.add(near);
      ObstinateProxy far = new ObstinateProxy("far", xds.get(replicas.indexOf(follows)), routes);
      proxies.add(far);
      await("both are connected", () -> leads.serves("near") && follows.serves("far"));

      change();
      awaitProgrammed("True/Programmed");

      far.from(Manner.REFUSES);
      change();
      awaitMessage(
          "False/Rejected",
          "1 of 2 proxies refused it: far.shop: " + routes + ": this route is too odd");
      far.from(Manner.ACCEPTS);
      change();
      awaitProgrammed("True/Programmed");

      far.from(Manner.IS_SILENT);
      change();
      awaitMessage("Unknown/Pending", "some proxies have not answered yet: far.shop");
      far.from(Manner.ACCEPTS);
      awaitProgrammed("True/Programmed");

      // Its replica is gone, and so is the proxy, which nobody else has heard of.
      far.from(Manner.IS_SILENT);
      change();
      awaitMessage("Unknown/Pending", "far.shop");
      follows.process().kill();
      awaitProgrammed("True/Programmed");
      assertPace(since);
      await("its entry goes", () -> !telling().contains(follows.name()));

      // Whoever leads next begins with what the one before it had to say.
      near.from(Manner.REFUSES);
      change();
      awaitMessage("False/Rejected", "near.shop");
      leads.process().kill();
      await("another leads", () -> leader() != leads);
      Replica last = leader();
      ObstinateProxy moved = new ObstinateProxy("near", xds.get(replicas.indexOf(last)), routes);
      proxies.add(moved);
      awaitProgrammed("True/Programmed");
    } finally {
      proxies.forEach(ObstinateProxy::close);
      replicas.forEach(Replica::close);
    }
  }

  private static String workload(String name, int number) {
    return """
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: %s, namespace: shop, labels: {app: web}}
    spec:
      address: 127.0.1.%d
      ports: [{name: main, port: 8080, appProtocol: http}]
    """
        .formatted(name, number);
  }
}
