package dev.outrigger.controlplane.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.MeshObject;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

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

  /** The status too, and what is around the spec. */
  @ParameterizedTest
  @MethodSource("kinds")
  void theWholeDefinitionIsExplainedAndItsRulesHaveWords(Crds.Kind kind) {
    Map<?, ?> crd = map(new Load(LoadSettings.builder().build()).loadFromString(Crds.yaml(kind)));
    Map<?, ?> spec = map(crd.get("spec"));
    Map<?, ?> names = map(spec.get("names"));
    assertThat(list(names.get("shortNames")).size()).isEqualTo(1);
    assertThat(names.get("categories")).isEqualTo(List.of("outrigger"));
    Map<?, ?> version = map(list(spec.get("versions")).getFirst());
    assertThat(list(version.get("additionalPrinterColumns")))
        .hasSizeGreaterThan(1)
        .allMatch(column -> map(column).keySet().containsAll(List.of("name", "type", "jsonPath")));
    whole(kind.name(), map(map(version.get("schema")).get("openAPIV3Schema")));
  }

  private static void whole(String path, Map<?, ?> schema) {
    for (Object rule : list(schema.get("x-kubernetes-validations"))) {
      assertThat(map(rule).get("message")).as(path).asString().isNotBlank();
    }
    for (Map.Entry<?, ?> field : map(schema.get("properties")).entrySet()) {
      String at = path + "." + field.getKey();
      if (path.indexOf('.') < 0 && field.getKey().equals("metadata")) {
        continue; // Kubernetes has words of its own for it, and takes no others.
      }
      assertThat(map(field.getValue()).get("description")).as(at).isNotNull();
      whole(at, map(field.getValue()));
    }
    whole(path, "items", schema);
    whole(path, "additionalProperties", schema);
  }

  private static void whole(String path, String part, Map<?, ?> schema) {
    if (schema.get(part) instanceof Map<?, ?> inner) {
      whole(path + "." + part, inner);
    }
  }

  private static Map<?, ?> map(@Nullable Object value) {
    return value == null ? Map.of() : (Map<?, ?>) value;
  }

  private static List<?> list(@Nullable Object value) {
    return value == null ? List.of() : (List<?>) value;
  }

  /** What Artifact Hub shows of the chart is the chart's. */
  @Test
  void theChartsAnnotationsNameEveryKind() throws IOException {
    Map<?, ?> chart =
        map(
            new Load(LoadSettings.builder().build())
                .loadFromString(Files.readString(COMMITTED.resolve("../../Chart.yaml"))));
    String annotated = String.valueOf(map(chart.get("annotations")).get("artifacthub.io/crds"));
    List<String> told =
        list(new Load(LoadSettings.builder().build()).loadFromString(annotated)).stream()
            .map(crd -> map(crd).get("kind") + " " + map(crd).get("name"))
            .toList();
    assertThat(told)
        .containsExactlyInAnyOrderElementsOf(
            kinds().map(kind -> kind.name() + " " + kind.fullName()).toList());
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
