package dev.outrigger.controlplane.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.access.ApiTokens;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.chaos.Asker;
import dev.outrigger.controlplane.chaos.ExperimentDocuments;
import dev.outrigger.controlplane.chaos.ExperimentLedger;
import dev.outrigger.controlplane.chaos.ExperimentPhase;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.NetworkProber;
import dev.outrigger.controlplane.chaos.ReportStore;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may do what, with tokens asked for. */
final class RolesTest {
  private static final String MESH =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: web-1, namespace: shop, labels: {app: web}}
      spec: {address: 10.0.0.1, ports: [{port: 80}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: pay-1, namespace: bank, labels: {app: pay}}
      spec: {address: 10.0.0.2, ports: [{port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {selector: {app: web}, ports: [{port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: pay, namespace: bank}
      spec: {selector: {app: pay}, ports: [{port: 80}]}
      """;

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final List<AutoCloseable> open = new ArrayList<>();
  private ApiTokens tokens;
  private ExperimentRunner runner;
  private ApiServer server;
  private HttpClient client;
  private String admin;

  @BeforeEach
  void start() throws IOException {
    Path state = folder.resolve("state");
    tokens = ApiTokens.open(state, () -> now, new SecureRandom());
    Path file = Path.of(java.util.Objects.requireNonNull(tokens.ensureAdmin()));
    admin = Files.readString(file).strip();
    assertThat(tokens.ensureAdmin()).isNull();
    AuditLog audit = part(AuditLog.open(state.resolve("audit.jsonl"), () -> now, disk));
    runner =
        new ExperimentRunner(
            () -> now,
            part(ExperimentLedger.open(state.resolve("experiments.jsonl"), disk)),
            ExperimentDocuments.open(state.resolve("experiments"), disk),
            ReportStore.open(state.resolve("reports"), disk),
            part(new NetworkProber(false)));
    Analysis mesh = Analysis.ofText("mesh.yaml", MESH);
    assertThat(mesh.problems()).isEmpty();
    runner.onState(mesh.state());
    List<ApiRoute> routes = new ArrayList<>(new ExperimentRoutes(runner).routes());
    routes.addAll(new ScheduleRoutes(runner).routes());
    routes.addAll(new AccessRoutes(tokens, audit).routes());
    ApiGate gate = new ApiGate(tokens, audit);
    runner.checkRightsBy(gate::obstacle);
    server = part(new ApiServer(0, routes, gate, LeaderLine.NONE));
    client = part(HttpClient.newHttpClient());
    runner.submit(experiment("shop", "web.shop"), new Asker("test", "", ""));
    runner.submit(experiment("bank", "pay.bank"), new Asker("test", "", ""));
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable part : open.reversed()) {
      part.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // method, path, nobody, viewer, operator of shop, admin
    "GET,    experiments,                   401, 200, 200, 200",
    "GET,    experiments/shop/slow,         401, 200, 200, 200",
    "GET,    experiments/bank/slow,         401, 200, 200, 200",
    "GET,    schedules,                     401, 200, 200, 200",
    "GET,    access/me,                     401, 200, 200, 200",
    "GET,    access/tokens,                 401, 403, 403, 200",
    "GET,    audit,                         401, 403, 403, 200",
    "POST,   access/tokens,                 401, 403, 403, 400",
    "DELETE, access/tokens/zoe,             401, 403, 403, 404",
    "POST,   experiments/shop/slow/pause,   401, 403, 409, 409",
    "POST,   experiments/bank/slow/pause,   401, 403, 403, 409",
    "POST,   experiments/shop/slow/suspend, 401, 403, 409, 409",
    "POST,   experiments/bank/slow/suspend, 401, 403, 403, 409",
    "POST,   experiments/bank/slow/start,   401, 403, 403, 200",
    "POST,   experiments/shop/slow/start,   401, 403, 200, 200",
    "DELETE, experiments/bank/slow,         401, 403, 403, 200",
    "DELETE, experiments/shop/slow,         401, 403, 200, 200",
    "POST,   halt,                          401, 403, 200, 200",
    "POST,   halt/lift,                     401, 403, 403, 200",
  })
  void eachRoleMayWhatItsNameSays(
      String method, String path, int nobody, int viewer, int operator, int administrator)
      throws Exception {
    String looks = mint("vera", "viewer", "");
    String runs = mint("olaf", "operator", "\"shop\"");
    assertThat(call(method, path, null, "{}").statusCode()).isEqualTo(nobody);
    assertThat(call(method, path, "not-a-token", "{}").statusCode()).isEqualTo(nobody);
    assertThat(call(method, path, looks, "{}").statusCode()).isEqualTo(viewer);
    assertThat(call(method, path, runs, "{}").statusCode()).isEqualTo(operator);
    if (operator != 200) {
      assertThat(call(method, path, admin, "{}").statusCode()).isEqualTo(administrator);
    }
  }

  @Test
  void anOperatorOfOneNamespaceReachesNoOtherWithItsFaults() throws Exception {
    String runs = mint("olaf", "operator", "\"shop\"");
    for (String document :
        List.of(
            experiment("shop", "pay.bank").replace("slow", "far"),
            experiment("bank", "web.shop").replace("slow", "far"))) {
      HttpResponse<String> refused = submit(runs, document);
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.body()).contains("OR2017", "bank");
    }
    assertThat(submit(runs, experiment("shop", "web.shop").replace("slow", "near")).statusCode())
        .isEqualTo(200);
    assertThat(submit(admin, experiment("shop", "pay.bank").replace("slow", "far")).statusCode())
        .isEqualTo(200);
    assertThat(call("POST", "experiments/shop/far/start", runs, "{}").statusCode()).isEqualTo(403);
  }

  @Test
  void tokensEndWhenTheyExpireAreRevokedOrMadeAnewAndOnlyHashesAreKept() throws Exception {
    String first = mint("vera", "viewer", "");
    String second = mint("vera", "viewer", "");
    assertThat(call("GET", "experiments", first, "").statusCode()).isEqualTo(401);
    assertThat(call("GET", "experiments", second, "").statusCode()).isEqualTo(200);
    assertThat(Files.readString(folder.resolve("state/api-tokens.json")))
        .contains("vera")
        .doesNotContain(second);
    ApiTokens again = ApiTokens.open(folder.resolve("state"), () -> now, new SecureRandom());
    assertThat(again.find(second)).isNotNull();
    now = now.plus(Duration.ofDays(30));
    assertThat(call("GET", "experiments", second, "").statusCode()).isEqualTo(401);
    String third = mint("vera", "viewer", "");
    assertThat(call("DELETE", "access/tokens/vera", admin, "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "experiments", third, "").statusCode()).isEqualTo(401);
  }

  @Test
  void theLedgerAndTheAuditLogSayWhoWhenWhyAndFromWhereAlsoOfRefusals() throws Exception {
    String runs = mint("olaf", "operator", "\"shop\"");
    call("POST", "experiments/shop/slow/start", runs, "{\"who\": \"root\", \"why\": \"drill\"}");
    call("POST", "halt/lift", runs, "{\"why\": \"please\"}");
    call("GET", "experiments", null, "");
    assertThat(runner.runs().getLast().by()).isEqualTo(new Asker("olaf", "drill", "127.0.0.1"));
    JsonArray audit =
        JsonParser.parseString(call("GET", "audit", admin, "").body()).getAsJsonArray();
    assertThat(audit)
        .extracting(line -> summary(line.getAsJsonObject()))
        .startsWith(
            "nobody viewer GET /api/v1/experiments  401 OR2016",
            "olaf operator POST /api/v1/halt/lift please 403 OR2017",
            "olaf operator POST /api/v1/experiments/shop/slow/start drill 200 ",
            "first-admin admin POST /api/v1/access/tokens  200 ");
    assertThat(audit.get(0).getAsJsonObject().get("at").getAsString()).isEqualTo(now.toString());
    assertThat(audit.get(0).getAsJsonObject().get("from").getAsString()).isEqualTo("127.0.0.1");
    assertThat(audit.toString()).doesNotContain(runs);
  }

  @Test
  void aScheduleBeginsNothingOnceWhoSubmittedItMayNotAnyMore() throws Exception {
    String runs = mint("olaf", "operator", "\"shop\"");
    String text = hourly("shop", "web.shop");
    assertThat(submit(runs, text).statusCode()).isEqualTo(200);
    nextHour();
    assertThat(nightly().phase()).isEqualTo(ExperimentPhase.RUNNING);
    mint("olaf", "viewer", "");
    nextHour();
    assertNightlyRefused("olaf is viewer");
    mint("olaf", "operator", "\"bank\"");
    nextHour();
    assertNightlyRefused("olaf's token is for bank, not for shop");
    assertThat(call("DELETE", "access/tokens/olaf", admin, "").statusCode()).isEqualTo(200);
    nextHour();
    assertNightlyRefused("nobody named olaf has a good token");
    JsonObject status =
        JsonParser.parseString(call("GET", "experiments/shop/nightly", admin, "").body())
            .getAsJsonObject();
    assertThat(status.getAsJsonObject("schedule").get("by").getAsString()).isEqualTo("olaf");
    assertThat(status.getAsJsonArray("conditions").toString()).contains("nobody named olaf");
    JsonArray audit =
        JsonParser.parseString(call("GET", "audit", admin, "").body()).getAsJsonArray();
    assertThat(audit)
        .extracting(line -> summary(line.getAsJsonObject()))
        .contains(
            "olaf viewer SCHEDULE shop/nightly olaf is viewer; this is for the role operator 403"
                + " OR2017");
    // Whoever submits it again takes it over.
    assertThat(submit(admin, text).statusCode()).isEqualTo(200);
    nextHour();
    assertThat(nightly().phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void aScheduleGoesOnInTheNameOfWhoeverLetsItAndReachesNoFurther() throws Exception {
    String runs = mint("olaf", "operator", "\"shop\"");
    assertThat(submit(admin, hourly("shop", "pay.bank")).statusCode()).isEqualTo(200);
    String suspension = "experiments/shop/nightly/";
    assertThat(call("POST", suspension + "suspend", runs, "{}").statusCode()).isEqualTo(200);
    HttpResponse<String> beyond = call("POST", suspension + "unsuspend", runs, "{}");
    assertThat(beyond.statusCode()).isEqualTo(403);
    assertThat(beyond.body()).contains("OR2017", "bank");
    mint("ada", "admin", "");
    assertThat(call("POST", suspension + "unsuspend", admin, "{}").statusCode()).isEqualTo(200);
    nextHour();
    assertThat(nightly().phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  private static String hourly(String namespace, String destination) {
    return experiment(namespace, destination)
        .replace("slow", "nightly")
        .replace("duration: 1m", "duration: 1m\n  schedule: {cron: \"0 * * * *\"}");
  }

  /** Whatever runs comes to its end on the way. */
  private void nextHour() {
    for (int minute = 0; minute < 60; minute++) {
      now = now.plus(Duration.ofMinutes(1));
      runner.tick();
    }
  }

  private ExperimentRun nightly() {
    return runner.runs().stream()
        .filter(run -> run.experiment().equals("shop/nightly"))
        .findFirst()
        .orElseThrow();
  }

  private void assertNightlyRefused(String why) {
    assertThat(nightly().phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThat(nightly().event()).isEqualTo(ExperimentRun.Event.REFUSED);
    assertThat(nightly().who()).isEqualTo("schedule");
    assertThat(nightly().why()).startsWith("OR2017: ").contains(why);
  }

  private static String summary(JsonObject line) {
    List<String> words = new ArrayList<>();
    for (String member : List.of("who", "role", "verb", "why", "status", "code")) {
      words.add(line.has(member) ? line.get(member).getAsString() : "");
    }
    return String.join(" ", words);
  }

  private static String experiment(String namespace, String destination) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: slow, namespace: %s}
    spec:
      hypothesis: nobody notices
      owner: somebody
      duration: 1m
      faults:
      - {name: late, where: inbound, delay: {fixed: 1s}, match: {destination: {services: [%s]}}}
    """
        .formatted(namespace, destination);
  }

  private String mint(String name, String role, String namespaces) throws Exception {
    HttpResponse<String> minted =
        call(
            "POST",
            "access/tokens",
            admin,
            "{\"name\": \"%s\", \"role\": \"%s\", \"namespaces\": [%s]}"
                .formatted(name, role, namespaces));
    assertThat(minted.statusCode()).as(minted.body()).isEqualTo(200);
    return JsonParser.parseString(minted.body()).getAsJsonObject().get("token").getAsString();
  }

  private HttpResponse<String> submit(String token, String document) throws Exception {
    JsonObject body = new JsonObject();
    body.addProperty("document", document);
    return call("POST", "experiments", token, body.toString());
  }

  private HttpResponse<String> call(
      String method, String path, @org.jspecify.annotations.Nullable String token, String body)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/api/v1/" + path))
            .timeout(Duration.ofSeconds(20))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (token != null) {
      request.header("authorization", "Bearer " + token);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private <T extends AutoCloseable> T part(T part) {
    open.add(part);
    return part;
  }
}
