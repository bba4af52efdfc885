package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * The fields of one mapping, read strictly. Whatever is wrong becomes a problem of the document and
 * a harmless value, so that one reading finds all problems. {@link #finish} complains about fields
 * that nobody asked for.
 */
final class Fields {
  private static final int MAX_TEXT = 4096;

  private final Doc doc;
  private final String path;
  private final Node node;
  private final Map<String, NodeTuple> present = new LinkedHashMap<>();
  private final Set<String> known = new LinkedHashSet<>();

  /** What is read, rather than ignored or refused. */
  private final Set<String> asked = new LinkedHashSet<>();

  private Fields(Doc doc, String path, Node node) {
    this.doc = doc;
    this.path = path;
    this.node = node;
  }

  /**
   * @param path such as {@code spec.rules[0]}, empty for the document
   */
  static Fields of(Doc doc, String path, Node node) {
    Fields fields = new Fields(doc, path, node);
    if (!(node instanceof MappingNode mapping)) {
      doc.problem(
          Code.WRONG_TYPE,
          node,
          (path.isEmpty() ? "the document" : "`" + path + "`")
              + " must be a mapping of fields, but is "
              + describe(node),
          "");
      return fields;
    }
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        doc.problem(Code.WRONG_TYPE, tuple.getKeyNode(), "a field name must be text", "");
        continue;
      }
      if (fields.present.containsKey(key.getValue())) {
        doc.problem(
            Code.DUPLICATE_FIELD,
            key,
            "the field `" + key.getValue() + "` is there twice" + fields.in(),
            "first at line " + doc.placeOf(fields.keyNode(key.getValue())).line());
        continue;
      }
      fields.present.put(key.getValue(), tuple);
    }
    return fields;
  }

  Doc doc() {
    return doc;
  }

  Node node() {
    return node;
  }

  String at(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** Names of the fields that are there, asked for or not. */
  Set<String> names() {
    return present.keySet();
  }

  Node keyNode(String name) {
    NodeTuple tuple = present.get(name);
    return tuple == null ? node : tuple.getKeyNode();
  }

  /** The value of a field; null where it is absent or empty. */
  @Nullable Node value(String name) {
    asked.add(name);
    return peek(name);
  }

  private @Nullable Node peek(String name) {
    known.add(name);
    NodeTuple tuple = present.get(name);
    return tuple == null || tuple.getValueNode().getTag().equals(Tag.NULL)
        ? null
        : tuple.getValueNode();
  }

  /** Where to point when something is wrong with a field. */
  Node valueOrSelf(String name) {
    NodeTuple tuple = present.get(name);
    return tuple == null ? node : tuple.getValueNode();
  }

  boolean has(String name) {
    return value(name) != null;
  }

  /** Fields that mean nothing to us and may be there. */
  Fields ignore(String... names) {
    known.addAll(List.of(names));
    return this;
  }

  /** A field that others know and we do not support. */
  void unsupported(String name, String hint) {
    if (peek(name) != null) {
      doc.problem(Code.UNSUPPORTED, keyNode(name), "`" + at(name) + "` is not supported", hint);
    }
  }

  void problem(Code code, String name, String message, String hint) {
    doc.problem(code, valueOrSelf(name), message, hint);
  }

  private void missing(String name, String expected) {
    if (!(node instanceof MappingNode)) {
      // Said already that there are no fields at all.
      return;
    }
    doc.problem(
        Code.MISSING_FIELD,
        node,
        "`" + at(name) + "` is required: " + expected,
        "add `" + name + "`");
  }

  // ---- mappings and lists

  @Nullable Fields object(String name) {
    Node value = value(name);
    return value == null ? null : of(doc, at(name), value);
  }

  @Nullable Fields requiredObject(String name, String expected) {
    Fields fields = object(name);
    if (fields == null) {
      missing(name, expected);
    }
    return fields;
  }

  List<Node> list(String name) {
    Node value = value(name);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof SequenceNode sequence)) {
      doc.problem(
          Code.WRONG_TYPE,
          value,
          "`" + at(name) + "` must be a list, but is " + describe(value),
          "begin each element with a dash");
      return List.of();
    }
    return sequence.getValue();
  }

  List<Fields> objects(String name) {
    List<Fields> objects = new ArrayList<>();
    for (Node element : list(name)) {
      objects.add(of(doc, at(name) + "[" + objects.size() + "]", element));
    }
    return objects;
  }

  List<Fields> requiredObjects(String name, String expected) {
    List<Fields> objects = objects(name);
    if (objects.isEmpty() && !(value(name) instanceof MappingNode)) {
      missing(name, expected);
    }
    return objects;
  }

  List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (Node element : list(name)) {
      texts.add(text(element, at(name) + "[" + texts.size() + "]"));
    }
    return texts;
  }

  /** A mapping of text to text, such as labels. */
  Map<String, String> textMap(String name) {
    Fields fields = object(name);
    Map<String, String> map = new LinkedHashMap<>();
    if (fields != null) {
      for (String key : fields.present.keySet()) {
        Node value = fields.value(key);
        map.put(key, value == null ? "" : fields.text(value, fields.at(key)));
      }
    }
    return map;
  }

  // ---- scalars

  String text(String name, String otherwise) {
    Node value = value(name);
    return value == null ? otherwise : text(value, at(name));
  }

  String requiredText(String name, String expected) {
    Node value = value(name);
    if (value == null) {
      missing(name, expected);
      return "";
    }
    return text(value, at(name));
  }

  String text(Node value, String where) {
    if (!(value instanceof ScalarNode scalar)) {
      doc.problem(
          Code.WRONG_TYPE, value, "`" + where + "` must be text, but is " + describe(value), "");
      return "";
    }
    if (!scalar.getTag().equals(Tag.STR)) {
      doc.problem(
          Code.WRONG_TYPE,
          value,
          "`" + where + "` must be text, but is " + describe(value),
          "put it in quotes: \"" + scalar.getValue() + "\"");
      return scalar.getValue();
    }
    if (scalar.getValue().length() > MAX_TEXT) {
      doc.problem(
          Code.LIMIT, value, "`" + where + "` is longer than " + MAX_TEXT + " characters", "");
      return "";
    }
    return scalar.getValue();
  }

  int integer(String name, int otherwise, int min, int max) {
    Node value = value(name);
    return value == null ? otherwise : integer(value, at(name), min, max);
  }

  @Nullable Integer integerOrNull(String name, int min, int max) {
    Node value = value(name);
    return value == null ? null : integer(value, at(name), min, max);
  }

  int requiredInteger(String name, String expected, int min, int max) {
    Node value = value(name);
    if (value == null) {
      missing(name, expected);
      return min;
    }
    return integer(value, at(name), min, max);
  }

  int integer(Node value, String where, int min, int max) {
    if (!(value instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.INT)) {
      String hint =
          value instanceof ScalarNode text && text.getValue().matches("-?[0-9]{1,10}")
              ? "remove the quotes"
              : "";
      doc.problem(
          Code.WRONG_TYPE,
          value,
          "`" + where + "` must be a whole number, but is " + describe(value),
          hint);
      return min;
    }
    try {
      long number = Long.decode(scalar.getValue().replaceFirst("^([-+]?)0o?(?=[0-9])", "$1"));
      if (number >= min && number <= max) {
        return (int) number;
      }
    } catch (NumberFormatException e) {
      // Out of range, as reported below.
    }
    doc.problem(
        Code.BAD_VALUE,
        value,
        "`" + where + "` is " + scalar.getValue() + ", expected " + min + " to " + max,
        "");
    return min;
  }

  int port(String name, String expected) {
    return requiredInteger(name, expected, 1, 65535);
  }

  boolean flag(String name, boolean otherwise) {
    Node value = value(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.BOOL)) {
      doc.problem(
          Code.WRONG_TYPE,
          value,
          "`" + at(name) + "` must be true or false, but is " + describe(value),
          "");
      return otherwise;
    }
    return scalar.getValue().equalsIgnoreCase("true");
  }

  @Nullable Duration duration(String name) {
    Node value = value(name);
    return value == null ? null : duration(value, at(name));
  }

  Duration duration(String name, Duration otherwise) {
    Duration duration = duration(name);
    return duration == null ? otherwise : duration;
  }

  /** One that may not be zero. */
  @Nullable Duration positive(String name) {
    Duration duration = duration(name);
    if (duration != null && duration.isZero()) {
      problem(Code.BAD_VALUE, name, "`" + at(name) + "` may not be zero", "");
      return Duration.ofSeconds(1);
    }
    return duration;
  }

  Duration positive(String name, Duration otherwise) {
    Duration duration = positive(name);
    return duration == null ? otherwise : duration;
  }

  private Duration duration(Node value, String where) {
    if (value instanceof ScalarNode scalar) {
      @Nullable Duration duration = Units.duration(scalar.getValue());
      if (duration != null) {
        return duration;
      }
      String hint =
          scalar.getTag().equals(Tag.INT)
              ? "add a unit: " + scalar.getValue() + "ms or " + scalar.getValue() + "s"
              : "write it like 300ms, 5s or 1m30s; the units are h, m, s, ms and us, the"
                  + " longest is "
                  + Units.LONGEST.toHours()
                  + "h";
      doc.problem(
          Code.BAD_VALUE,
          value,
          "`" + where + "` must be a duration, but is " + describe(value),
          hint);
      return Duration.ofSeconds(1);
    }
    doc.problem(
        Code.WRONG_TYPE,
        value,
        "`" + where + "` must be a duration, but is " + describe(value),
        "");
    return Duration.ofSeconds(1);
  }

  double percent(String name, double otherwise) {
    Node value = value(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof ScalarNode scalar) {
      OptionalDouble percent = Units.percent(scalar.getValue());
      if (percent.isPresent()) {
        return percent.getAsDouble();
      }
      boolean number = scalar.getTag().equals(Tag.INT) || scalar.getTag().equals(Tag.FLOAT);
      doc.problem(
          Code.BAD_VALUE,
          value,
          "`" + at(name) + "` must be a percentage from 0% to 100%, but is " + describe(value),
          number ? "add the unit: " + scalar.getValue() + "%" : "write it like 20% or 0.5%");
      return otherwise;
    }
    doc.problem(
        Code.WRONG_TYPE,
        value,
        "`" + at(name) + "` must be a percentage, but is " + describe(value),
        "");
    return otherwise;
  }

  /** A number of bytes that must be there, such as {@code 64Ki}. */
  long requiredBytes(String name, String expected, long min, long max) {
    Node value = value(name);
    if (value == null) {
      missing(name, expected);
      return min;
    }
    if (value instanceof ScalarNode scalar) {
      OptionalLong bytes = Units.bytes(scalar.getValue());
      if (bytes.isPresent() && bytes.getAsLong() >= min && bytes.getAsLong() <= max) {
        return bytes.getAsLong();
      }
    }
    doc.problem(
        Code.BAD_VALUE,
        value,
        "`" + at(name) + "` must be " + min + " to " + max + " bytes, but is " + describe(value),
        "write it like 1000, 64Ki or 1M");
    return min;
  }

  /** One of several words. */
  <E> E choice(String name, Map<String, E> choices, E otherwise) {
    Node value = value(name);
    return value == null ? otherwise : choice(value, at(name), choices, otherwise);
  }

  <E> E requiredChoice(String name, Map<String, E> choices, E otherwise) {
    Node value = value(name);
    if (value == null) {
      missing(name, "one of " + String.join(", ", choices.keySet()));
      return otherwise;
    }
    return choice(value, at(name), choices, otherwise);
  }

  <E> E choice(Node value, String where, Map<String, E> choices, E otherwise) {
    String word = text(value, where);
    E choice = choices.get(word);
    if (choice != null) {
      return choice;
    }
    if (value instanceof ScalarNode scalar && scalar.getTag().equals(Tag.STR)) {
      @Nullable String nearest = Nearest.to(word, choices.keySet());
      doc.problem(
          Code.BAD_VALUE,
          value,
          "`"
              + where
              + "` is `"
              + word
              + "`, expected one of "
              + String.join(", ", choices.keySet()),
          nearest == null ? "" : "did you mean `" + nearest + "`?");
    }
    return otherwise;
  }

  /** Exactly one of several fields must be there; null after a problem. */
  @Nullable String oneOf(String... names) {
    @Nullable String found = null;
    for (String name : names) {
      if (value(name) == null && !present.containsKey(name)) {
        continue;
      }
      if (found != null) {
        doc.problem(
            Code.CONFLICT,
            keyNode(name),
            "`" + name + "` cannot stand beside `" + found + "`" + in(),
            "keep one of them");
        return null;
      }
      found = name;
    }
    if (found == null && node instanceof MappingNode) {
      doc.problem(
          Code.MISSING_FIELD,
          node,
          "expected one of " + String.join(", ", names) + in(),
          "add one of them");
    }
    return found;
  }

  OptionalInt optionalPort(String name) {
    Node value = value(name);
    return value == null ? OptionalInt.empty() : OptionalInt.of(integer(value, at(name), 1, 65535));
  }

  /** Complains about every field that nobody asked for. */
  void finish() {
    doc.asked(path, asked);
    for (Map.Entry<String, NodeTuple> entry : present.entrySet()) {
      if (!known.contains(entry.getKey())) {
        @Nullable String nearest = Nearest.to(entry.getKey(), known);
        doc.problem(
            Code.UNKNOWN_FIELD,
            entry.getValue().getKeyNode(),
            "unknown field `" + entry.getKey() + "`" + in(),
            nearest != null
                ? "did you mean `" + nearest + "`?"
                : "allowed fields here: " + String.join(", ", known));
      }
    }
  }

  private String in() {
    return path.isEmpty() ? "" : " in `" + path + "`";
  }

  static String describe(Node node) {
    return switch (node) {
      case MappingNode _ -> "a mapping";
      case SequenceNode _ -> "a list";
      case ScalarNode scalar -> {
        String value =
            scalar.getValue().length() > 60
                ? scalar.getValue().substring(0, 60) + "..."
                : scalar.getValue();
        if (scalar.getTag().equals(Tag.STR)) {
          yield "the text `" + value + "`";
        }
        if (scalar.getTag().equals(Tag.BOOL)) {
          yield "the flag `" + value + "`";
        }
        if (scalar.getTag().equals(Tag.NULL)) {
          yield "empty";
        }
        yield "the number `" + value + "`";
      }
      default -> "something else";
    };
  }
}
