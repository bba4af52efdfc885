package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A newcomer's path: the commands of the README's section on Kubernetes, word for word and in their
 * order, by a shell in the repository's folder. Where there is no node, the image cannot be loaded,
 * so that the control plane is a process of this machine; where there is no network, the Gateway
 * API's definitions come from a folder. Everything else is as written.
 */
final class ReadmeOnARealServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static void await(String what, ThrowingRunnable check) {
    Awaitility.await(what)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(300))
        .untilAsserted(check);
  }

  @Test
  void theCommandsOfTheReadmeDoWhatItSays(@TempDir Path folder) throws Exception {
    try (KubeApi kube = KubeApi.start(folder.resolve("kube"))) {
      kube.startControllers(
          "garbage-collector-controller",
          "namespace-controller",
          "deployment-controller",
          "replicaset-controller",
          "job-controller");
      Release release = new Release(kube, folder);
      Map<String, String> environment = environment(kube, folder);
      Set<String> before = Release.objects(kube);
      int webhook = Peers.freePorts(1).getFirst();
      Replica controlPlane = null;
      try {
        for (List<String> block : ReadmeCommands.blocks()) {
          for (String command : block) {
            if (command.startsWith("helm uninstall") && controlPlane != null) {
              controlPlane.close();
            } else if (command.startsWith("helm") && controlPlane != null) {
              release.callWebhookInCluster();
            }
            Said said =
                kube.run(
                    List.of("bash", "-euc", "cd \"$REPOSITORY\"; " + command), environment, "");
            assertThat(said.exit()).as("%s\n%s", command, said.all()).isZero();
            assertThat(said.all()).as(command).doesNotContain("Warning:");
            if (command.startsWith("helm install")) {
              assertThat(said.out()).contains("Outrigger", "is installed in outrigger-system");
              controlPlane = release.startReplica("control-plane", webhook);
              await(
                  "trust", () -> assertThat(release.bundles()).allMatch(one -> one.length() > 500));
            }
            if (command.startsWith("helm ") && !command.startsWith("helm uninstall")) {
              release.callWebhookHere(webhook);
              await("the webhook is called", () -> mustInject(kube));
            }
          }
          if (block.stream().anyMatch(line -> line.contains("examples/kubernetes/shop"))) {
            await("pods with a sidecar", () -> mustHaveSidecars(kube));
            await("routes with a status", () -> mustBeAccepted(kube));
          }
        }
      } finally {
        if (controlPlane != null) {
          controlPlane.close();
        }
      }
      await(
          "nothing is left",
          () -> {
            Set<String> left = new TreeSet<>(Release.objects(kube));
            // They are not ours.
            left.removeIf(object -> object.contains("gateway.networking.k8s.io"));
            assertThat(left).isEqualTo(before);
          });
    }
  }

  /** A pod that asks for a sidecar gets one. */
  private static void mustInject(KubeApi kube) throws Exception {
    String pod =
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: asks, labels: {outrigger.dev/inject: enabled}}
        spec: {serviceAccountName: asks, containers: [{name: app, image: app}]}
        """;
    Said said = kube.kubectlAs("admin", pod, "create", "--dry-run=server", "-o", "json", "-f", "-");
    assertThat(said.all()).contains("outrigger-proxy");
  }

  private static void mustHaveSidecars(KubeApi kube) throws Exception {
    List<String> pods =
        kube.must(
                "-n",
                "shop",
                "get",
                "pods",
                "-o",
                "jsonpath={range .items[*]}{.metadata.labels.app} {.spec.initContainers[*].name}{\"\\n\"}{end}")
            .lines()
            .toList();
    assertThat(pods)
        .hasSizeGreaterThanOrEqualTo(5)
        .allMatch(pod -> pod.contains("outrigger-init") && pod.contains("outrigger-proxy"));
  }

  private static void mustBeAccepted(KubeApi kube) throws Exception {
    assertThat(
            kube.must(
                "-n",
                "shop",
                "get",
                "httproutes",
                "-o",
                "jsonpath={range .items[*]}{.metadata.name}={.status.parents[*].conditions[?(@.type==\"Accepted\")].status} {end}"))
        .isEqualTo("catalog=True checkout=True ");
  }

  /** Tools by their plain names; {@code ctr} and the network are not there. */
  private static Map<String, String> environment(KubeApi kube, Path folder) throws IOException {
    Path tools = Files.createDirectories(folder.resolve("tools"));
    Path kubectl = kube.binaries().resolve("kubectl");
    Files.createSymbolicLink(
        tools.resolve("helm"), Path.of(Peers.require("helm/helm")).toAbsolutePath());
    script(
        tools.resolve("kubectl"),
        """
        for argument; do
          case $argument in
            https://github.com/kubernetes-sigs/gateway-api/releases/download/v*/standard-install.yaml) argument=%s ;;
            https://*) echo "no network: $argument" >&2; exit 1 ;;
          esac
          shift
          set -- "$@" "$argument"
        done
        exec %s "$@"
        """
            .formatted(kube.binaries().resolve("gateway-api"), kubectl));
    script(
        tools.resolve("ctr"),
        """
        [ "$*" = "-n k8s.io images import target/image/outrigger-amd64.tar" ] || { echo "$*" >&2; exit 1; }
        """);
    return Map.of(
        "PATH",
        tools + ":" + System.getenv("PATH"),
        "KUBECONFIG",
        kube.kubeconfig("admin").toString(),
        "REPOSITORY",
        System.getProperty("outrigger.home"));
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, "#!/usr/bin/env bash\nset -eu\n" + text);
    if (!file.toFile().setExecutable(true)) {
      throw new IOException(file + " cannot be made executable");
    }
  }
}
