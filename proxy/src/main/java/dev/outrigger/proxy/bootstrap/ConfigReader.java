package dev.outrigger.proxy.bootstrap;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.config.NearestName;
import dev.outrigger.proxy.xds.decode.DroppedFields;
import dev.outrigger.proxy.xds.decode.KnownTypes;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Reads YAML or JSON into a protobuf message by the rules of protobuf's JSON form, and remembers
 * where every field stood. Everything that is wrong is collected with its line and column. Used
 * once, by one thread.
 */
final class ConfigReader {
  private static final int MAX_CHARACTERS = 16 << 20;
  private static final int MAX_DEPTH = 64;

  /** Aliases may repeat a node; this bounds what a few lines can grow to. */
  private static final int MAX_NODES = 1_000_000;

  private static final int MAX_PROBLEMS = 100;

  /** Edits within which an unknown type is a typing error rather than one that Envoy has. */
  private static final int TYPO = 3;

  private static final Pattern DURATION = Pattern.compile("(-?)([0-9]{1,12})(?:\\.([0-9]{1,9}))?s");
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]{1,19}");
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?");
  private static final Pattern ZERO = Pattern.compile("[-+]?0*(?:\\.0*)?");
  private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");
  private static final Set<String> TRUE = Set.of("true", "True", "TRUE");
  private static final Set<String> FALSE = Set.of("false", "False", "FALSE");

  /** Where a field stands, from 1. */
  record Position(String file, int line, int column) {}

  private final String file;
  private final Map<String, Position> positions = new HashMap<>();
  private final List<ConfigProblem> problems = new ArrayList<>();
  private int nodes;

  ConfigReader(String file) {
    this.file = file;
  }

  Map<String, Position> positions() {
    return positions;
  }

  /**
   * Reads a document into the builder.
   *
   * @throws BadConfigException with all that is wrong
   */
  void read(String text, Message.Builder builder) throws BadConfigException {
    try {
      Optional<Node> root = compose(text);
      if (root.isEmpty() || isNull(root.get())) {
        problems.add(new ConfigProblem(file, 1, 1, "", "the document is empty"));
      } else {
        message(root.get(), builder, "", 0);
      }
    } catch (TooMuch e) {
      problems.add(new ConfigProblem(file, 1, 1, "", e.getMessage()));
    }
    if (!problems.isEmpty()) {
      throw new BadConfigException(problems);
    }
  }

  /** Ends the reading of a document that is out of all bounds. */
  private static final class TooMuch extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooMuch(String message) {
      super(message, null, false, false);
    }

    @Override
    public String getMessage() {
      return String.valueOf(super.getMessage());
    }
  }

  private Optional<Node> compose(String text) throws BadConfigException {
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file)
            .setCodePointLimit(MAX_CHARACTERS)
            .setUseMarks(true)
            .build();
    try {
      return new Compose(settings).composeString(forYaml(text));
    } catch (MarkedYamlEngineException e) {
      Mark mark = e.getProblemMark().orElse(null);
      throw new BadConfigException(
          List.of(
              new ConfigProblem(
                  file,
                  mark == null ? 1 : mark.getLine() + 1,
                  mark == null ? 1 : mark.getColumn() + 1,
                  "",
                  "no valid YAML: " + oneLine(e.getProblem()))));
    } catch (YamlEngineException e) {
      throw new BadConfigException(
          List.of(new ConfigProblem(file, 1, 1, "", "no valid YAML: " + oneLine(e.getMessage()))));
    } catch (StackOverflowError e) {
      throw new BadConfigException(
          List.of(new ConfigProblem(file, 1, 1, "", "is nested too deeply")));
    }
  }

  /** JSON may be indented with tabs, which YAML forbids. */
  private static String forYaml(String text) {
    return text.stripLeading().startsWith("{") ? text.replace('\t', ' ') : text;
  }

  private static String oneLine(@Nullable String message) {
    return message == null ? "unreadable" : message.strip().replaceAll("\\s+", " ");
  }

  private void problem(Node node, String path, String message) {
    if (problems.size() < MAX_PROBLEMS) {
      Position at = position(node);
      problems.add(new ConfigProblem(file, at.line(), at.column(), path, message));
    }
  }

  private Position position(Node node) {
    Mark mark = node.getStartMark().orElse(null);
    return mark == null
        ? new Position(file, 1, 1)
        : new Position(file, mark.getLine() + 1, mark.getColumn() + 1);
  }

  private void count(int depth) {
    if (++nodes > MAX_NODES) {
      throw new TooMuch("holds more than " + MAX_NODES + " values");
    }
    if (depth > MAX_DEPTH) {
      throw new TooMuch("is nested more than " + MAX_DEPTH + " levels deep");
    }
  }

  // -------------------------------------------------------------------------------- messages

  private void message(Node node, Message.Builder builder, String path, int depth) {
    count(depth);
    Descriptor type = builder.getDescriptorForType();
    switch (type.getFullName()) {
      case "google.protobuf.Any" -> any(node, (Any.Builder) builder, path, depth);
      case "google.protobuf.Duration" -> duration(node, (Duration.Builder) builder, path);
      case "google.protobuf.Struct" -> struct(node, (Struct.Builder) builder, path, depth);
      case "google.protobuf.Value" -> ((Value.Builder) builder).mergeFrom(value(node, path, depth));
      case "google.protobuf.ListValue" ->
          ((ListValue.Builder) builder).mergeFrom(list(node, path, depth));
      case "google.protobuf.BoolValue",
          "google.protobuf.StringValue",
          "google.protobuf.BytesValue",
          "google.protobuf.Int32Value",
          "google.protobuf.Int64Value",
          "google.protobuf.UInt32Value",
          "google.protobuf.UInt64Value",
          "google.protobuf.FloatValue",
          "google.protobuf.DoubleValue" -> {
        FieldDescriptor field = type.findFieldByName("value");
        @Nullable Object scalar = scalar(node, field, path);
        if (scalar != null) {
          builder.setField(field, scalar);
        }
      }
      default -> {
        if (node instanceof MappingNode mapping) {
          fields(mapping, builder, path, depth, "");
        } else {
          problem(node, path, "expected the fields of " + type.getName() + ", found " + kind(node));
        }
      }
    }
  }

  private void fields(
      MappingNode mapping, Message.Builder builder, String path, int depth, String skipped) {
    Descriptor type = builder.getDescriptorForType();
    Set<String> seen = new HashSet<>();
    Map<OneofDescriptor, String> chosen = new HashMap<>();
    for (NodeTuple entry : mapping.getValue()) {
      @Nullable String key = key(entry.getKeyNode(), path);
      if (key == null || key.equals(skipped)) {
        continue;
      }
      @Nullable FieldDescriptor field = field(type, key);
      if (field == null) {
        DroppedFields.Field dropped = dropped(type, key);
        if (dropped != null) {
          // The search for unsupported fields finds it there, as it does in what comes over xDS.
          positions.putIfAbsent(join(path, dropped.name()), position(entry.getKeyNode()));
          if (!isNull(entry.getValueNode())
              && !(dropped.implicit() && isZero(entry.getValueNode()))) {
            DroppedFields.set(builder, dropped);
          }
          continue;
        }
        problem(entry.getKeyNode(), join(path, key), unknownField(type, key));
        continue;
      }
      String at = join(path, field.getName());
      if (!seen.add(field.getName())) {
        problem(entry.getKeyNode(), at, "is there twice");
        continue;
      }
      positions.putIfAbsent(at, position(entry.getKeyNode()));
      if (isNull(entry.getValueNode()) && !isValue(field)) {
        continue;
      }
      OneofDescriptor oneof = field.getContainingOneof();
      if (oneof != null) {
        @Nullable String other = chosen.put(oneof, field.getName());
        if (other != null) {
          problem(entry.getKeyNode(), at, "cannot stand beside " + other + ", only one may be set");
          continue;
        }
      }
      field(entry.getValueNode(), field, builder, at, depth);
    }
  }

  private void field(
      Node node, FieldDescriptor field, Message.Builder builder, String path, int depth) {
    if (field.isMapField()) {
      map(node, field, builder, path, depth);
    } else if (field.isRepeated()) {
      if (!(node instanceof SequenceNode sequence)) {
        problem(node, path, "expected a list, found " + kind(node));
        return;
      }
      int index = 0;
      for (Node item : sequence.getValue()) {
        String at = path + "[" + index++ + "]";
        positions.putIfAbsent(at, position(item));
        one(item, field, builder, at, depth, true);
      }
    } else {
      one(node, field, builder, path, depth, false);
    }
  }

  private void one(
      Node node,
      FieldDescriptor field,
      Message.Builder builder,
      String path,
      int depth,
      boolean repeated) {
    @Nullable Object value;
    if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
      Message.Builder inner = builder.newBuilderForField(field);
      message(node, inner, path, depth + 1);
      value = inner.build();
    } else {
      count(depth);
      value = scalar(node, field, path);
    }
    if (value == null) {
      return;
    }
    if (repeated) {
      builder.addRepeatedField(field, value);
    } else {
      builder.setField(field, value);
    }
  }

  private void map(
      Node node, FieldDescriptor field, Message.Builder builder, String path, int depth) {
    if (!(node instanceof MappingNode mapping)) {
      problem(node, path, "expected names with values, found " + kind(node));
      return;
    }
    FieldDescriptor keys = field.getMessageType().findFieldByNumber(1);
    FieldDescriptor values = field.getMessageType().findFieldByNumber(2);
    Set<String> seen = new HashSet<>();
    for (NodeTuple entry : mapping.getValue()) {
      @Nullable String key = key(entry.getKeyNode(), path);
      if (key == null) {
        continue;
      }
      String at = path + "[" + key + "]";
      if (!seen.add(key)) {
        problem(entry.getKeyNode(), at, "is there twice");
        continue;
      }
      positions.putIfAbsent(at, position(entry.getKeyNode()));
      Message.Builder mapped = builder.newBuilderForField(field);
      mapped.setField(keys, key);
      one(entry.getValueNode(), values, mapped, at, depth, false);
      builder.addRepeatedField(field, mapped.build());
    }
  }

  private static String unknownField(Descriptor type, String key) {
    List<String> known = type.getFields().stream().map(FieldDescriptor::getName).toList();
    if (key.equals("<<")) {
      return "merge keys are not part of YAML 1.2; write the fields out";
    }
    List<String> all = new ArrayList<>(known);
    all.addAll(DroppedFields.of(type.getFullName()).keySet());
    String nearest = NearestName.hint(key, all);
    if (!nearest.isEmpty()) {
      return type.getName() + " has no field '" + key + "'" + nearest;
    }
    String list =
        known.size() <= 12
            ? String.join(", ", known)
            : String.join(", ", known.subList(0, 12)) + ", ...";
    return type.getName()
        + " has no field '"
        + key
        + "', expected "
        + (known.isEmpty() ? "nothing" : list);
  }

  private static @Nullable FieldDescriptor field(Descriptor type, String key) {
    FieldDescriptor byName = type.findFieldByName(key);
    if (byName != null) {
      return byName;
    }
    for (FieldDescriptor field : type.getFields()) {
      if (field.getJsonName().equals(key)) {
        return field;
      }
    }
    return null;
  }

  private static DroppedFields.@Nullable Field dropped(Descriptor type, String key) {
    Map<String, DroppedFields.Field> dropped = DroppedFields.of(type.getFullName());
    DroppedFields.Field byName = dropped.get(key);
    if (byName != null) {
      return byName;
    }
    for (DroppedFields.Field field : dropped.values()) {
      if (field.name().replace("_", "").equalsIgnoreCase(key) && !key.contains("_")) {
        return field;
      }
    }
    return null;
  }

  private static boolean isValue(FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
        && field.getMessageType().getFullName().equals("google.protobuf.Value");
  }

  // ------------------------------------------------------------------------- well-known types

  private void any(Node node, Any.Builder builder, String path, int depth) {
    if (!(node instanceof MappingNode mapping)) {
      problem(node, path, "expected fields with an \"@type\", found " + kind(node));
      return;
    }
    @Nullable Node typeNode = null;
    for (NodeTuple entry : mapping.getValue()) {
      if (entry.getKeyNode() instanceof ScalarNode key && key.getValue().equals("@type")) {
        typeNode = entry.getValueNode();
      }
    }
    if (!(typeNode instanceof ScalarNode typeText)) {
      problem(node, path, "expected an \"@type\" that says what this is");
      return;
    }
    String name = KnownTypes.nameIn(typeText.getValue());
    @Nullable Message prototype = KnownTypes.prototype(name);
    if (prototype == null) {
      boolean old = name.contains(".v2") || name.startsWith("envoy.api.");
      @Nullable String nearest =
          old
              ? NearestName.of(name, KnownTypes.names())
              : NearestName.of(name, KnownTypes.names(), TYPO);
      if (old || nearest != null) {
        problem(
            typeText,
            path,
            "'"
                + name
                + "' is no type that is known"
                + (nearest == null ? "; only v3 is" : ", did you mean '" + nearest + "'?"));
      }
      // Anything else is left to the search for unsupported fields, which knows whether to go on.
      builder.setTypeUrl("type.googleapis.com/" + name);
      return;
    }
    Message.Builder inner = prototype.newBuilderForType();
    fields(mapping, inner, path, depth + 1, "@type");
    builder.mergeFrom(Any.pack(inner.build()));
  }

  private void duration(Node node, Duration.Builder builder, String path) {
    @Nullable String text = node instanceof ScalarNode scalar ? scalar.getValue() : null;
    Matcher matcher = DURATION.matcher(text == null ? "" : text);
    if (text == null || !matcher.matches()) {
      problem(
          node,
          path,
          "expected a duration in seconds such as 5s or 0.25s, found "
              + (text == null ? kind(node) : "'" + text + "'"));
      return;
    }
    long seconds = Long.parseLong(matcher.group(2));
    @Nullable String fraction = matcher.group(3);
    int nanos = fraction == null ? 0 : Integer.parseInt((fraction + "00000000").substring(0, 9));
    boolean negative = !matcher.group(1).isEmpty();
    builder.setSeconds(negative ? -seconds : seconds).setNanos(negative ? -nanos : nanos);
  }

  private void struct(Node node, Struct.Builder builder, String path, int depth) {
    if (!(node instanceof MappingNode mapping)) {
      problem(node, path, "expected names with values, found " + kind(node));
      return;
    }
    for (NodeTuple entry : mapping.getValue()) {
      @Nullable String key = key(entry.getKeyNode(), path);
      if (key != null) {
        if (builder.containsFields(key)) {
          problem(entry.getKeyNode(), join(path, key), "is there twice");
        }
        builder.putFields(key, value(entry.getValueNode(), join(path, key), depth + 1));
      }
    }
  }

  private ListValue list(Node node, String path, int depth) {
    ListValue.Builder list = ListValue.newBuilder();
    if (node instanceof SequenceNode sequence) {
      int index = 0;
      for (Node item : sequence.getValue()) {
        list.addValues(value(item, path + "[" + index++ + "]", depth + 1));
      }
    } else {
      problem(node, path, "expected a list, found " + kind(node));
    }
    return list.build();
  }

  private Value value(Node node, String path, int depth) {
    count(depth);
    Value.Builder value = Value.newBuilder();
    switch (node) {
      case MappingNode _ -> {
        Struct.Builder struct = Struct.newBuilder();
        struct(node, struct, path, depth);
        value.setStructValue(struct);
      }
      case SequenceNode _ -> value.setListValue(list(node, path, depth));
      case ScalarNode scalar -> {
        String text = scalar.getValue();
        if (isNull(scalar)) {
          value.setNullValue(NullValue.NULL_VALUE);
        } else if (isPlain(scalar) && TRUE.contains(text)) {
          value.setBoolValue(true);
        } else if (isPlain(scalar) && FALSE.contains(text)) {
          value.setBoolValue(false);
        } else if (isPlain(scalar) && NUMBER.matcher(text).matches()) {
          value.setNumberValue(Double.parseDouble(text));
        } else {
          value.setStringValue(text);
        }
      }
      default -> problem(node, path, "expected a value");
    }
    return value.build();
  }

  // --------------------------------------------------------------------------------- scalars

  private @Nullable Object scalar(Node node, FieldDescriptor field, String path) {
    if (!(node instanceof ScalarNode scalar)) {
      problem(node, path, "expected " + expected(field) + ", found " + kind(node));
      return null;
    }
    String text = scalar.getValue();
    @Nullable Object value =
        switch (field.getType()) {
          case STRING -> isPlain(scalar) && isNoText(text) ? null : text;
          case BOOL ->
              !isPlain(scalar)
                  ? null
                  : TRUE.contains(text) ? Boolean.TRUE : FALSE.contains(text) ? false : null;
          case ENUM -> enumValue(field, text);
          case BYTES -> bytes(text);
          case DOUBLE -> number(text);
          case FLOAT -> real(text);
          case UINT32, FIXED32 -> narrowed(integer(text, 0, 0xffffffffL));
          case INT32, SINT32, SFIXED32 ->
              narrowed(integer(text, Integer.MIN_VALUE, Integer.MAX_VALUE));
          case UINT64, FIXED64 -> integer(text, 0, Long.MAX_VALUE);
          case INT64, SINT64, SFIXED64 -> integer(text, Long.MIN_VALUE, Long.MAX_VALUE);
          case MESSAGE, GROUP -> null;
        };
    if (value == null) {
      problem(
          node,
          path,
          "expected "
              + expected(field)
              + ", found '"
              + shortened(text)
              + "'"
              + hintFor(field, text));
    }
    return value;
  }

  private static @Nullable EnumValueDescriptor enumValue(FieldDescriptor field, String text) {
    EnumValueDescriptor byName = field.getEnumType().findValueByName(text);
    if (byName == null) {
      // Envoy takes names in lower case too.
      byName = field.getEnumType().findValueByName(text.toUpperCase(Locale.ROOT));
    }
    if (byName != null || !INTEGER.matcher(text).matches() || text.length() > 9) {
      return byName;
    }
    return field.getEnumType().findValueByNumber(Integer.parseInt(text));
  }

  private static @Nullable ByteString bytes(String text) {
    String plain = text.replace('-', '+').replace('_', '/').replaceAll("\\s+", "");
    try {
      return ByteString.copyFrom(Base64.getDecoder().decode(plain));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static @Nullable Double number(String text) {
    return NUMBER.matcher(text).matches() ? Double.valueOf(text) : null;
  }

  private static @Nullable Float real(String text) {
    Double number = number(text);
    return number == null ? null : (Float) number.floatValue();
  }

  /** Keeps the bits: an unsigned number of 32 bits is an int in protobuf's Java form. */
  private static @Nullable Integer narrowed(@Nullable Long number) {
    return number == null ? null : (Integer) number.intValue();
  }

  private static @Nullable Long integer(String text, long min, long max) {
    if (!INTEGER.matcher(text).matches()) {
      return null;
    }
    try {
      // Not BigDecimal: its first use alone costs a start tens of milliseconds.
      long number = Long.parseLong(text);
      return number < min || number > max ? null : (Long) number;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static String expected(FieldDescriptor field) {
    return switch (field.getType()) {
      case STRING -> "text";
      case BOOL -> "true or false";
      case ENUM -> "one of " + enumNames(field);
      case BYTES -> "bytes in Base64";
      case DOUBLE, FLOAT -> "a number";
      case UINT32, FIXED32 -> "a whole number from 0 to 4294967295";
      case UINT64, FIXED64 -> "a whole number of at least 0";
      case INT32, SINT32, SFIXED32, INT64, SINT64, SFIXED64 -> "a whole number";
      case MESSAGE, GROUP -> "fields";
    };
  }

  private static String enumNames(FieldDescriptor field) {
    return String.join(
        ", ", field.getEnumType().getValues().stream().map(EnumValueDescriptor::getName).toList());
  }

  private static String hintFor(FieldDescriptor field, String text) {
    return switch (field.getType()) {
      case STRING -> ", put it in quotes";
      case ENUM ->
          NearestName.hint(
              text,
              field.getEnumType().getValues().stream().map(EnumValueDescriptor::getName).toList());
      default -> "";
    };
  }

  private @Nullable String key(Node node, String path) {
    if (node instanceof ScalarNode scalar) {
      return scalar.getValue();
    }
    problem(node, path, "expected a name, found " + kind(node));
    return null;
  }

  private static boolean isPlain(ScalarNode node) {
    return node.getScalarStyle() == ScalarStyle.PLAIN;
  }

  private static boolean isNull(Node node) {
    return node instanceof ScalarNode scalar
        && isPlain(scalar)
        && NULLS.contains(scalar.getValue());
  }

  private static boolean isZero(Node node) {
    return node instanceof ScalarNode scalar
        && (FALSE.contains(scalar.getValue()) || ZERO.matcher(scalar.getValue()).matches());
  }

  private static boolean isNoText(String text) {
    return NULLS.contains(text)
        || TRUE.contains(text)
        || FALSE.contains(text)
        || NUMBER.matcher(text).matches();
  }

  private static String kind(Node node) {
    return switch (node) {
      case MappingNode _ -> "fields";
      case SequenceNode _ -> "a list";
      case ScalarNode scalar ->
          isNull(scalar) ? "nothing" : "'" + shortened(scalar.getValue()) + "'";
      default -> "something else";
    };
  }

  private static String shortened(String text) {
    String line = text.replaceAll("[\\p{Cntrl}]+", " ");
    return line.length() <= 60 ? line : line.substring(0, 57) + "...";
  }

  private static String join(String path, String field) {
    return path.isEmpty() ? field : path + "." + field;
  }
}
