package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * A halt that was asked for at a replica that does not lead.
 *
 * @param id unique
 * @param what {@code namespace/name}, or {@link #EVERYTHING}
 * @param by who asked
 */
public record HaltOrder(String id, String what, Instant at, Asker by) {
  /** All that run, and nothing may start while it is fresh. */
  public static final String EVERYTHING = "*";

  boolean covers(String key) {
    return what.equals(EVERYTHING) || what.equals(key);
  }

  /** For the others. */
  public String toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("what", what);
    json.addProperty("at", at.toString());
    json.addProperty("who", by.who());
    json.addProperty("why", by.why());
    json.addProperty("from", by.from());
    return json.toString();
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @throws IllegalArgumentException if it was not that
   */
  public static HaltOrder parse(String id, String text) {
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      return new HaltOrder(
          id,
          json.get("what").getAsString(),
          Instant.parse(json.get("at").getAsString()),
          new Asker(
              json.get("who").getAsString(),
              json.get("why").getAsString(),
              json.get("from").getAsString()));
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | UnsupportedOperationException
        | DateTimeException e) {
      throw new IllegalArgumentException("not an order to halt: " + text, e);
    }
  }
}
