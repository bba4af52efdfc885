package dev.outrigger.proxy.bootstrap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** In {@code bad.txt} each case ends with what must be said of it, place and all. */
final class BadBootstrapTest {

  @TestFactory
  Stream<DynamicTest> isRefusedWithPlaceAndReason() {
    return Arrays.stream(Corpus.text("bad.txt").split("(?m)^=== "))
        .filter(part -> !part.isBlank() && !part.startsWith("#"))
        .map(
            part -> {
              List<String> lines = part.lines().toList();
              return DynamicTest.dynamicTest(
                  lines.getFirst(), () -> check(lines.subList(1, lines.size())));
            });
  }

  private static void check(List<String> lines) {
    String yaml =
        lines.stream().filter(l -> !l.startsWith("> ")).collect(Collectors.joining("\n", "", "\n"));
    String expected =
        lines.stream()
            .filter(l -> l.startsWith("> "))
            .map(l -> "--config-yaml:" + l.substring(2))
            .collect(Collectors.joining("\n"));
    assertThatThrownBy(() -> Corpus.load(yaml))
        .isInstanceOf(BadConfigException.class)
        .hasMessage(expected);
  }

  @Test
  void namesTheFile(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("proxy.yaml");
    Files.writeString(file, "admin:\n  adress: {}\n");
    assertThatThrownBy(
            () ->
                BootstrapLoader.load(ProxyOptions.parse(List.of("-c", file.toString()), Map.of())))
        .hasMessage(
            file + ":2:3: admin.adress: Admin has no field 'adress', did you mean 'address'?");
    Path missing = folder.resolve("missing.yaml");
    assertThatThrownBy(
            () ->
                BootstrapLoader.load(
                    ProxyOptions.parse(List.of("-c", missing.toString()), Map.of())))
        .hasMessage(missing + ": there is no such file");
  }

  @Test
  void goesOnWithAListWhenAskedTo() throws Exception {
    String yaml = Corpus.text("warn.yaml");
    assertThatThrownBy(() -> Corpus.load(yaml)).isInstanceOf(BadConfigException.class);
    LoadedBootstrap loaded = Corpus.load(yaml, "--unsupported=warn");
    assertThat(loaded.warnings())
        .extracting(ConfigProblem::path)
        .containsExactly(
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config"
                + ".http_filters[0].typed_config",
            "overload_manager");
    assertThat(loaded.staticConfig().listeners()).hasSize(1);
  }
}
