package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The API server takes our definitions, explains them, and refuses what is wrong with our words.
 */
final class CrdsOnARealServerTest {
  private static KubeApi kube;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    kube = KubeApi.start(folder.resolve("kube"));
    Said applied =
        kube.kubectl(
            "apply",
            "--server-side",
            "-f",
            Path.of(System.getProperty("outrigger.home"), "helm/outrigger/files/crds").toString());
    assertThat(applied.exit()).as(applied.all()).isZero();
    Said established = kube.kubectl("wait", "--for=condition=Established", "crd", "--all");
    assertThat(established.exit()).as(established.all()).isZero();
  }

  @AfterAll
  static void stop() {
    if (kube != null) {
      kube.close();
    }
  }

  @Test
  void everyKindIsFoundByItsCategoryAndShortName() throws Exception {
    Said kinds = kube.kubectl("api-resources", "--categories=outrigger", "-o", "name");
    assertThat(kinds.out().lines())
        .containsExactlyInAnyOrder(
            "workloads.mesh.outrigger.dev",
            "trafficpolicies.mesh.outrigger.dev",
            "authenticationpolicies.mesh.outrigger.dev",
            "meshconfigs.mesh.outrigger.dev",
            "experiments.chaos.outrigger.dev",
            "freezes.chaos.outrigger.dev");
    for (String name : List.of("wl", "tpol", "authn", "meshcfg", "exp", "frz")) {
      assertThat(kube.kubectl("get", name).exit()).as(name).isZero();
    }
  }

  @Test
  void fieldsAreExplained() throws Exception {
    assertThat(kube.kubectl("explain", "trafficpolicy.spec.outlierDetection").out())
        .contains("So many failures in a row eject an endpoint; 5 unless given.");
    assertThat(kube.kubectl("explain", "experiment.spec.faults.abort").out())
        .contains("The status of a gRPC call.");
  }

  record Document(String name, String yaml, String message) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Document> bad() {
    return BadObjects.all();
  }

  static Stream<Document> good() {
    return GoodObjects.all();
  }

  @ParameterizedTest
  @MethodSource("bad")
  void whatIsWrongIsRefusedWithOurWords(Document bad) throws Exception {
    Said said = kube.kubectlAs("admin", bad.yaml(), "create", "--dry-run=server", "-f", "-");
    assertThat(said.exit()).as(said.all()).isNotZero();
    assertThat(said.err()).contains(bad.message());
  }

  @ParameterizedTest
  @MethodSource("good")
  void whatIsRightIsTaken(Document good) throws Exception {
    Said said = kube.kubectlAs("admin", good.yaml(), "create", "--dry-run=server", "-f", "-");
    assertThat(said.exit()).as(said.all()).isZero();
  }
}
