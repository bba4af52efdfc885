package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class InstallCommandTest {
  private static final Path CHART = Path.of("../helm/outrigger");

  @Test
  void allDefinitionsOfTheChartArePrinted() throws IOException {
    List<String> files;
    try (Stream<Path> list = Files.list(CHART.resolve("files/crds"))) {
      files = list.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
    assertThat(InstallCommand.DEFINITIONS).isEqualTo(files);
    StringBuilder all = new StringBuilder();
    for (String file : files) {
      all.append("---\n").append(Files.readString(CHART.resolve("files/crds").resolve(file)));
    }
    assertThat(Captured.run("install", "--crds").out()).isEqualTo(all.toString());
  }

  @Test
  void dataGoesToStandardOutputAndTheNextStepToStandardError() {
    Captured said = Captured.run("install");
    assertThat(said.out()).contains("kind: MutatingWebhookConfiguration", "replicas: 1");
    assertThat(said.err()).contains("kubectl label namespace");
    assertThat(Captured.run("install", "--ha").out())
        .contains("replicas: 3", "kind: PodDisruptionBudget", "failurePolicy: Fail");
  }

  @Test
  void theSettingsOfTheChartAreTheUsualOnes() throws IOException {
    String injection =
        Captured.run("install")
            .out()
            .lines()
            .dropWhile(line -> !line.equals("  injection.yaml: |"))
            .skip(1)
            .takeWhile(line -> line.startsWith("    "))
            .map(line -> line.substring(4) + "\n")
            .collect(java.util.stream.Collectors.joining());

    assertThat(dev.outrigger.controlplane.inject.SettingsReader.read(injection))
        .as("so that inject without settings does what the webhook does")
        .isEqualTo(dev.outrigger.controlplane.inject.InjectionSettings.usual());
  }
}
