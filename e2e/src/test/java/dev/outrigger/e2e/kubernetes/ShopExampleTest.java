package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shop's manifests are what a real API server and our own checks take, to the last field. */
final class ShopExampleTest {
  private static final Path SHOP =
      Path.of(System.getProperty("outrigger.home"), "examples/kubernetes/shop");

  @Test
  void aRealServerTakesEveryFieldOfTheShop(@TempDir Path folder) throws Exception {
    try (KubeApi kube = KubeApi.start(folder.resolve("kube"))) {
      kube.install();
      // A dry run makes no namespace, and the others need one.
      kube.apply(Files.readString(SHOP.resolve("namespace.yaml")));

      Said said =
          kube.kubectl("apply", "--dry-run=server", "--validate=strict", "-R", "-f", "" + SHOP);

      assertThat(said.exit()).as(said.all()).isZero();
      assertThat(said.out())
          .contains("deployment.apps/catalog-v2 created")
          .contains("httproute.gateway.networking.k8s.io/catalog created")
          .contains("authenticationpolicy.mesh.outrigger.dev/strict created")
          .contains("job.batch/customers created")
          .contains("experiment.chaos.outrigger.dev/slow-catalog created");
    }
  }

  @Test
  void theMeshFindsNothingWrongWithIt(@TempDir Path folder) throws Exception {
    try (Launched analysis =
        Launched.start(
            folder,
            "analyze",
            Peers.outrigger(
                "analyze",
                SHOP.resolve("services.yaml").toString(),
                SHOP.resolve("routes.yaml").toString(),
                SHOP.resolve("policies.yaml").toString(),
                SHOP.resolve("experiments").toString()))) {
      assertThat(analysis.exit(Duration.ofSeconds(60))).as(analysis.said()).isZero();
      assertThat(List.of(analysis.said().split("\n", -1)))
          .noneMatch(line -> line.startsWith("error") || line.startsWith("warning"));
    }
  }
}
