package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** One step of a JSON patch (RFC 6902). */
public sealed interface PatchStep {
  /** Names and indices from the root, not escaped. */
  List<String> path();

  JsonElement value();

  /**
   * A member of an object, or an element of an array at an index, from where the others move on.
   */
  record Add(List<String> path, JsonElement value) implements PatchStep {
    public Add {
      path = List.copyOf(path);
    }
  }

  /** Another value for what is there. */
  record Replace(List<String> path, JsonElement value) implements PatchStep {
    public Replace {
      path = List.copyOf(path);
    }
  }

  /** The same steps below a place in a larger document. */
  default PatchStep under(List<String> place) {
    List<String> path = new ArrayList<>(place);
    path.addAll(path());
    return switch (this) {
      case Add add -> new Add(path, add.value());
      case Replace replace -> new Replace(path, replace.value());
    };
  }

  static List<String> below(List<String> path, String name) {
    List<String> longer = new ArrayList<>(path);
    longer.add(name);
    return longer;
  }

  /** The document that an API server takes. */
  static JsonArray toJson(List<PatchStep> steps) {
    JsonArray json = new JsonArray();
    for (PatchStep step : steps) {
      JsonObject one = new JsonObject();
      one.addProperty(
          "op",
          switch (step) {
            case Add _ -> "add";
            case Replace _ -> "replace";
          });
      one.addProperty("path", pointer(step.path()));
      one.add("value", step.value());
      json.add(one);
    }
    return json;
  }

  /** RFC 6901. */
  private static String pointer(List<String> path) {
    return path.stream()
        .map(name -> "/" + name.replace("~", "~0").replace("/", "~1"))
        .collect(Collectors.joining());
  }
}
