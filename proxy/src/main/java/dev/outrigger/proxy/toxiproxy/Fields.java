package dev.outrigger.proxy.toxiproxy;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object; one that is absent or null leaves what is. Errors have the words of
 * Go's {@code encoding/json}.
 *
 * @param owner how Go calls what they are fields of
 */
record Fields(String owner, Map<String, @Nullable Object> values) {

  /**
   * @param type how Go calls the type that was expected
   * @param owner how Go calls what the fields belong to
   */
  static Fields of(@Nullable Object value, String type, String owner) throws ApiError {
    if (value == null) {
      return new Fields(owner, new TreeMap<>());
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw ApiError.badBody(
          "json: cannot unmarshal " + kind(value) + " into Go value of type " + type);
    }
    return new Fields(owner, named(map));
  }

  private static Map<String, @Nullable Object> named(Map<?, ?> map) {
    Map<String, @Nullable Object> values = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    map.forEach((name, value) -> values.put(String.valueOf(name), value));
    return values;
  }

  String string(String name, String otherwise) throws ApiError {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String text) {
      return text;
    }
    throw wrong(kind(value), name, "string");
  }

  boolean bool(String name, boolean otherwise) throws ApiError {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean truth) {
      return truth;
    }
    throw wrong(kind(value), name, "bool");
  }

  float number(String name, float otherwise) throws ApiError {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof BigDecimal number)) {
      throw wrong(kind(value), name, "float32");
    }
    float single = number.floatValue();
    if (Float.isInfinite(single)) {
      throw wrong("number " + number, name, "float32");
    }
    return single;
  }

  long integer(String name, String type, long otherwise) throws ApiError {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof BigDecimal number)) {
      throw wrong(kind(value), name, type);
    }
    // 1.0 and 1e3 are no integers in Go; a scale tells them from 1 and 1000.
    if (number.scale() != 0 || number.precision() > 19 || number.toBigInteger().bitLength() > 63) {
      throw wrong("number " + number, name, type);
    }
    return number.longValue();
  }

  /** An object within this one; empty where it is absent. */
  Fields object(String name, String type, String owner) throws ApiError {
    Object value = values.get(name);
    if (value == null) {
      return new Fields(owner, new TreeMap<>());
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw wrong(kind(value), name, type);
    }
    return new Fields(owner, named(map));
  }

  private ApiError wrong(String what, String name, String type) {
    return ApiError.badBody(
        "json: cannot unmarshal %s into Go struct field %s.%s of type %s"
            .formatted(what, owner, name, type));
  }

  static String kind(Object value) {
    return switch (value) {
      case String _ -> "string";
      case BigDecimal _ -> "number";
      case Boolean _ -> "bool";
      case List<?> _ -> "array";
      default -> "object";
    };
  }
}
