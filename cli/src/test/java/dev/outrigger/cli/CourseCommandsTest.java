package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ControlPlane;
import dev.outrigger.controlplane.ControlPlaneOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files, schedules, watching and access, against a control plane in this process. */
final class CourseCommandsTest {
  private static final String DOCUMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: nightly, namespace: shop}
      spec:
        hypothesis: nobody minds
        owner: tests
        lease: 2s
        schedule: {cron: "0 3 * * *", timeZone: Europe/Berlin}
        steps:
        - {name: slow, faults: [late], for: 10s}
        - {name: rest, for: 5s}
        faults: [{name: late, where: request, delay: {fixed: 300ms}}]
      """;

  @TempDir private Path folder;
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-11-21T00:00:00Z"));
  private Path file;
  private ControlPlane plane;

  @BeforeEach
  void start() throws Exception {
    Path mesh = Files.createDirectory(folder.resolve("mesh"));
    file = Files.writeString(folder.resolve("nightly.yaml"), DOCUMENT);
    plane =
        ControlPlane.start(
            ControlPlaneOptions.onFreePorts(mesh, folder.resolve("state")),
            now::get,
            new SecureRandom());
  }

  @AfterEach
  void stop() {
    plane.close();
  }

  private Captured run(String... args) {
    return Captured.run(
        Map.of("OUTRIGGER_API", "http://127.0.0.1:" + plane.ports().api(), "USER", "ann"), args);
  }

  private void pass(Duration time) {
    now.updateAndGet(before -> before.plus(time));
  }

  private String phase() {
    JsonObject state =
        JsonParser.parseString(run("experiment", "get", "shop/nightly", "-o", "json").out())
            .getAsJsonObject();
    return state.get("phase").getAsString();
  }

  private void await(String phase) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(phase()).isEqualTo(phase));
  }

  @Test
  void aFileIsValidatedWithoutBeingTakenAndCreatedWithoutBeingStarted() throws Exception {
    assertThat(run("experiment", "validate", file.toString()).out())
        .isEqualTo("shop/nightly is right\n");
    assertThat(run("experiment", "validate", "--offline", file.toString()).out())
        .contains("1 experiment is right");
    assertThat(run("experiment", "list").out()).contains("There are no experiments");
    assertThat(run("experiment", "create", file.toString()).out())
        .contains("shop/nightly", "Pending", "ann");
    Files.writeString(file, DOCUMENT.replace("0 3 * * *", "0 33 * * *"));
    Captured wrong = run("experiment", "validate", file.toString());
    assertThat(wrong.exit()).isEqualTo(Main.FAILED);
    assertThat(wrong.err()).contains("no cron expression", "^");
  }

  @Test
  void schedulesAreListedSuspendedResumedAndRunOutOfTurn() {
    run("experiment", "create", file.toString());
    assertThat(run("experiment", "schedule", "list").out())
        .contains("shop/nightly", "0 3 * * *", "Europe/Berlin", "2026-11-21T02:00:00Z", "Pending");
    assertThat(run("experiment", "schedule", "suspend", "shop/nightly").out())
        .contains("suspended");
    Captured again = run("experiment", "schedule", "suspend", "shop/nightly");
    assertThat(again.exit()).isEqualTo(Main.FAILED);
    assertThat(again.err()).contains("outrigger explain OR2015");
    assertThat(run("experiment", "schedule", "resume", "shop/nightly").out())
        .contains("2026-11-21T02:00:00Z");
    assertThat(run("experiment", "schedule", "run-now", "shop/nightly").out()).contains("Running");
    assertThat(run("experiment", "halt", "shop/nightly").out()).contains("Halted");
    pass(Duration.ofSeconds(2));
    await("Recovered");
    assertThat(run("experiment", "schedule", "history", "shop/nightly").out())
        .contains("2026-11-21T00:00:00Z", "Inconclusive", "ended before its time");
  }

  @Test
  void watchingTellsEachEventAndEndsWithTheVerdict() {
    run("experiment", "create", file.toString());
    CompletableFuture<Captured> watching =
        CompletableFuture.supplyAsync(
            () -> run("experiment", "watch", "shop/nightly", "-o", "json"));
    run("experiment", "run", "shop/nightly", "--yes");
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> run("experiment", "get", "shop/nightly").out().contains("step slow"));
    pass(Duration.ofSeconds(15));
    await("Completed");
    pass(Duration.ofSeconds(2));
    Captured said = watching.orTimeout(30, TimeUnit.SECONDS).join();
    List<JsonObject> lines =
        said.out().lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    assertThat(lines.subList(0, lines.size() - 1))
        .extracting(line -> line.get("event").getAsString())
        .containsSubsequence("Started", "Stepped", "Completed", "Recovered");
    assertThat(lines.getLast().get("verdict").getAsString()).isEqualTo("Abstained");
    assertThat(said.exit()).isEqualTo(82);
  }

  @Test
  void accessIsGivenListedTakenAwayAndWrittenDown() {
    Captured made = run("access", "create", "olaf", "--role", "operator", "-n", "shop");
    assertThat(made.out()).startsWith("outrigger-api-");
    assertThat(made.err()).contains("olaf is operator for shop");
    assertThat(run("access", "list").out())
        .contains("olaf", "operator", "shop")
        .doesNotContain("-api-");
    assertThat(run("access", "whoami").out()).contains("asks for no tokens");
    assertThat(run("access", "revoke", "olaf", "--why", "left").out()).contains("revoked");
    assertThat(run("access", "log").out())
        .contains("ann", "DELETE /api/v1/access/tokens/olaf", "left", "127.0.0.1");
    assertThat(run("access", "create", "o", "--role", "king").exit()).isEqualTo(Main.USAGE);
  }

  @Test
  void theScreenHasProgressStepsTrafficGuardsProbesAndTheLatestEvents() {
    JsonObject state =
        JsonParser.parseString(
                """
                {"experiment": "shop/x", "phase": "Running", "paused": false, "owner": "o",
                 "hypothesis": "h", "endsAt": "1970-01-01T00:00:30Z",
                 "steps": [{"name": "a", "fromMillis": 0, "untilMillis": 90000, "faults": ["f"],
                            "current": true}],
                 "events": [{"at": "1970-01-01T00:00:00.123Z", "event": "Started", "who": "ann",
                             "why": "drill"}]}
                """)
            .getAsJsonObject();
    JsonObject report =
        JsonParser.parseString(
                """
                {"injectsAt": "1969-12-31T23:59:30Z", "verdict": "Inconclusive", "reason": "r",
                 "baseline": {"affected": {"requests": 0}, "unaffected": {"requests": 0}},
                 "during": {"affected": {"requests": 9, "errors": 3, "successPercent": 66.667,
                   "p50Millis": 300, "p99Millis": 301}, "unaffected": {"requests": 0}},
                 "guards": [{"name": "g", "state": "held", "worst": 66.667, "bound": "at least 50%"}],
                 "probes": [{"name": "p", "parts": [{"when": "during", "passed": 2, "failed": 1,
                   "abstained": 0, "latest": "status 503"}]}]}
                """)
            .getAsJsonObject();
    Terminal terminal =
        new Terminal(
            new java.io.PrintWriter(System.out),
            new java.io.PrintWriter(System.err),
            false,
            true,
            Map.of(),
            () -> Instant.EPOCH);
    assertThat(WatchScreen.of(terminal, state, report).lines().map(String::stripTrailing))
        .containsExactly(
            "shop/x  Running",
            "progress    ███████████████░░░░░░░░░░░░░░░ 30s of 1m00s",
            "hypothesis  h",
            "owner       o",
            "",
            "  STEP   FROM   UNTIL   FAULTS",
            "▶ a      0s     1m30s   f",
            "",
            "TRAFFIC            REQUESTS   ERRORS   SUCCESS   P50        P99",
            "during, affected   9          3        66.67%    300.00ms   301.00ms",
            "",
            "GUARD   STATE   WORST   BOUND",
            "g       held    66.67   at least 50%",
            "",
            "PROBE   WHEN     PASSED   FAILED   LATEST",
            "p       during   2        1        status 503",
            "",
            "TIME                   EVENT     WHO   WHY",
            "1970-01-01T00:00:00Z   Started   ann   drill");
  }
}
