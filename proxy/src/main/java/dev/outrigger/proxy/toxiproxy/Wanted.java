package dev.outrigger.proxy.toxiproxy;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A proxy that a request asks for. */
record Wanted(String name, String listen, String upstream, boolean enabled) {
  private static final String MANY =
      "[]struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }";

  static Wanted of(Fields fields) throws ApiError {
    return new Wanted(
        fields.string("name", ""),
        fields.string("listen", ""),
        fields.string("upstream", ""),
        fields.bool("enabled", true));
  }

  /** A list of them; all are looked at before the first is acted upon. */
  static List<Wanted> all(@Nullable Object value) throws ApiError {
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list)) {
      throw ApiError.badBody(
          "json: cannot unmarshal " + Fields.kind(value) + " into Go value of type " + MANY);
    }
    List<Wanted> all = new ArrayList<>();
    for (Object one : list) {
      all.add(of(Fields.of(one, MANY.substring(2), "Proxy")));
    }
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).name().isEmpty()) {
        throw ApiError.missing("name at proxy " + (i + 1));
      }
      if (all.get(i).upstream().isEmpty()) {
        throw ApiError.missing("upstream at proxy " + (i + 1));
      }
    }
    return all;
  }
}
