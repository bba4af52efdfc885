package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.access.ApiTokens;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Tokens of the API, who one is, and who did what. */
public final class AccessRoutes {
  private static final String TOKENS = "/api/v1/access/tokens";
  private static final Duration MAX_LIFETIME = Duration.ofDays(365);
  private static final long DEFAULT_SECONDS = Duration.ofDays(30).toSeconds();
  private static final int MAX_ENTRIES = 500;

  private final ApiTokens tokens;
  private final AuditLog audit;

  public AccessRoutes(ApiTokens tokens, AuditLog audit) {
    this.tokens = tokens;
    this.audit = audit;
  }

  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/api/v1/access/me", request -> ApiReply.json(me(request.caller()))),
        ApiRoute.get(TOKENS, request -> ApiReply.json(all())).needs(Role.ADMIN),
        ApiRoute.post(TOKENS, this::mint),
        new ApiRoute("DELETE", TOKENS + "/*", this::revoke),
        ApiRoute.get("/api/v1/audit", request -> ApiReply.json(audit.latest(MAX_ENTRIES)))
            .needs(Role.ADMIN));
  }

  private static JsonObject me(Caller caller) {
    JsonObject json = new JsonObject();
    json.addProperty("name", caller.name());
    json.addProperty("role", caller.role().text());
    JsonArray namespaces = new JsonArray();
    caller.namespaces().stream().sorted().forEach(namespaces::add);
    json.add("namespaces", namespaces);
    return json;
  }

  private JsonArray all() {
    JsonArray list = new JsonArray();
    tokens.all().forEach(grant -> list.add(grant.toJson()));
    return list;
  }

  /**
   * {@code {"name": "ann", "role": "operator", "namespaces": ["shop"], "ttlSeconds": 86400}}; no
   * namespaces are all of them, and what is left out of the time is 30 days.
   */
  private ApiReply mint(ApiRequest request) throws IOException {
    String name = request.text("name", "");
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9@._-]{0,62}")) {
      throw new IllegalArgumentException(
          "name: expected up to 63 letters, digits and @ . _ -, such as ann or ci-shop");
    }
    String text = request.text("role", "");
    @Nullable Role role = Role.of(text);
    if (role == null) {
      throw new IllegalArgumentException(
          "role: expected viewer, operator or admin, not \"" + text + "\"");
    }
    Caller caller = new Caller(name, role, namespaces(request));
    if (role == Role.ADMIN && !caller.namespaces().isEmpty()) {
      throw new IllegalArgumentException("namespaces: an admin's token is for all of them");
    }
    long seconds = request.number("ttlSeconds", DEFAULT_SECONDS);
    if (seconds < 1 || seconds > MAX_LIFETIME.toSeconds()) {
      throw new IllegalArgumentException("ttlSeconds: expected 1 to " + MAX_LIFETIME.toSeconds());
    }
    String secret = tokens.mint(caller, Duration.ofSeconds(seconds));
    JsonObject json =
        tokens.all().stream()
            .filter(grant -> grant.caller().name().equals(name))
            .findFirst()
            .map(ApiTokens.Grant::toJson)
            .orElseGet(JsonObject::new);
    json.addProperty("token", secret);
    return ApiReply.json(json);
  }

  private static Set<String> namespaces(ApiRequest request) {
    @Nullable JsonElement value = request.json().get("namespaces");
    Set<String> namespaces = new HashSet<>();
    if (value == null || value.isJsonNull()) {
      return namespaces;
    }
    if (!value.isJsonArray()) {
      throw new IllegalArgumentException("namespaces: expected a list of names");
    }
    for (JsonElement one : value.getAsJsonArray()) {
      if (!one.isJsonPrimitive()
          || !one.getAsString().matches("[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")) {
        throw new IllegalArgumentException("namespaces: " + one + " is no namespace's name");
      }
      namespaces.add(one.getAsString());
    }
    return namespaces;
  }

  private ApiReply revoke(ApiRequest request) throws IOException {
    String name = request.parameters().getFirst();
    return tokens.revoke(name)
        ? ApiReply.json(new JsonObject())
        : ApiReply.refusal(404, "there is no token of " + name);
  }
}
