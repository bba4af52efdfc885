package dev.outrigger.controlplane.api;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/**
 * An answer.
 *
 * @param status of HTTP
 * @param contentType of the body
 * @param body as text
 */
public record ApiReply(int status, String contentType, String body) {

  public static ApiReply json(JsonElement value) {
    return new ApiReply(200, "application/json", value + "\n");
  }

  public static ApiReply text(String contentType, String body) {
    return new ApiReply(200, contentType, body);
  }

  /** A refusal with its code too, as {@code {"error": "…", "code": "OR2004"}}. */
  public static ApiReply refusal(int status, String code, String reason) {
    JsonObject error = new JsonObject();
    error.addProperty("error", reason);
    error.addProperty("code", code);
    return new ApiReply(status, "application/json", error + "\n");
  }

  /** A refusal with its reason, as {@code {"error": "…"}}. */
  public static ApiReply refusal(int status, String reason) {
    JsonObject error = new JsonObject();
    error.addProperty("error", reason);
    return new ApiReply(status, "application/json", error + "\n");
  }
}
