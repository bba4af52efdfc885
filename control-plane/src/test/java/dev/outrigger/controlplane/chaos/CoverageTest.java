package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Sighting;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.ChaosLimits;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CoverageTest {
  private static final CallEdge EDGE = new CallEdge("checkout.shop", "catalog.shop");

  private static final Sighting REQUESTS = sighting("requests", "catalog.shop", 200);

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private ExperimentLedger ledger;
  private ExperimentRunner runner;
  private Shadows shadows;
  private TestHistory history;
  private Coverage coverage;

  @BeforeEach
  void begin() throws IOException {
    ledger = ExperimentLedger.open(folder.resolve("experiments.jsonl"), disk);
    runner =
        new ExperimentRunner(
            () -> now,
            ledger,
            ExperimentDocuments.open(folder.resolve("experiments"), disk),
            ReportStore.open(folder.resolve("reports"), disk),
            new AskedProbes());
    runner.onState(ExperimentRunnerTest.manual());
    shadows = new Shadows(() -> now, runner);
    history = TestHistory.open(folder.resolve("tests.jsonl"), disk);
    coverage =
        new Coverage(() -> now, runner, shadows, history, folder.resolve("calls.json"), disk);
  }

  @AfterEach
  void end() throws IOException {
    ledger.close();
  }

  private static JsonObject report(String verdict, long hits) {
    return JsonParser.parseString(
            """
            {"experiment": "shop/slow", "startedAt": "2026-01-01T00:00:00Z", "verdict": "%s",
             "edges": [{"service": "catalog.shop", "calls": ["checkout.shop"],
                        "kinds": ["delay"], "affected": {"requests": %d}}]}
            """
                .formatted(verdict, hits))
        .getAsJsonObject();
  }

  private static Sighting sighting(String fault, String service, int seen) {
    return Sighting.newBuilder()
        .setExperiment("outrigger/graph")
        .setFault(fault)
        .setService(service)
        .setSeen(seen)
        .build();
  }

  private void look(Sighting... seen) {
    coverage.look(Duration.ofSeconds(10));
    shadows.measured(
        Measurement.newBuilder()
            .setNamespace("shop")
            .setWorkload("checkout-1")
            .addAllSightings(List.of(seen))
            .build());
    now = now.plusSeconds(20);
  }

  @Test
  void aCallThatWasSeenAndNeverTestedIsSuggestedUntilARunThatWasJudgedHasHitIt() {
    assertThat(coverage.toJson().get("edges").getAsInt()).isZero();
    look(REQUESTS);
    JsonObject first = coverage.toJson();
    assertThat(first.get("percent").getAsDouble()).isZero();
    assertThat(first.getAsJsonArray("calls").toString())
        .contains("\"from\":\"checkout.shop\"", "\"to\":\"catalog.shop\"");
    assertThat(first.getAsJsonArray("suggestions")).hasSize(1);
    history.on(report("Inconclusive", 10));
    assertThat(coverage.toJson().getAsJsonArray("suggestions")).hasSize(1);
    JsonObject failed = report("Failed", 10);
    failed.addProperty("startedAt", "2026-01-02T00:00:00Z");
    history.on(failed);
    history.on(failed);
    JsonObject then = coverage.toJson();
    assertThat(then.get("percent").getAsDouble()).isEqualTo(100);
    assertThat(then.getAsJsonArray("suggestions")).isEmpty();
    assertThat(history.tests()).hasSize(2);
  }

  @Test
  void whatWasSeenAndTestedIsKnownAfterARestart() throws IOException {
    look(REQUESTS);
    coverage.tick();
    history.on(report("Passed", 3));
    ledger.close();
    begin();
    JsonObject json = coverage.toJson();
    assertThat(json.get("edges").getAsInt()).isOne();
    assertThat(json.get("percent").getAsDouble()).isEqualTo(100);
    assertThat(json.toString()).contains("\"lastVerdict\":\"Passed\"");
  }

  /** The route of catalog sends to catalog-v2 as well. */
  @Test
  void connectionsThatARouteMakesOfRequestsAreNoCallsOfTheirOwn() {
    look(
        REQUESTS,
        sighting("connections", "catalog-v2.shop", 3),
        sighting("connections", "db.shop", 2));

    JsonObject json = coverage.toJson();
    assertThat(json.getAsJsonArray("calls").asList())
        .extracting(call -> call.getAsJsonObject().get("to").getAsString())
        .containsExactly("catalog.shop", "db.shop");
    assertThat(json.getAsJsonArray("calls").get(0).getAsJsonObject().get("connections").getAsInt())
        .isEqualTo(3);
    assertThat(json.getAsJsonArray("suggestions").toString()).doesNotContain("catalog-v2");
  }

  /** The route of catalog, which is protected, sends to catalog-v2 as well. */
  @Test
  void nothingIsSuggestedThatWouldBeRefused() {
    runner.onState(
        ExperimentRunnerTest.state(
            ExperimentRunnerTest.under("{protectedServices: [catalog.shop]}")));
    look(sighting("connections", "catalog-v2.shop", 3), sighting("connections", "db.shop", 2));
    assertThat(suggested()).containsExactly("db.shop");
  }

  private List<String> suggested() {
    return coverage.toJson().getAsJsonArray("suggestions").asList().stream()
        .map(one -> one.getAsJsonObject().get("to").getAsString())
        .toList();
  }

  @Test
  void aRunThatHitNothingTestsNothing() {
    history.on(report("Passed", 0));
    assertThat(history.tested()).isEmpty();
  }

  @Test
  void aSuggestionIsAnExperimentWithoutProblemsThatHitsJustEnough() {
    Suggestion busy =
        Suggestion.of(EDGE, new CallGraph.Seen(now, 100, 0, 120), ChaosLimits.DEFAULT);
    Experiment experiment = parsed(busy);
    assertThat(experiment.faults().getFirst().chancePpm()).isEqualTo(10_000);
    assertThat(experiment.duration()).isEqualTo(Duration.ofSeconds(60));
    assertThat(busy.document()).contains("delay: {fixed: 250ms}", "service: checkout.shop");
    Suggestion quiet = Suggestion.of(EDGE, new CallGraph.Seen(now, 0.1, 0, 1), ChaosLimits.DEFAULT);
    assertThat(parsed(quiet).faults().getFirst().chancePpm()).isEqualTo(1_000_000);
    assertThat(parsed(quiet).duration()).isEqualTo(Duration.ofSeconds(300));
    Suggestion bytes =
        Suggestion.of(
            new CallEdge("spiffe://shop.example/ns/shop/sa/web", "db.shop"),
            new CallGraph.Seen(now, 0, 3, 0),
            ChaosLimits.DEFAULT);
    assertThat(parsed(bytes).faults().getFirst().place()).isEqualTo(Experiment.Place.CONNECTION);
  }

  private static Experiment parsed(Suggestion suggestion) {
    Analysis analysis = Analysis.ofText("suggested.yaml", suggestion.document());
    assertThat(analysis.hasErrors()).as(suggestion.document() + analysis.problems()).isFalse();
    return analysis.state().experiments().getFirst();
  }
}
