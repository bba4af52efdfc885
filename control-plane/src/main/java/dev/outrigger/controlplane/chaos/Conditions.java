package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.chaos.ExperimentRun.Event;
import java.time.Instant;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a status says of an experiment, made of what happened to it. Pure. */
public final class Conditions {
  private static final Set<Event> STARTS = EnumSet.of(Event.STARTED, Event.RESUMED);
  private static final Set<Event> ENDS =
      EnumSet.of(Event.STOPPED, Event.HALTED, Event.COMPLETED, Event.REMOVED);

  private Conditions() {}

  /** Whether, why, and since when. */
  public record Condition(
      String type, boolean status, String reason, String message, Instant since) {}

  /**
   * {@code Accepted}, {@code Injecting}, {@code Paused} and {@code Recovered}, as far as anything
   * was said of them.
   *
   * @param events of one experiment, in order
   */
  public static List<Condition> of(List<ExperimentRun> events) {
    Map<String, Condition> conditions = new LinkedHashMap<>();
    for (ExperimentRun event : events) {
      if (event.event() == Event.WRITTEN) {
        conditions.clear();
        put(conditions, "Accepted", true, event);
      } else if (event.event() == Event.REFUSED) {
        put(conditions, "Accepted", false, event);
      } else if (STARTS.contains(event.event())) {
        put(conditions, "Accepted", true, event);
        put(conditions, "Injecting", true, event);
        put(conditions, "Paused", false, event);
        put(conditions, "Recovered", false, event);
      } else if (event.event() == Event.PAUSED) {
        put(conditions, "Injecting", false, event);
        put(conditions, "Paused", true, event);
      } else if (ENDS.contains(event.event()) && conditions.containsKey("Injecting")) {
        put(conditions, "Injecting", false, event);
        put(conditions, "Paused", false, event);
      } else if (event.event() == Event.RECOVERED) {
        put(conditions, "Recovered", true, event);
      }
    }
    return List.copyOf(conditions.values());
  }

  private static void put(
      Map<String, Condition> conditions, String type, boolean status, ExperimentRun event) {
    Condition before = conditions.get(type);
    Instant since = before != null && before.status() == status ? before.since() : event.at();
    conditions.put(type, new Condition(type, status, event.event().text(), event.why(), since));
  }

  /** As in Kubernetes. */
  public static JsonArray toJson(List<Condition> conditions) {
    JsonArray list = new JsonArray();
    for (Condition condition : conditions) {
      JsonObject json = new JsonObject();
      json.addProperty("type", condition.type());
      json.addProperty("status", condition.status() ? "True" : "False");
      json.addProperty("reason", condition.reason());
      json.addProperty("message", condition.message());
      json.addProperty("lastTransitionTime", condition.since().toString());
      list.add(json);
    }
    return list;
  }
}
