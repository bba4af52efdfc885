package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;

/**
 * Changes a JSON object and writes down how (RFC 6902), so that the result and the patch can never
 * say different things.
 */
final class Edits {
  private final JsonObject root;
  private final List<PatchStep> steps = new ArrayList<>();

  /** What is given stays as it is; a copy is changed. */
  Edits(JsonObject before) {
    root = before.deepCopy();
  }

  JsonObject result() {
    return root;
  }

  List<PatchStep> steps() {
    return List.copyOf(steps);
  }

  /** Sets a member of an object, which must be there. */
  void set(List<String> object, String name, JsonElement value) {
    JsonObject target = at(object).getAsJsonObject();
    List<String> path = PatchStep.below(object, name);
    steps.add(
        target.has(name)
            ? new PatchStep.Replace(path, value.deepCopy())
            : new PatchStep.Add(path, value.deepCopy()));
    target.add(name, value.deepCopy());
  }

  /** Sets a member of an object, which is made if it is missing. */
  void setIn(List<String> parent, String objectName, String name, JsonElement value) {
    JsonElement there = at(parent).getAsJsonObject().get(objectName);
    if (there == null || !there.isJsonObject()) {
      JsonObject made = new JsonObject();
      made.add(name, value);
      set(parent, objectName, made);
    } else {
      set(PatchStep.below(parent, objectName), name, value);
    }
  }

  /**
   * Puts elements into an array before all others, in their order; makes the array if missing. The
   * last comes first in the patch, so that every step is an insertion at the front.
   */
  void prepend(List<String> parent, String arrayName, List<? extends JsonElement> elements) {
    if (elements.isEmpty()) {
      return;
    }
    JsonElement there = at(parent).getAsJsonObject().get(arrayName);
    JsonArray after = new JsonArray();
    elements.forEach(element -> after.add(element.deepCopy()));
    if (there == null || !there.isJsonArray()) {
      set(parent, arrayName, after);
      return;
    }
    List<String> front = PatchStep.below(PatchStep.below(parent, arrayName), "0");
    for (JsonElement element : elements.reversed()) {
      steps.add(new PatchStep.Add(front, element.deepCopy()));
    }
    after.addAll(there.getAsJsonArray());
    at(parent).getAsJsonObject().add(arrayName, after);
  }

  private JsonElement at(List<String> path) {
    JsonElement here = root;
    for (String name : path) {
      here =
          here.isJsonArray()
              ? here.getAsJsonArray().get(Integer.parseInt(name))
              : here.getAsJsonObject().get(name);
    }
    return here;
  }
}
