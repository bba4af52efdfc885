package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/**
 * What faults would have hit of the traffic of some time, as the proxies counted it.
 *
 * @param complete whether that time is over, and what was counted in it is in
 * @param asked the workloads whose proxies were to count, as {@code namespace/name}
 * @param heard those of them that did
 * @param bounds of the faults beside their percentage, and whether the counts honour them
 */
public record ShadowReading(
    Instant began,
    Instant ends,
    boolean complete,
    List<String> asked,
    List<String> heard,
    List<Row> rows,
    List<Bound> bounds) {
  public ShadowReading {
    asked = List.copyOf(asked);
    heard = List.copyOf(heard);
    rows = List.copyOf(rows);
    bounds = List.copyOf(bounds);
  }

  /**
   * What keeps a fault from some of what its dice hit.
   *
   * @param name as it is written, such as {@code maxActive}
   * @param applied whether the counts honour it; if not, a run hits less than was counted
   * @param text for people
   */
  public record Bound(String fault, String name, boolean applied, String text) {}

  /**
   * Of one fault, one caller, one route and one workload.
   *
   * @param fault its name
   * @param workload whose proxy counted, as {@code namespace/name}
   * @param caller SPIFFE ID; empty where it is not known
   * @param service that is called; empty where it is not known
   * @param route its name; empty where there is none
   * @param seen exchanges (at the place attempt: attempts; at connection: connections) to a service
   *     that the fault names
   * @param matched of these, what its conditions are true of
   * @param hit of these, what its dice would have hit
   */
  public record Row(
      String fault,
      String workload,
      String caller,
      String service,
      String route,
      long seen,
      long matched,
      long hit) {}

  /** As the API gives it. */
  public JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("began", began.toString());
    json.addProperty("ends", ends.toString());
    json.addProperty("complete", complete);
    json.add("asked", texts(asked));
    json.add("heard", texts(heard));
    JsonArray list = new JsonArray();
    for (Row row : rows) {
      JsonObject one = new JsonObject();
      one.addProperty("fault", row.fault());
      one.addProperty("workload", row.workload());
      one.addProperty("caller", row.caller());
      one.addProperty("service", row.service());
      one.addProperty("route", row.route());
      one.addProperty("seen", row.seen());
      one.addProperty("matched", row.matched());
      one.addProperty("hit", row.hit());
      list.add(one);
    }
    json.add("rows", list);
    JsonArray limits = new JsonArray();
    for (Bound bound : bounds) {
      JsonObject one = new JsonObject();
      one.addProperty("fault", bound.fault());
      one.addProperty("bound", bound.name());
      one.addProperty("applied", bound.applied());
      one.addProperty("text", bound.text());
      limits.add(one);
    }
    json.add("bounds", limits);
    json.addProperty("seen", rows.stream().mapToLong(Row::seen).sum());
    json.addProperty("matched", rows.stream().mapToLong(Row::matched).sum());
    json.addProperty("hit", rows.stream().mapToLong(Row::hit).sum());
    return json;
  }

  private static JsonArray texts(Collection<String> texts) {
    JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }
}
