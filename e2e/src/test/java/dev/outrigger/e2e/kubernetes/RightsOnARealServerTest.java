package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import dev.outrigger.e2e.kubernetes.Rights.Asked;
import dev.outrigger.e2e.kubernetes.Rights.Right;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The chart's roles grant what the control plane asks for, and nothing else: it works through its
 * jobs with the account of a release, and what it asked for by the audit log is compared with each
 * verb of each resource that the account may use.
 */
final class RightsOnARealServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String SHOP =
      """
      {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
      ---
      {apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web-1, namespace: shop, labels: {app: web}}
      spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: bytes, namespace: shop}
      spec: {ports: [{name: main, port: 80, appProtocol: tcp}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: secret, namespace: shop}
      spec: {ports: [{name: main, port: 443, appProtocol: tls}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: calls, namespace: shop}
      spec: {ports: [{name: main, port: 80, appProtocol: grpc}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: outside, namespace: shop, labels: {app: web}}
      spec: {address: 192.0.2.1, ports: [{name: main, port: 80}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: TrafficPolicy
      metadata: {name: web, namespace: shop}
      spec: {targetRefs: [{name: web}], timeouts: {request: 20s}}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: AuthenticationPolicy
      metadata: {name: strict, namespace: shop}
      spec: {mtls: {mode: STRICT}}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: http, namespace: shop}
      spec: {parentRefs: [{group: "", kind: Service, name: web}], rules: [{backendRefs: [{name: web, port: 80}]}]}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: GRPCRoute
      metadata: {name: grpc, namespace: shop}
      spec: {parentRefs: [{group: "", kind: Service, name: calls}], rules: [{backendRefs: [{name: calls, port: 80}]}]}
      ---
      apiVersion: gateway.networking.k8s.io/v1alpha2
      kind: TCPRoute
      metadata: {name: tcp, namespace: shop}
      spec: {parentRefs: [{group: "", kind: Service, name: bytes}], rules: [{backendRefs: [{name: bytes, port: 80}]}]}
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: TLSRoute
      metadata: {name: tls, namespace: shop}
      spec: {parentRefs: [{group: "", kind: Service, name: secret}], hostnames: [a.b], rules: [{backendRefs: [{name: secret, port: 443}]}]}
      """;

  private interface Holds {
    boolean holds() throws Exception;
  }

  private static void await(String what, Holds condition, Replica... replicas) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(200))
          .until(condition::holds);
    } catch (ConditionTimeoutException e) {
      StringBuilder logs = new StringBuilder(what);
      for (Replica one : replicas) {
        logs.append("\n--- ").append(one.name()).append('\n').append(one.process().said());
      }
      throw new AssertionError(logs.toString(), e);
    }
  }

  @Test
  void noRequestIsRefusedAndNoRightIsUnused(@TempDir Path folder) throws Exception {
    try (KubeApi kube = KubeApi.start(folder.resolve("kube"))) {
      Release release = new Release(kube, folder);
      release.installGatewayKinds();
      release.helm("install", Release.NAME, Release.chart().toString(), "--create-namespace");
      Set<Right> granted = Rights.granted(kube, Release.NAMESPACE, Release.NAME);
      assertThat(granted).isNotEmpty();
      try (Replica first = release.startReplica("cp-1")) {
        await("the first leads", () -> first.isReady() && leads(release, first), first);
        try (Replica second = release.startReplica("cp-2")) {
          await("the second serves", second::isReady, second);
          work(kube, folder, first, second);
          await(
              "what is told of objects is told",
              () -> unused(granted, kube).isEmpty() || !first.process().isAlive(),
              first,
              second);
        } catch (AssertionError e) {
          throw new AssertionError("unused: " + unused(granted, kube), e);
        }
      }
      List<Asked> asked = Rights.asked(kube.audit());
      assertThat(unused(granted, kube)).as("granted, and used by nobody").isEmpty();
      assertThat(asked).filteredOn(one -> one.status() == 403).as("refused").isEmpty();
      assertThat(asked)
          .filteredOn(one -> granted.stream().noneMatch(right -> right.covers(one)))
          .as("allowed, but not by the chart's roles")
          .isEmpty();
    }
  }

  private static boolean leads(Release release, Replica replica) throws Exception {
    String holder = release.leader();
    return !holder.isEmpty()
        && replica.process().said().contains("this replica leads (" + holder + ")");
  }

  private static Set<Right> unused(Set<Right> granted, KubeApi kube) throws Exception {
    List<Asked> asked = Rights.asked(kube.audit());
    Set<Right> unused = new TreeSet<>(granted);
    unused.removeIf(right -> asked.stream().anyMatch(right::covers));
    return unused;
  }

  /** All that makes the control plane ask for something. */
  private static void work(KubeApi kube, Path folder, Replica leader, Replica follower)
      throws Exception {
    kube.apply(
        SHOP
            + "---\n"
            + LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http"));
    // A pod's token, which is none of ours: the API server is asked whose it is.
    Path root = folder.resolve("root.pem");
    Files.writeString(root, follower.get("/api/v1/root"));
    String token = kube.must("-n", "shop", "create", "token", "web", "--audience=outrigger.dev");
    assertThat(Joining.refusal(follower.xdsTls(), root, token.strip(), "shop/web-1"))
        .contains("OR3002");

    // What is refused twice in the same words is one event that counts.
    for (String name : List.of("wob", "web", "wob")) {
      kube.apply(
          """
          apiVersion: gateway.networking.k8s.io/v1
          kind: HTTPRoute
          metadata: {name: flips, namespace: shop}
          spec: {parentRefs: [{group: "", kind: Service, name: web}], rules: [{backendRefs: [{name: %s, port: 80}]}]}
          """
              .formatted(name));
      String resolved = name.equals("web") ? "True" : "False";
      await(
          "the route's condition",
          () ->
              kube.must(
                      "-n",
                      "shop",
                      "get",
                      "httproute",
                      "flips",
                      "-o",
                      "jsonpath={.status.parents[0].conditions[?(@.type==\"ResolvedRefs\")].status}")
                  .equals(resolved),
          leader);
    }

    kube.apply(
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: teapot, namespace: shop}
        spec:
          hypothesis: callers see it
          owner: tests
          duration: 10m
          lease: 2s
          start: immediate
          faults: [{name: f, where: request, abort: {httpStatus: 418}}]
        """);
    await("it runs", () -> phase(kube).equals("Running"), leader);
    // Whoever does not lead passes the order on.
    String said = follower.post("/api/v1/halt", "{\"who\": \"ann\"}");
    assertThat(said).contains("shop/teapot");
    await("it is over", () -> !phase(kube).equals("Running"), leader, follower);
    kube.apply(
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Freeze
        metadata: {name: release, namespace: shop}
        spec: {reason: release, owner: us}
        """);
    await(
        "the freeze is seen",
        () ->
            kube.must("-n", "shop", "get", "freeze", "release", "-o", "jsonpath={.status}")
                .contains("Accepted"),
        leader);
    // Whoever does not lead lets the leader write it, and delete it.
    String submitted =
        follower.post(
            "/api/v1/experiments",
            """
            {"document": "apiVersion: chaos.outrigger.dev/v1alpha1\\nkind: Experiment\\n\
            metadata: {name: kettle, namespace: shop}\\nspec: {hypothesis: h, owner: o, \
            duration: 1m, faults: [{name: f, where: request, abort: {httpStatus: 418}}]}"}
            """);
    assertThat(submitted).contains("Pending");
    assertThat(follower.delete("/api/v1/experiments/shop/kettle")).doesNotContain("error");
    // A root near its end, so that another follows it.
    Said replaced =
        kube.kubectlAs("admin", Release.agedRoot(folder.resolve("aged")), "replace", "-f", "-");
    assertThat(replaced.exit()).as(replaced.all()).isZero();
    var _ = kube.must("-n", "shop", "delete", "exp,freeze,tpol,workload,httproute", "--all");
  }

  private static String phase(KubeApi kube) throws Exception {
    return kube.must("-n", "shop", "get", "exp", "teapot", "-o", "jsonpath={.status.phase}");
  }
}
