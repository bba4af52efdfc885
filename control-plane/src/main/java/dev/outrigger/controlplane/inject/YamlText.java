package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Writes JSON as people write YAML. */
final class YamlText {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z/][A-Za-z0-9_./-]*");

  /** What some reader of YAML takes for something else than a text. */
  private static final Set<String> WORDS =
      Set.of("true", "false", "null", "yes", "no", "on", "off", "y", "n");

  private YamlText() {}

  /**
   * A value whose first line has been indented already.
   *
   * @param indent of the lines that follow
   */
  static String block(JsonElement value, int indent) {
    StringBuilder out = new StringBuilder();
    write(out, value, indent);
    return out.toString();
  }

  /** A name with its value. */
  static String member(String name, JsonElement value, int indent) {
    StringBuilder out = new StringBuilder();
    writeMember(out, name, value, indent);
    return out.toString();
  }

  /** A text as a scalar. */
  static String scalar(String text) {
    return PLAIN.matcher(text).matches() && !WORDS.contains(text.toLowerCase(Locale.ROOT))
        ? text
        : new JsonPrimitive(text).toString();
  }

  private static void write(StringBuilder out, JsonElement value, int indent) {
    if (value instanceof JsonObject object && !object.isEmpty()) {
      boolean first = true;
      for (Map.Entry<String, JsonElement> member : object.entrySet()) {
        if (!first) {
          out.append('\n').append(" ".repeat(indent));
        }
        first = false;
        writeMember(out, member.getKey(), member.getValue(), indent);
      }
    } else if (value instanceof JsonArray array && !array.isEmpty()) {
      boolean first = true;
      for (JsonElement element : array) {
        if (!first) {
          out.append('\n').append(" ".repeat(indent));
        }
        first = false;
        out.append("- ");
        write(out, element, indent + 2);
      }
    } else if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      out.append(scalar(primitive.getAsString()));
    } else {
      out.append(value);
    }
  }

  private static void writeMember(StringBuilder out, String name, JsonElement value, int indent) {
    out.append(scalar(name)).append(':');
    if (value instanceof JsonObject object && !object.isEmpty()) {
      out.append('\n').append(" ".repeat(indent + 2));
      write(out, value, indent + 2);
    } else if (value instanceof JsonArray array && !array.isEmpty()) {
      // As kubectl and most people have it: the dashes below the name.
      out.append('\n').append(" ".repeat(indent));
      write(out, value, indent);
    } else {
      out.append(' ');
      write(out, value, indent);
    }
  }
}
