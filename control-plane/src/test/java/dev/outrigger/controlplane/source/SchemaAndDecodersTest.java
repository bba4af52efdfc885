package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.schema.Crds;
import dev.outrigger.controlplane.schema.Schema;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The tables of fields and the decoders say the same: the decoder reads each field of the table and
 * no other, and they agree on words and on bounds.
 */
final class SchemaAndDecodersTest {
  /** Read as text, so that more digits than a number has are told well. */
  private static final String DIGITS = "spec.seed";

  static Stream<Crds.Kind> kinds() {
    return Crds.kinds().stream();
  }

  /** A place in a table: the fields on the way to it, and what is there. */
  private record Spot(List<Schema.Field> way, Schema schema) {
    Spot to(Schema.Field field) {
      List<Schema.Field> longer = new ArrayList<>(way);
      longer.add(field);
      return new Spot(longer, field.schema());
    }

    String path() {
      return "spec" + way.stream().map(field -> "." + field.name()).collect(Collectors.joining());
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theDecoderReadsEachFieldOfTheTableAndNoOther(Crds.Kind kind) {
    Map<String, Set<String>> told = new HashMap<>();
    Map<String, Set<String>> asked = new HashMap<>();
    for (Spot spot : spots(kind)) {
      if (mapping(spot.schema()) instanceof Schema.Mapping mapping) {
        told.put(
            spot.path(),
            mapping.fields().stream()
                .map(Schema.Field::name)
                .collect(Collectors.toCollection(TreeSet::new)));
      }
      Doc doc = Doc.listening("object");
      decode(kind, doc, spot, sample(spot.schema()));
      assertThat(doc.problems())
          .as(spot.path())
          .noneMatch(problem -> problem.code() == Code.UNKNOWN_FIELD);
      doc.asked()
          .forEach(
              (path, names) ->
                  asked.computeIfAbsent(plain(path), key -> new TreeSet<>()).addAll(names));
    }
    asked.keySet().retainAll(told.keySet());
    assertThat(asked).isEqualTo(told);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theyAgreeOnWordsAndBounds(Crds.Kind kind) {
    for (Spot spot : spots(kind)) {
      Schema schema = spot.schema() instanceof Schema.ListOf list ? list.element() : spot.schema();
      if (schema instanceof Schema.Text text && text.words().size() > 1) {
        if (text.words().contains("core")) {
          continue; // A reference has a text of its own about this.
        }
        assertThat(problems(kind, spot, wrap(spot, "???")))
            .as(spot.path())
            .anyMatch(said -> said.contains("expected one of " + String.join(", ", text.words())));
      } else if (schema instanceof Schema.Whole whole && !spot.path().equals(DIGITS)) {
        for (long outside : new long[] {whole.min() - 1, whole.max() + 1}) {
          assertThat(problems(kind, spot, wrap(spot, outside)))
              .as(spot.path())
              .anyMatch(
                  said ->
                      said.contains(
                          "is %d, expected %d to %d".formatted(outside, whole.min(), whole.max())));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theyAgreeOnWhatIsRequired(Crds.Kind kind) {
    for (Spot spot : spots(kind)) {
      if (!(mapping(spot.schema()) instanceof Schema.Mapping mapping)
          || mapping.fields().isEmpty()) {
        continue;
      }
      List<String> said = problems(kind, spot, wrap(spot, Map.of()));
      for (Schema.Field field : mapping.fields()) {
        String message = "." + field.name() + "` is required";
        if (field.required()) {
          assertThat(said).as(spot.path()).anyMatch(one -> one.contains(message));
        }
      }
    }
  }

  private static List<String> problems(Crds.Kind kind, Spot spot, Object value) {
    Doc doc = Doc.ofObject("object");
    decode(kind, doc, spot, value);
    return doc.problems().stream().map(Problem::message).toList();
  }

  private static void decode(Crds.Kind kind, Doc doc, Spot spot, Object value) {
    Object spec = value;
    for (int i = spot.way().size() - 1; i >= 0; i--) {
      Schema parent = i == 0 ? kind.spec() : spot.way().get(i - 1).schema();
      Map<String, Object> fields = required(mapping(parent));
      fields.put(spot.way().get(i).name(), spec);
      spec = i == 0 ? fields : inside(parent, fields);
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("apiVersion", kind.group() + "/v1alpha1");
    object.put("kind", kind.name());
    object.put("metadata", Map.of("name", "sample", "namespace", "shop"));
    object.put("spec", spec);
    var _ = DocumentDecoder.decode(doc, "object", Trees.node(object));
  }

  /** A value as the element that a list or a map of fields wants. */
  private static Object inside(Schema schema, Object value) {
    return switch (schema) {
      case Schema.ListOf _ -> List.of(value);
      case Schema.MapOf _ -> Map.of("8080", value);
      default -> value;
    };
  }

  private static Object wrap(Spot spot, Object value) {
    return inside(spot.schema(), value);
  }

  private static Schema.@Nullable Mapping mapping(Schema schema) {
    return switch (schema) {
      case Schema.Mapping mapping -> mapping;
      case Schema.ListOf list -> mapping(list.element());
      case Schema.MapOf map -> mapping(map.value());
      default -> null;
    };
  }

  /** Every field, and the whole. */
  private static List<Spot> spots(Crds.Kind kind) {
    List<Spot> spots = new ArrayList<>();
    collect(new Spot(List.of(), kind.spec()), spots);
    return spots;
  }

  private static void collect(Spot spot, List<Spot> spots) {
    spots.add(spot);
    Schema.Mapping mapping = mapping(spot.schema());
    if (mapping != null) {
      mapping.fields().forEach(field -> collect(spot.to(field), spots));
    }
  }

  private static Map<String, Object> required(Schema.@Nullable Mapping mapping) {
    Map<String, Object> fields = new LinkedHashMap<>();
    if (mapping != null) {
      for (Schema.Field field : mapping.fields()) {
        if (field.required()) {
          fields.put(field.name(), sample(field.schema()));
        }
      }
    }
    return fields;
  }

  private static Object sample(Schema schema) {
    return switch (schema) {
      case Schema.Text text -> text.words().isEmpty() ? "a" : text.words().getLast();
      case Schema.Whole whole -> whole.min();
      case Schema.Decimal _ -> 1.5;
      case Schema.Flag _ -> true;
      case Schema.WholeOrText _ -> 200;
      case Schema.ListOf list -> List.of(sample(list.element()));
      case Schema.MapOf map -> Map.of("8080", sample(map.value()));
      case Schema.Mapping mapping -> required(mapping);
      case Schema.Deeper _ -> Map.of();
    };
  }

  /** Without positions in lists and without keys of maps. */
  private static String plain(String path) {
    return path.replaceAll("\\[[0-9]+]", "").replace(".8080", "");
  }
}
