package dev.outrigger.proxy.bootstrap;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.xds.decode.KnownTypes;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Writes a message as YAML that {@link ConfigReader} and Envoy read; private keys are left out. */
final class ConfigWriter {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/][A-Za-z0-9_./-]*");
  private static final List<String> WORDS =
      List.of("true", "false", "null", "yes", "no", "on", "off", "y", "n");
  private static final String REDACTED = "[redacted]";

  private ConfigWriter() {}

  static String yaml(Message message) {
    StringBuilder out = new StringBuilder();
    write(tree(message, false), 0, out);
    return out.toString();
  }

  // A tree of maps, lists, text that is already quoted as it must be.

  private static Object tree(Message message, boolean secret) {
    String type = message.getDescriptorForType().getFullName();
    return switch (message) {
      case Any any -> any(any);
      case Duration duration -> durationText(duration);
      case Struct struct -> struct(struct);
      case Value value -> value(value);
      case ListValue list -> list.getValuesList().stream().map(ConfigWriter::value).toList();
      default ->
          type.startsWith("google.protobuf.") && type.endsWith("Value")
              ? scalar(message.getField(message.getDescriptorForType().findFieldByName("value")))
              : fields(message, secret);
    };
  }

  private static Map<String, Object> fields(Message message, boolean secret) {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
      FieldDescriptor field = entry.getKey();
      String name = field.getName();
      if (field.isMapField()) {
        tree.put(name, map(field, (List<?>) entry.getValue()));
      } else if (field.isRepeated()) {
        List<Object> items = new ArrayList<>();
        for (Object item : (List<?>) entry.getValue()) {
          items.add(item(item, false));
        }
        tree.put(name, items);
      } else if (secret && (name.equals("inline_string") || name.equals("inline_bytes"))) {
        tree.put(name, quoted(REDACTED));
      } else {
        tree.put(
            name, item(entry.getValue(), name.equals("private_key") || name.equals("password")));
      }
    }
    return tree;
  }

  private static Map<String, Object> map(FieldDescriptor field, List<?> entries) {
    FieldDescriptor keys = field.getMessageType().findFieldByNumber(1);
    FieldDescriptor values = field.getMessageType().findFieldByNumber(2);
    Map<String, Object> map = new LinkedHashMap<>();
    for (Object entry : entries) {
      Message mapped = (Message) entry;
      map.put(String.valueOf(mapped.getField(keys)), item(mapped.getField(values), false));
    }
    return map;
  }

  private static Object item(Object value, boolean secret) {
    return value instanceof Message message ? tree(message, secret) : scalar(value);
  }

  private static Object any(Any any) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("@type", quoted(any.getTypeUrl()));
    @Nullable Message prototype = KnownTypes.prototype(KnownTypes.nameIn(any.getTypeUrl()));
    if (prototype != null) {
      try {
        tree.putAll(fields(prototype.getParserForType().parseFrom(any.getValue()), false));
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("a message that was packed here cannot be read", e);
      }
    }
    return tree;
  }

  private static Object struct(Struct struct) {
    Map<String, Object> tree = new LinkedHashMap<>();
    struct.getFieldsMap().forEach((name, value) -> tree.put(name, value(value)));
    return tree;
  }

  private static Object value(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> "null";
      case NUMBER_VALUE -> scalar(value.getNumberValue());
      case STRING_VALUE -> quoted(value.getStringValue());
      case BOOL_VALUE -> Boolean.toString(value.getBoolValue());
      case STRUCT_VALUE -> struct(value.getStructValue());
      case LIST_VALUE ->
          value.getListValue().getValuesList().stream().map(ConfigWriter::value).toList();
    };
  }

  private static String durationText(Duration duration) {
    long seconds = duration.getSeconds();
    int nanos = duration.getNanos();
    boolean negative = seconds < 0 || nanos < 0;
    String fraction =
        nanos == 0 ? "" : "." + "%09d".formatted(Math.abs(nanos)).replaceAll("0+$", "");
    return (negative ? "-" : "") + Math.abs(seconds) + fraction + "s";
  }

  private static String scalar(Object value) {
    return switch (value) {
      case String text -> quoted(text);
      case ByteString bytes -> quoted(Base64.getEncoder().encodeToString(bytes.toByteArray()));
      case EnumValueDescriptor choice -> choice.getName();
      case Integer number -> Integer.toUnsignedString(number);
      case Double number ->
          number == Math.rint(number) && Math.abs(number) < 1e15
              ? Long.toString(number.longValue())
              : number.toString();
      default -> String.valueOf(value);
    };
  }

  private static String quoted(String text) {
    if (PLAIN.matcher(text).matches() && !WORDS.contains(text.toLowerCase(java.util.Locale.ROOT))) {
      return text;
    }
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }

  private static void write(Object node, int indent, StringBuilder out) {
    String margin = "  ".repeat(indent);
    switch (node) {
      case Map<?, ?> map ->
          map.forEach(
              (key, value) -> {
                out.append(margin).append(quoted(String.valueOf(key))).append(':');
                below(value, indent + 1, out);
              });
      case List<?> list ->
          list.forEach(
              item -> {
                if (item instanceof Map<?, ?> map && !map.isEmpty()) {
                  StringBuilder inner = new StringBuilder();
                  write(map, indent + 1, inner);
                  out.append(margin).append("- ").append(inner.substring(margin.length() + 2));
                } else {
                  out.append(margin).append('-');
                  below(item, indent + 1, out);
                }
              });
      default -> out.append(margin).append(node).append('\n');
    }
  }

  private static void below(Object value, int indent, StringBuilder out) {
    switch (value) {
      case Map<?, ?> map when map.isEmpty() -> out.append(" {}\n");
      case List<?> list when list.isEmpty() -> out.append(" []\n");
      case Map<?, ?> _, List<?> _ -> {
        out.append('\n');
        write(value, indent, out);
      }
      default -> out.append(' ').append(value).append('\n');
    }
  }
}
