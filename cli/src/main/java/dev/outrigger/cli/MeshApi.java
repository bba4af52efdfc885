package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The control plane's HTTP API, from a client's side. */
final class MeshApi implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);
  private static final int MAX_REASON = 500;

  private final URI base;
  private final @Nullable String token;
  private final HttpClient client;

  MeshApi(URI base) {
    this(base, null);
  }

  /**
   * @param token of the API; null shows none
   */
  MeshApi(URI base, @Nullable String token) {
    this.base = base;
    this.token = token;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }

  JsonObject status() throws CommandFailedException {
    return object(get("/api/v1/status"));
  }

  JsonArray experiments() throws CommandFailedException {
    return array(get("/api/v1/experiments"));
  }

  JsonObject experiment(String name, String action, JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/experiments/" + name + "/" + action, body));
  }

  /** Submits one document; gives where its experiment stands. */
  JsonObject submit(JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/experiments", body));
  }

  /** One experiment, with its conditions and events. */
  JsonObject get(String name, String more) throws CommandFailedException {
    return object(get("/api/v1/experiments/" + name + more));
  }

  /** Which calls were tested, and what to test next. */
  JsonObject coverage() throws CommandFailedException {
    return object(get("/api/v1/coverage"));
  }

  /** The same, after proxies have begun to see who calls whom. */
  JsonObject look(JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/coverage", body));
  }

  /** The report of an experiment's latest run as a page. */
  String reportPage(String name) throws CommandFailedException {
    return get("/api/v1/experiments/" + name + "/report.html");
  }

  void forget(String name, JsonObject body) throws CommandFailedException {
    delete("/api/v1/experiments/" + name, body);
  }

  /** Takes back that nothing starts after a halt. */
  void lift(JsonObject body) throws CommandFailedException {
    post("/api/v1/halt/lift", body);
  }

  JsonObject halt(JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/halt", body));
  }

  JsonObject mint(String identity, long ttlSeconds, int uses) throws CommandFailedException {
    JsonObject body = new JsonObject();
    body.addProperty("identity", identity);
    body.addProperty("ttlSeconds", ttlSeconds);
    body.addProperty("uses", uses);
    return object(post("/api/v1/tokens", body));
  }

  /** The roots that proxies trust, in PEM. */
  String root() throws CommandFailedException {
    return get("/api/v1/root");
  }

  /** All schedules, with when each begins next. */
  JsonArray schedules() throws CommandFailedException {
    return array(get("/api/v1/schedules"));
  }

  /** What is kept of the runs of one, the latest first. */
  JsonArray reports(String name) throws CommandFailedException {
    return array(get("/api/v1/experiments/" + name + "/reports"));
  }

  /** Says whether a document would be taken. */
  JsonObject validate(JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/experiments/validate", body));
  }

  /** Tokens, whose token this is, or the audit log. */
  JsonElement access(String path) throws CommandFailedException {
    return JsonParser.parseString(get("/api/v1/" + path));
  }

  JsonObject grant(JsonObject body) throws CommandFailedException {
    return object(post("/api/v1/access/tokens", body));
  }

  void revoke(String name, JsonObject body) throws CommandFailedException {
    delete("/api/v1/access/tokens/" + URLEncoder.encode(name, StandardCharsets.UTF_8), body);
  }

  private void delete(String path, JsonObject body) throws CommandFailedException {
    send(
        path,
        HttpRequest.newBuilder(base.resolve(path))
            .header("content-type", "application/json")
            .method("DELETE", HttpRequest.BodyPublishers.ofString(body.toString())));
  }

  private String get(String path) throws CommandFailedException {
    return send(path, HttpRequest.newBuilder(base.resolve(path)).GET());
  }

  private String post(String path, JsonObject body) throws CommandFailedException {
    return send(
        path,
        HttpRequest.newBuilder(base.resolve(path))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString())));
  }

  private String send(String path, HttpRequest.Builder request) throws CommandFailedException {
    if (token != null) {
      request.header("authorization", "Bearer " + token);
    }
    HttpResponse<String> response;
    try {
      response =
          client.send(request.timeout(TIMEOUT).build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new CommandFailedException(
              "no control plane answers at " + base + ": " + reason(e),
              "start one with `outrigger control-plane --dir FOLDER`, or say where it is with --api"
                  + " URL or OUTRIGGER_API",
              e)
          .exits(Main.UNREACHABLE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailedException("interrupted", "", e);
    }
    if (response.statusCode() / 100 != 2) {
      CommandFailedException refused =
          new CommandFailedException(
              "the control plane refused " + path + " with " + refusal(response), hint(response));
      throw response.statusCode() == 401 || response.statusCode() == 403
          ? refused.exits(Main.FORBIDDEN)
          : refused;
    }
    return response.body();
  }

  private static String reason(IOException e) {
    String message = e.getMessage();
    return message == null || message.isBlank() ? "connection refused" : message;
  }

  /** What to ask for more, where the refusal has a code. */
  private static String hint(HttpResponse<String> response) {
    try {
      JsonElement json = JsonParser.parseString(response.body());
      if (json.isJsonObject() && json.getAsJsonObject().has("code")) {
        return "outrigger explain " + json.getAsJsonObject().get("code").getAsString();
      }
    } catch (JsonParseException | UnsupportedOperationException | IllegalStateException e) {
      // Then there is no code.
    }
    return "";
  }

  private static String refusal(HttpResponse<String> response) {
    String text = response.body();
    try {
      JsonElement json = JsonParser.parseString(text);
      if (json.isJsonObject() && json.getAsJsonObject().has("error")) {
        text = json.getAsJsonObject().get("error").getAsString();
      }
    } catch (JsonParseException | UnsupportedOperationException | IllegalStateException e) {
      // Then the body is shown as it came.
    }
    text = text.strip();
    return response.statusCode()
        + ": "
        + (text.length() > MAX_REASON ? text.substring(0, MAX_REASON) + "…" : text);
  }

  private JsonObject object(String text) throws CommandFailedException {
    try {
      return JsonParser.parseString(text).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw stranger(e);
    }
  }

  private JsonArray array(String text) throws CommandFailedException {
    try {
      return JsonParser.parseString(text).getAsJsonArray();
    } catch (JsonParseException | IllegalStateException e) {
      throw stranger(e);
    }
  }

  private CommandFailedException stranger(Exception cause) {
    return new CommandFailedException(
        "what answers at " + base + " is no control plane of Outrigger",
        "look at --api URL",
        cause);
  }
}
