package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.BoolValue;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.UnsupportedField;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which fields of which messages this proxy reads, and a walk over a message that finds every field
 * that is set beyond them. What is not in the table of {@code supported-fields.txt} is not
 * supported, so a field that Envoy adds tomorrow is reported rather than silently ignored.
 */
public final class SupportedFields {
  /** Of {@code Any} inside {@code Any}. */
  private static final int MAX_NESTING = 8;

  private static final String DEPRECATED = "it is deprecated in Envoy too";

  private static final Map<String, Map<String, Rule>> TABLE = SupportedFieldsTable.read();

  private SupportedFields() {}

  /** What is thought of a field that is set. */
  enum Rule {
    /** A decoder reads it. */
    READ,
    /** It changes nothing that this proxy does; the table says why. */
    HARMLESS,
    /** It says what holds anyway when it is false, zero or the first value of its enum. */
    OFF_ONLY,
    /** It says what holds anyway when it is true. */
    ON_ONLY
  }

  static Map<String, Map<String, Rule>> table() {
    return TABLE;
  }

  /**
   * Reports every unsupported field of the message to the scope.
   *
   * @throws InvalidResourceException if there is one and the user did not ask to go on
   */
  static void check(Message message, Scope scope) throws InvalidResourceException {
    List<UnsupportedField> found = find(message);
    if (!found.isEmpty()) {
      String prefix = scope.path();
      scope.unsupported(
          prefix.isEmpty()
              ? found
              : found.stream()
                  .map(f -> new UnsupportedField(prefix + "." + f.path(), f.hint()))
                  .toList());
    }
  }

  /** The unsupported fields of the message, by path, in the order of its fields. */
  public static List<UnsupportedField> find(Message message) {
    List<UnsupportedField> found = new ArrayList<>();
    walk(message, "", 0, found);
    return found;
  }

  private static void walk(Message message, String path, int depth, List<UnsupportedField> found) {
    String type = message.getDescriptorForType().getFullName();
    if (message instanceof Any any) {
      walkAny(any, path, depth, found);
      return;
    }
    if (type.startsWith("google.protobuf.")) {
      return;
    }
    boolean ours = type.startsWith("outrigger."); // has no field that is not read
    Map<String, Rule> rules = TABLE.getOrDefault(type, Map.of());
    for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
      FieldDescriptor field = entry.getKey();
      Object value = entry.getValue();
      String at = path.isEmpty() ? field.getName() : path + "." + field.getName();
      @Nullable Rule rule = ours ? Rule.READ : rules.get(field.getName());
      if (rule == null || !holds(rule, value)) {
        found.add(new UnsupportedField(at, hint(field, rule)));
      } else if (rule == Rule.READ && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        descend(field, value, at, depth, found);
      }
    }
    for (int number : message.getUnknownFields().asMap().keySet()) {
      DroppedFields.Field field = DroppedFields.field(type, number);
      String name = field == null ? "field number " + number : field.name();
      found.add(
          new UnsupportedField(
              path.isEmpty() ? name : path + "." + name,
              field != null && field.deprecated() ? DEPRECATED : ""));
    }
  }

  private static void descend(
      FieldDescriptor field, Object value, String at, int depth, List<UnsupportedField> found) {
    if (field.isMapField()) {
      FieldDescriptor keys = field.getMessageType().findFieldByNumber(1);
      FieldDescriptor values = field.getMessageType().findFieldByNumber(2);
      for (Object item : (List<?>) value) {
        Message mapped = (Message) item;
        if (mapped.getField(values) instanceof Message inner) {
          walk(inner, at + "[" + mapped.getField(keys) + "]", depth, found);
        }
      }
    } else if (field.isRepeated()) {
      List<?> items = (List<?>) value;
      for (int i = 0; i < items.size(); i++) {
        walk((Message) items.get(i), at + "[" + i + "]", depth, found);
      }
    } else {
      walk((Message) value, at, depth, found);
    }
  }

  private static void walkAny(Any any, String path, int depth, List<UnsupportedField> found) {
    String type = KnownTypes.nameIn(any.getTypeUrl());
    @Nullable Message prototype = KnownTypes.prototype(type);
    if (prototype == null || depth >= MAX_NESTING) {
      found.add(new UnsupportedField(path, "the type " + type));
      return;
    }
    try {
      walk(prototype.getParserForType().parseFrom(any.getValue()), path, depth + 1, found);
    } catch (InvalidProtocolBufferException _) {
      // The decoder that reads it refuses it by its path.
    }
  }

  private static boolean holds(Rule rule, Object value) {
    return switch (rule) {
      case READ, HARMLESS -> true;
      case OFF_ONLY -> isOff(value);
      case ON_ONLY -> value instanceof BoolValue on ? on.getValue() : Boolean.TRUE.equals(value);
    };
  }

  private static boolean isOff(Object value) {
    return switch (value) {
      case BoolValue flag -> !flag.getValue();
      case UInt32Value number -> number.getValue() == 0;
      case Duration duration -> duration.getSeconds() == 0 && duration.getNanos() == 0;
      case EnumValueDescriptor choice -> choice.getNumber() == 0;
      case Message message -> message.getAllFields().isEmpty();
      default -> Boolean.FALSE.equals(value);
    };
  }

  private static String hint(FieldDescriptor field, @Nullable Rule rule) {
    if (rule == Rule.OFF_ONLY) {
      return "leave it out or switch it off";
    }
    if (rule == Rule.ON_ONLY) {
      return "leave it out or switch it on";
    }
    return field.getOptions().getDeprecated() ? DEPRECATED : "";
  }

  /** The fields of a type that are read, for messages that suggest one. */
  static Set<String> of(String type) {
    return new HashMap<>(TABLE.getOrDefault(type, Map.of())).keySet();
  }
}
