package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.Machine.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A newcomer's path: the commands of the README's section on Kubernetes on a real node, word for
 * word and in their order, each as soon as the one before has ended, by a shell in the repository's
 * folder. Where there is no network, the Gateway API's definitions come from a folder. Everything
 * else is as written.
 */
final class ReadmeOnANodeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  @Test
  void theCommandsOfTheReadmeDoWhatItSays(@TempDir Path folder) throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(Containers.archive()).as("`make images` made it").exists();
    try (RealNode node = RealNode.start(folder.resolve("node"))) {
      Map<String, String> environment = environment(node, folder);
      Set<String> before = Release.objects(node::must);
      for (List<String> block : ReadmeCommands.blocks()) {
        for (String command : block) {
          Said said = node.onNode(environment, "bash", "-euc", "cd \"$REPOSITORY\"; " + command);
          assertThat(said.exit())
              .as("%s\n%s%s", command, said.all(), said.exit() == 0 ? "" : states(node))
              .isZero();
          assertThat(said.all()).as(command).doesNotContain("Warning:");
          if (command.startsWith("helm install")) {
            assertThat(said.out()).contains("Outrigger", "is installed in outrigger-system");
          } else if (command.startsWith("helm test")) {
            assertThat(said.out()).contains("Phase:          Succeeded");
          }
          // The cluster's DNS, which the node's harness stands in for.
          node.publishNames();
        }
        if (block.stream().anyMatch(line -> line.contains("examples/kubernetes/shop"))) {
          mustSell(node);
        }
      }
      Awaitility.await("nothing is left")
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                Set<String> left = new TreeSet<>(Release.objects(node::must));
                // They are not ours; the kubelet's sign of life comes when it likes.
                left.removeIf(
                    object ->
                        object.contains("gateway.networking.k8s.io")
                            || object.startsWith("Lease kube-node-lease/"));
                before.removeIf(object -> object.startsWith("Lease kube-node-lease/"));
                assertThat(left).isEqualTo(before);
              });
    }
  }

  /** Every pod has a sidecar, every route counts, and customers are served. */
  private static void mustSell(RealNode node) throws Exception {
    mustWait(node, "--for=condition=Available", "deployment", "--all");
    assertThat(
            node.must(
                    "-n",
                    "shop",
                    "get",
                    "pods",
                    "-o",
                    "jsonpath={range .items[*]}{.spec.initContainers[*].name}{\"\\n\"}{end}")
                .lines())
        .hasSizeGreaterThanOrEqualTo(5)
        .allMatch("outrigger-init outrigger-proxy"::equals);
    for (String route : List.of("catalog", "checkout")) {
      mustWait(
          node,
          "--for=jsonpath={.status.parents[0].conditions[?(@.type==\"Accepted\")].status}=True",
          "httproute/" + route);
    }
    Awaitility.await("customers are served")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(
            () ->
                node.kubectl("-n", "shop", "logs", "job/customers", "-c", "customers")
                    .out()
                    .contains("200="));
  }

  private static void mustWait(RealNode node, String condition, String... what) throws Exception {
    String[] all = new String[what.length + 5];
    all[0] = "-n";
    all[1] = "shop";
    all[2] = "wait";
    all[3] = "--timeout=" + PATIENCE.toSeconds() + "s";
    all[4] = condition;
    System.arraycopy(what, 0, all, 5, what.length);
    Said said = node.kubectl(all);
    assertThat(said.exit()).as("%s%s", said.all(), said.exit() == 0 ? "" : states(node)).isZero();
  }

  private static String states(RealNode node) throws Exception {
    return "\n" + node.state("outrigger-system") + node.state("shop");
  }

  /** Tools by their plain names; {@code ctr} is told where this node's containerd listens. */
  private static Map<String, String> environment(RealNode node, Path folder) throws IOException {
    Path tools = Files.createDirectories(folder.resolve("tools"));
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
            .formatted(node.gatewayKinds(), node.binaries().resolve("kubectl")));
    script(
        tools.resolve("ctr"),
        "exec %s --address=%s \"$@\"%n"
            .formatted(Peers.require("ctr"), node.containers().socket()));
    return Map.of(
        "PATH",
        tools + ":" + System.getenv("PATH"),
        "KUBECONFIG",
        node.kubeconfig().toString(),
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
