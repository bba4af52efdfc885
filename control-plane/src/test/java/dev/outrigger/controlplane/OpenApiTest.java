package dev.outrigger.controlplane;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.outrigger.controlplane.api.ApiRoute;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The document of the API against the API: neither has what the other has not. */
final class OpenApiTest {
  private static final String MESH =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: web-1, namespace: shop, labels: {app: web}}
      spec: {address: 10.0.0.1, ports: [{port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
      ---
      kind: Nonsense
      """;
  private static final String DOCUMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: nobody notices
        owner: somebody
        lease: 1s
        schedule: {cron: "0 3 * * *"}
        steps: [{name: first, faults: [late], for: 1m}]
        guards: [{name: callers, successRate: {min: 95%}}]
        probes:
        - {name: there, when: [after], http: {url: "http://127.0.0.1:1/"}}
        faults:
        - {name: late, where: inbound, delay: {fixed: 1s}, match: {destination: {services: [web]}}}
      """;
  private static final String ONE = "/api/v1/experiments/shop/slow";
  private static final String WHY = "{\"who\": \"ann\", \"why\": \"to learn\"}";

  @TempDir private Path folder;
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-11-21T00:00:00Z"));
  private final HttpClient client = HttpClient.newHttpClient();
  private final Set<String> answered = new TreeSet<>();
  private final SchemaRegistry schemas =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
  private ControlPlane plane;
  private JsonObject document;

  @BeforeEach
  void start() throws Exception {
    Path mesh = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(mesh.resolve("mesh.yaml"), MESH);
    plane =
        ControlPlane.start(
            ControlPlaneOptions.onFreePorts(mesh, folder.resolve("state")),
            now::get,
            new SecureRandom());
    document = JsonParser.parseString(send("GET", "/openapi.json", "").body()).getAsJsonObject();
  }

  @AfterEach
  void stop() {
    plane.close();
    client.shutdownNow();
  }

  @Test
  void theDocumentAndTheServerHaveTheSameRoutes() {
    Set<String> served =
        plane.routes().stream()
            .map(route -> route.method() + " " + route.path())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(documented()).isEqualTo(served);
  }

  @Test
  void eachRouteAnswersAsTheDocumentSays() throws Exception {
    for (String path : Set.of("/healthz", "/metrics", "/openapi.json", "/openapi.yaml")) {
      good("GET", path, "");
    }
    good("GET", "/api/v1/status", "");
    assertThat(good("GET", "/api/v1/problems", "")).contains("OR1");
    good("GET", "/api/v1/root", "");
    good("POST", "/api/v1/tokens", "{\"identity\": \"spiffe://cluster.local/ns/a/sa/b\"}");
    bad("POST", "/api/v1/tokens", "{\"identity\": \"spiffe://else/ns/a\"}", 400);

    String submission = "{\"document\": X}";
    String text = submission.replace("X", new JsonPrimitive(DOCUMENT).toString());
    good("POST", "/api/v1/experiments/validate", text);
    good("POST", "/api/v1/experiments", text);
    bad("POST", "/api/v1/experiments", submission.replace("X", "\"kind: x\""), 400);
    good("GET", "/api/v1/experiments", "");
    good("GET", "/api/v1/schedules", "");
    good("POST", ONE + "/suspend", WHY);
    bad("POST", ONE + "/suspend", WHY, 409);
    good("POST", ONE + "/unsuspend", WHY);
    good("GET", ONE + "/preview", "");
    good("POST", ONE + "/preview", "{\"seconds\": 1}");
    good("GET", ONE + "/preview", "");
    good("GET", "/api/v1/coverage", "");
    good("POST", "/api/v1/coverage", "{\"seconds\": 1}");
    bad("GET", ONE + "/report", "", 409);
    good("POST", ONE + "/start", WHY);
    bad("POST", ONE + "/start", WHY, 409);
    good("POST", ONE + "/pause", WHY);
    good("POST", ONE + "/resume", WHY);
    assertThat(good("GET", ONE, "")).contains("first", "2026-11-21T03:00:00Z");
    good("GET", ONE + "/report", "");
    good("GET", ONE + "/report.html", "");
    good("POST", ONE + "/stop", WHY);
    good("POST", ONE + "/halt", WHY);
    now.updateAndGet(time -> time.plusSeconds(2));
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(good("GET", ONE, "")).contains("\"failed\":1"));
    good("GET", ONE + "/reports", "");
    good("POST", "/api/v1/halt", WHY);
    bad("POST", ONE + "/start", WHY, 409);
    good("POST", "/api/v1/halt/lift", WHY);
    good("GET", "/api/v1/experiments/ledger", "");
    good("DELETE", ONE, WHY);
    bad("GET", ONE, "", 404);

    good("GET", "/api/v1/access/me", "");
    good(
        "POST",
        "/api/v1/access/tokens",
        "{\"name\": \"olaf\", \"role\": \"operator\", \"namespaces\": [\"shop\"]}");
    bad("POST", "/api/v1/access/tokens", "{\"name\": \"olaf\", \"role\": \"king\"}", 400);
    good("GET", "/api/v1/access/tokens", "");
    good("DELETE", "/api/v1/access/tokens/olaf", WHY);
    bad("DELETE", "/api/v1/access/tokens/olaf", WHY, 404);
    assertThat(good("GET", "/api/v1/audit", "")).contains("to learn");

    assertThat(answered).as("routes that were never answered here").isEqualTo(documented());
  }

  private Set<String> documented() {
    Set<String> routes = new TreeSet<>();
    for (Map.Entry<String, JsonElement> path : document.getAsJsonObject("paths").entrySet()) {
      for (String method : path.getValue().getAsJsonObject().keySet()) {
        if (!method.equals("parameters")) {
          routes.add(
              method.toUpperCase(Locale.ROOT) + " " + path.getKey().replaceAll("\\{[a-z]+}", "*"));
        }
      }
    }
    return routes;
  }

  private String good(String method, String path, String body) throws Exception {
    JsonObject operation = operation(method, path);
    if (!body.isEmpty()) {
      assertValid(content(resolved(operation.get("requestBody"))), "application/json", body);
    }
    return check(method, path, body, 200, operation);
  }

  private void bad(String method, String path, String body, int status) throws Exception {
    check(method, path, body, status, operation(method, path));
  }

  private String check(String method, String path, String body, int status, JsonObject operation)
      throws Exception {
    HttpResponse<String> response = send(method, path, body);
    String what = method + " " + path + ": " + response.body();
    assertThat(response.statusCode()).as(what).isEqualTo(status);
    JsonObject responses = operation.getAsJsonObject("responses");
    String key = "" + status;
    JsonObject said = resolved(responses.get(responses.has(key) ? key : "default"));
    String type = response.headers().firstValue("content-type").orElse("").replaceAll(";.*", "");
    assertValid(content(said), type, response.body());
    return response.body();
  }

  private JsonObject operation(String method, String path) {
    for (ApiRoute route : plane.routes()) {
      String pattern = route.path().replace(".", "\\.").replace("*", "[^/]+");
      // The names in the middle of a path may be names of routes too: those come first.
      boolean literal = route.path().equals(path);
      if (route.method().equals(method) && (literal || path.matches(pattern))) {
        answered.add(method + " " + route.path());
        for (String candidate : document.getAsJsonObject("paths").keySet()) {
          if (candidate.replaceAll("\\{[a-z]+}", "*").equals(route.path())) {
            return document
                .getAsJsonObject("paths")
                .getAsJsonObject(candidate)
                .getAsJsonObject(method.toLowerCase(Locale.ROOT));
          }
        }
      }
    }
    throw new AssertionError(method + " " + path + " is not in the document");
  }

  private static JsonObject content(JsonObject of) {
    return of.getAsJsonObject("content");
  }

  private JsonObject resolved(JsonElement element) {
    JsonObject object = element.getAsJsonObject();
    if (!object.has("$ref")) {
      return object;
    }
    JsonElement found = document;
    for (String name : object.get("$ref").getAsString().substring(2).split("/", -1)) {
      found = found.getAsJsonObject().get(name);
    }
    return found.getAsJsonObject();
  }

  private void assertValid(JsonObject content, String type, String body) {
    assertThat(content.keySet()).contains(type);
    JsonObject schema = content.getAsJsonObject(type).getAsJsonObject("schema").deepCopy();
    schema.add("components", document.get("components"));
    String json = type.equals("application/json") ? body : new JsonPrimitive(body).toString();
    assertThat(schemas.getSchema(schema.toString()).validate(json, InputFormat.JSON))
        .as(body)
        .isEmpty();
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + plane.ports().api() + path))
            .timeout(Duration.ofSeconds(20))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }
}
