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
import dev.outrigger.tls.Pem;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One root follows another in a release with two replicas, while a sidecar calls another under
 * STRICT. What takes days is cut short where it is kept: by setting back when the step began.
 */
final class SuccessionOnARealServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<Replica> replicas = new ArrayList<>();
  private final List<Launched> proxies = new ArrayList<>();
  private KubeApi kube;
  private Path folder;

  private interface Holds {
    boolean holds() throws Exception;
  }

  private void await(String what, Holds condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(200))
          .ignoreExceptions()
          .until(condition::holds);
    } catch (ConditionTimeoutException e) {
      StringBuilder logs = new StringBuilder(what);
      replicas.forEach(
          one -> logs.append("\n--- ").append(one.name()).append(one.process().said()));
      proxies.forEach(one -> logs.append("\n--- ").append(one.name()).append(one.said()));
      throw new AssertionError(logs.toString(), e);
    }
  }

  @Test
  void oneRootFollowsAnotherAndNobodyIsDistrusted(@TempDir Path temporary) throws Exception {
    folder = temporary;
    try (KubeApi server = KubeApi.start(folder.resolve("kube"));
        App app = App.saying("well")) {
      kube = server;
      Release release = new Release(kube, folder);
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: outrigger-system}}");
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
      kube.apply(Release.agedRoot(folder.resolve("aged")));
      release.installGatewayKinds();
      release.helm(
          "install",
          Release.NAME,
          Release.chart().toString(),
          "--set=controlPlane.certificateLifetime=12s");
      Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
      Sidecar web = Sidecar.beside("web-1", "web", app.port());
      Sidecar late = Sidecar.beside("late-1", "late", 1);
      kube.apply(
          LoopbackMesh.settings("STRICT")
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http")
              + late.yaml("http")
              + pod("caller")
              + pod("web")
              + pod("late"));
      for (String name : List.of("cp-1", "cp-2")) {
        replicas.add(release.startReplica(name));
      }
      await("they serve", () -> replicas.stream().allMatch(Replica::isReady));
      List<X509Certificate> first = roots();
      start(caller);
      start(web);
      try (PlainClient client = new PlainClient(caller.outbound())) {
        await("the first answer", () -> client.get("web.shop", "/").status() == 200);

        await("the next is trusted", () -> roots().size() == 2);
        assertThat(roots()).containsAll(first);
        assertThat(signer()).isEqualTo(first.getFirst());
        awaitRenewals(client);

        cutShort();
        await("the next signs", () -> !signer().equals(first.getFirst()));
        assertThat(roots()).hasSize(2).contains(signer()).containsAll(first);
        awaitRenewals(client);
        start(late);
        try (PlainClient newcomer = new PlainClient(late.outbound())) {
          await("a newcomer", () -> newcomer.get("web.shop", "/").status() == 200);
        }

        cutShort();
        await("the old one is gone", () -> roots().equals(List.of(signer())));
        for (Replica replica : replicas) {
          replica.process().close();
          replica.restart();
          await("it serves again", replica::isReady);
          assertThat(Pem.certificates(replica.get("/api/v1/root"))).containsExactly(signer());
        }
        awaitRenewals(client);
        assertThat(client.get("web.shop", "/").status()).isEqualTo(200);
      }
    } finally {
      proxies.forEach(Launched::close);
      replicas.forEach(Replica::close);
    }
  }

  /**
   * Until both sidecars have had two new certificates, and whatever is called meanwhile is well.
   */
  private void awaitRenewals(PlainClient client) throws Exception {
    long[] before = {renewals(0), renewals(1)};
    Set<Integer> seen = new TreeSet<>();
    await(
        "renewals",
        () -> {
          seen.add(client.get("web.shop", "/").status());
          return renewals(0) >= before[0] + 2 && renewals(1) >= before[1] + 2;
        });
    assertThat(seen).containsExactly(200);
  }

  private long renewals(int proxy) {
    return Pattern.compile("identity spiffe://\\S+ until")
        .matcher(proxies.get(proxy).said())
        .results()
        .count();
  }

  /** Whom pods are told to trust. */
  private List<X509Certificate> roots() throws Exception {
    return Pem.certificates(
        kube.must(
            "-n",
            "shop",
            "get",
            "configmap",
            "outrigger-root",
            "-o",
            "jsonpath={.data.root\\.pem}"));
  }

  private X509Certificate signer() throws Exception {
    JsonObject data =
        JsonParser.parseString(
                kube.must(
                    "-n",
                    Release.NAMESPACE,
                    "get",
                    "secret",
                    "outrigger-ca",
                    "-o",
                    "jsonpath={.data}"))
            .getAsJsonObject();
    return Pem.certificates(
            new String(
                Base64.getDecoder().decode(data.get("tls.crt").getAsString()),
                StandardCharsets.UTF_8))
        .getFirst();
  }

  /** The present step began long ago. */
  private void cutShort() throws Exception {
    String patch =
        "{\"stringData\":{\"since\":\"%s\"}}".formatted(Instant.now().minus(Duration.ofHours(26)));
    Said said =
        kube.kubectl("-n", Release.NAMESPACE, "patch", "secret", "outrigger-ca", "-p", patch);
    assertThat(said.exit()).as(said.all()).isZero();
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

  /** Starts a sidecar with what its pod would have at this moment. */
  private void start(Sidecar sidecar) throws Exception {
    String pod = sidecar.workload();
    Path token = folder.resolve(pod + ".token");
    Files.writeString(
        token,
        kube.must(
            "-n",
            "shop",
            "create",
            "token",
            sidecar.app(),
            "--audience=outrigger.dev",
            "--bound-object-kind=Pod",
            "--bound-object-name=" + pod,
            "--bound-object-uid="
                + kube.must("-n", "shop", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}")));
    Path root = folder.resolve(pod + ".root.pem");
    Files.writeString(root, Pem.of(roots()));
    Launched proxy =
        Launched.start(
            folder,
            pod,
            Peers.outrigger(
                "proxy",
                "--mesh="
                    + replicas.stream()
                        .map(one -> "127.0.0.1:" + one.xdsTls())
                        .reduce((a, b) -> a + "," + b)
                        .orElseThrow(),
                "--join-token-file=" + token,
                "--root-ca=" + root,
                "--workload=" + pod,
                "--namespace=shop",
                "--concurrency=1",
                "--drain-time=1s",
                "--admin=127.0.0.1:" + sidecar.admin()),
            Map.of());
    proxies.add(proxy);
    await("it is ready", () -> LoopbackMesh.admin(sidecar, "/ready").status() == 200);
  }
}
