package dev.outrigger.controlplane.schema;

import static dev.outrigger.controlplane.schema.Crds.described;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code status} holds: only the control plane writes it. */
final class StatusSchema {
  private StatusSchema() {}

  static Map<String, Object> of(Crds.Kind kind) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("conditions", conditions());
    if (kind.name().equals("Experiment")) {
      properties.put(
          "phase",
          described(
              "string",
              "How far the last run is: Pending, Previewed, Running, Halted, Completed or"
                  + " Recovered."));
      properties.put("startedAt", time("When the last run began, if it did."));
      properties.put("endsAt", time("When it ends by itself at the latest."));
      properties.put("message", described("string", "Why it is so."));
    }
    Map<String, Object> status = described("object", "What came of it.");
    status.put("properties", properties);
    return status;
  }

  private static Map<String, Object> time(String description) {
    Map<String, Object> time = described("string", description);
    time.put("format", "date-time");
    return time;
  }

  private static Map<String, Object> conditions() {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put(
        "type",
        described(
            "string",
            "Accepted: it counts. ResolvedRefs: what it names exists. Programmed: all proxies"
                + " have it."));
    Map<String, Object> status = described("string", "True, False or Unknown.");
    status.put("enum", List.of("True", "False", "Unknown"));
    properties.put("status", status);
    properties.put("reason", described("string", "Why, in one word for programs."));
    properties.put("message", described("string", "Why, for people."));
    properties.put("lastTransitionTime", time("When status changed last."));
    Map<String, Object> generation =
        described("integer", "The generation of the object that it is about.");
    generation.put("format", "int64");
    properties.put("observedGeneration", generation);
    Map<String, Object> items = new LinkedHashMap<>();
    items.put("type", "object");
    items.put("required", List.of("type", "status", "reason", "message", "lastTransitionTime"));
    items.put("properties", properties);
    Map<String, Object> conditions = described("array", "What is known of the object.");
    conditions.put("maxItems", 16);
    conditions.put("x-kubernetes-list-type", "map");
    conditions.put("x-kubernetes-list-map-keys", List.of("type"));
    conditions.put("items", items);
    return conditions;
  }
}
