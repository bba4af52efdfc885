package dev.outrigger.controlplane.api;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.access.Caller;
import java.util.List;

/**
 * A request that has been admitted.
 *
 * @param parameters what stood for the {@code *} of the route's path, decoded
 * @param body as text; empty if none
 * @param from the address of the client
 * @param caller who asks
 */
public record ApiRequest(List<String> parameters, String body, String from, Caller caller) {
  public ApiRequest {
    parameters = List.copyOf(parameters);
  }

  /**
   * The body as a JSON object; an empty body is an empty object.
   *
   * @throws IllegalArgumentException if it is something else; the message is for the caller
   */
  public JsonObject json() {
    if (body.isBlank()) {
      return new JsonObject();
    }
    try {
      JsonElement value = JsonParser.parseString(body);
      if (value.isJsonObject()) {
        return value.getAsJsonObject();
      }
    } catch (JsonParseException e) {
      throw new IllegalArgumentException("the body is not JSON: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException("the body must be a JSON object");
  }

  /**
   * A whole number of the body.
   *
   * @throws IllegalArgumentException if it is there and something else
   */
  long number(String member, long otherwise) {
    JsonElement value = json().get(member);
    if (value == null || value.isJsonNull()) {
      return otherwise;
    }
    try {
      return value.getAsLong();
    } catch (NumberFormatException | UnsupportedOperationException | IllegalStateException e) {
      throw new IllegalArgumentException(member + ": expected a whole number", e);
    }
  }

  /**
   * A text member of the body.
   *
   * @throws IllegalArgumentException if it is there and not a text
   */
  public String text(String member, String otherwise) {
    JsonElement value = json().get(member);
    if (value == null || value.isJsonNull()) {
      return otherwise;
    }
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
      throw new IllegalArgumentException(member + ": expected a text");
    }
    return value.getAsString();
  }
}
