package dev.outrigger.controlplane.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.MeshObject;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the chart has is what the tables say, and the tables explain every field. */
final class CrdsTest {
  private static final Path COMMITTED = Path.of("..", "helm", "outrigger", "files", "crds");

  static Stream<Crds.Kind> kinds() {
    return Crds.kinds().stream();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theChartHasWhatTheTablesSay(Crds.Kind kind) throws IOException {
    Path file = COMMITTED.resolve(kind.fullName() + ".yaml");
    if ("write".equals(System.getProperty("outrigger.crds"))) {
      Files.writeString(file, Crds.yaml(kind));
    }
    assertThat(file).as("`make crds` writes it").content().isEqualTo(Crds.yaml(kind));
  }

  @Test
  void theChartHasNoOthers() throws IOException {
    List<String> files = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(COMMITTED)) {
      found.forEach(file -> files.add(file.getFileName().toString()));
    }
    assertThat(files)
        .containsExactlyInAnyOrderElementsOf(
            kinds().map(kind -> kind.fullName() + ".yaml").toList());
  }

  @Test
  void everyKindOfOursHasATable() {
    Set<String> ours =
        Stream.of(MeshObject.Kind.values())
            .filter(kind -> kind.apiVersion().contains("outrigger.dev"))
            .map(MeshObject.Kind::text)
            .collect(Collectors.toSet());
    assertThat(kinds().map(Crds.Kind::name)).containsExactlyInAnyOrderElementsOf(ours);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyFieldIsExplained(Crds.Kind kind) {
    explained(kind.name(), kind.spec());
  }

  private static void explained(String path, Schema schema) {
    switch (schema) {
      case Schema.Mapping mapping -> {
        for (Schema.Field field : mapping.fields()) {
          String at = path + "." + field.name();
          assertThat(field.description()).as(at).matches("(?s)[^ ].*[^ ]\\.|[^ ].*%\\.");
          explained(at, field.schema());
        }
        assertThat(mapping.rules()).as(path).allMatch(rule -> !rule.message().isBlank());
      }
      case Schema.ListOf list -> explained(path, list.element());
      case Schema.MapOf map -> explained(path, map.value());
      case Schema.Text _,
          Schema.Whole _,
          Schema.Decimal _,
          Schema.Flag _,
          Schema.WholeOrText _,
          Schema.Deeper _ -> {}
    }
  }
}
