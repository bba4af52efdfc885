package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InjectCommandTest {
  private static final String WRITTEN =
      """
      kind: Namespace
      metadata: {name: quiet, labels: {outrigger.dev/inject: disabled}}
      ---
      kind: Deployment
      metadata: {name: shop}
      spec:
        template:
          spec:
            containers:
            - name: app # ours
      ---
      kind: Deployment
      metadata: {name: batch, namespace: quiet}
      spec: {template: {spec: {containers: [{name: app}]}}}
      """;

  @TempDir private Path folder;

  @Test
  void manifestsGoToStandardOutputAndWhatBecameOfThemToStandardError() throws IOException {
    Captured said = Captured.run("inject", file(WRITTEN));

    assertThat(said.exit()).isEqualTo(0);
    assertThat(said.out()).contains("- name: app # ours", "outrigger-proxy");
    assertThat(said.err())
        .isEqualTo(
            """
            Namespace/quiet: not injected, it makes no pods
            Deployment/shop: injected
            Deployment/batch: not injected, its namespace has the label outrigger.dev/inject: disabled
            """);
    assertThat(Captured.run("inject", file(said.out())).out())
        .as("what is injected already stays byte for byte")
        .isEqualTo(said.out());
  }

  @Test
  void nothingIsPrintedWhereSomethingIsWrong() throws IOException {
    Captured said =
        Captured.run(
            "inject",
            file(
                WRITTEN.replace(
                    "  template:\n",
                    "  template:\n    metadata:\n      annotations:\n"
                        + "        config.outrigger.dev/cpu-request: many\n")));

    assertThat(said.exit()).isEqualTo(1);
    assertThat(said.out()).isEmpty();
    assertThat(said.err())
        .contains("Deployment/shop: annotation config.outrigger.dev/cpu-request: expected");
  }

  @Test
  void explainOnlyTells() throws IOException {
    Captured said = Captured.run("inject", "--explain", file(WRITTEN));

    assertThat(said.out()).contains("Deployment/shop: injected").doesNotContain("containers");
  }

  @Test
  void aBadDocumentIsToldWithItsLine() throws IOException {
    Captured said = Captured.run("inject", file("a: b\n---\nc: [\n"));

    assertThat(said.exit()).isEqualTo(1);
    assertThat(said.err()).contains(".yaml:4:1: ");
  }

  private String file(String text) throws IOException {
    return Files.writeString(Files.createTempFile(folder, "in", ".yaml"), text).toString();
  }
}
