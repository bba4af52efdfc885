package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Reads what others wrote, without trusting its shape. */
final class Json {
  private Json() {}

  /** A member that is an object; an empty one otherwise. */
  static JsonObject object(@Nullable JsonObject parent, String name) {
    JsonElement value = parent == null ? null : parent.get(name);
    return value != null && value.isJsonObject() ? value.getAsJsonObject() : new JsonObject();
  }

  /** The objects of a member that is an array, with others left out; none otherwise. */
  static List<JsonObject> objects(JsonObject parent, String name) {
    JsonElement value = parent.get(name);
    List<JsonObject> found = new ArrayList<>();
    if (value != null && value.isJsonArray()) {
      for (JsonElement element : value.getAsJsonArray()) {
        if (element.isJsonObject()) {
          found.add(element.getAsJsonObject());
        }
      }
    }
    return found;
  }

  /** A member that is a text, a number or a truth value, as text; empty otherwise. */
  static String text(@Nullable JsonObject parent, String name) {
    JsonElement value = parent == null ? null : parent.get(name);
    return value != null && value.isJsonPrimitive() ? value.getAsString() : "";
  }

  static boolean isTrue(JsonObject parent, String name) {
    return text(parent, name).equals("true");
  }

  /** A member that is a whole number; empty otherwise. */
  static OptionalInt number(JsonObject parent, String name) {
    String text = text(parent, name);
    return text.matches("-?[0-9]{1,9}")
        ? OptionalInt.of(Integer.parseInt(text))
        : OptionalInt.empty();
  }

  /** Whether an array is wanted there, and something else stands there. */
  static boolean isNoArray(JsonObject parent, String name) {
    JsonElement value = parent.get(name);
    return value != null && !value.isJsonNull() && !value.isJsonArray();
  }

  static JsonPrimitive of(String text) {
    return new JsonPrimitive(text);
  }

  static JsonPrimitive of(long number) {
    return new JsonPrimitive(number);
  }

  static JsonArray array(List<String> texts) {
    JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }

  /** An object of names and values by turns; values are texts, numbers, truth values or JSON. */
  static JsonObject of(String name, Object value, Object... more) {
    JsonObject object = new JsonObject();
    put(object, name, value);
    for (int i = 0; i < more.length; i += 2) {
      put(object, (String) more[i], more[i + 1]);
    }
    return object;
  }

  private static void put(JsonObject object, String name, Object value) {
    if (value instanceof JsonElement json) {
      object.add(name, json);
    } else if (value instanceof Number number) {
      object.addProperty(name, number);
    } else if (value instanceof Boolean truth) {
      object.addProperty(name, truth);
    } else {
      object.addProperty(name, (String) value);
    }
  }
}
