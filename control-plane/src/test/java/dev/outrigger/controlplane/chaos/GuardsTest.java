package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.Ejections;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Traffic;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import dev.outrigger.controlplane.source.Analysis;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What proxies measure against what an experiment allows. */
final class GuardsTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Asker ANN = new Asker("ann", "", "");

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private ExperimentLedger ledger;
  private ExperimentRunner runner;
  private String lastYaml = "";

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
  }

  @AfterEach
  void end() throws IOException {
    ledger.close();
  }

  @Test
  void aSuccessRateBelowItsBoundHaltsAtOnceAndSaysWhichGuardWhatAndWhere() {
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    for (int second = 0; second < 10; second++) {
      measure("", traffic(20, 1, 10), traffic(80, 1, 10));
      assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    }
    measure("", traffic(20, 20, 10), traffic(80, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    ExperimentRun run = runner.runs().getFirst();
    assertThat(run.who()).isEqualTo("guard callers");
    assertThat(run.why())
        .contains("92% of 300 requests succeeded within 3s", "at least 95%")
        .contains("shop/checkout-1 -> catalog.shop");
    assertThat(faults()).isEmpty();
  }

  @Test
  void oneWithinItsBoundNeverHalts() {
    start("- {name: callers, successRate: {min: 95%}, window: 1s, minRequests: 50}");
    for (int second = 0; second < 200; second++) {
      measure("", traffic(5, 5, 900), traffic(95, 0, 10));
      assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    }
    assertThat(state()).isEqualTo(GuardWatch.State.HELD);
  }

  @Test
  void withoutEnoughRequestsItAbstainsAndThatIsNoPass() {
    start("- {name: callers, successRate: {min: 95%}, window: 2s, minRequests: 50}");
    for (int second = 0; second < 20; second++) {
      measure("", traffic(20, 20, 10), traffic(0, 0, 0));
    }
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(state()).isEqualTo(GuardWatch.State.ABSTAINED);
  }

  @Test
  void unaffectedTrafficIsJudgedByItself() {
    start("- {name: rest, of: unaffected, successRate: {min: 99%}, window: 1s, minRequests: 10}");
    measure("", traffic(100, 100, 10), traffic(100, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    measure("", traffic(100, 0, 10), traffic(100, 2, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  void latencyIsComparedWithTheBaselineInWhichNothingActs() throws Exception {
    start("- {name: slow, latency: {quantile: p90, maxIncrease: 100%}, window: 1s}");
    assertThat(rule().getObserveOnly()).isTrue();
    for (int second = 0; second < 10; second++) {
      measure("", traffic(0, 0, 0), traffic(100, 0, 10));
    }
    runner.tick();
    assertThat(rule().getObserveOnly()).isFalse();
    measure("", traffic(50, 0, 18), traffic(50, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    measure("", traffic(50, 0, 30), traffic(50, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("p90", "above the baseline of 10.");
  }

  @Test
  void aDropIsCountedFromTheBaselineJustBeforeAndHaltsBeyondItsMarginAlone() {
    start("- {name: drop, successRate: {maxDrop: 5%}, window: 1s, minRequests: 50}");
    for (int second = 0; second < 10; second++) {
      // One in ten fails without us.
      measure("", traffic(0, 0, 0), traffic(100, 10, 10));
    }
    runner.tick();
    for (int second = 0; second < 10; second++) {
      measure("", traffic(50, 8, 10), traffic(50, 7, 10));
      assertThat(phase()).as("5 points below").isEqualTo(ExperimentPhase.RUNNING);
    }
    assertThat(state()).isEqualTo(GuardWatch.State.HELD);
    measure("", traffic(50, 9, 10), traffic(50, 7, 10));
    assertThat(phase()).as("6 points below").isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("84%", "baseline of 90%");
  }

  @Test
  void anErrorBudgetIsOfTheWholeRunAndHaltsWithTheFirstErrorBeyondIt() {
    start("- {name: budget, errorBudget: {errors: 12}, minRequests: 50}");
    for (int minute = 0; minute < 4; minute++) {
      // Longer apart than any window.
      now = now.plusSeconds(60);
      measure("", traffic(20, 2, 10), traffic(80, 1, 10));
      assertThat(phase()).as("%d errors", 3 * (minute + 1)).isEqualTo(ExperimentPhase.RUNNING);
      assertThat(state()).isEqualTo(GuardWatch.State.HELD);
    }
    measure("", traffic(1, 1, 10), traffic(0, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why())
        .contains("13 of 401 requests of the run failed", "a budget of 12")
        .contains("shop/checkout-1 -> catalog.shop");
  }

  @Test
  void anErrorBudgetIsSpentByHoweverFewRequestsAndAbstainsWithoutThem() {
    start("- {name: budget, errorBudget: {errors: 2}, minRequests: 50}");
    measure("", traffic(2, 2, 10), traffic(0, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(state()).isEqualTo(GuardWatch.State.ABSTAINED);
    measure("", traffic(1, 1, 10), traffic(0, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  void anErrorBudgetMayBeAShareOfWhatAnObjectiveAllows() {
    start(
        "- {name: slo, of: unaffected,"
            + " errorBudget: {objective: 99.9%, requests: 1000000, spend: 1%}}");
    measure("", traffic(100, 100, 10), traffic(100, 10, 10));
    assertThat(phase()).as("ten are a hundredth of a thousand").isEqualTo(ExperimentPhase.RUNNING);
    measure("", traffic(0, 0, 10), traffic(100, 1, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("a budget of 10");
  }

  @Test
  void aRelativeGuardWithoutABaselineAbstains() {
    start("- {name: drop, successRate: {maxDrop: 1%}, window: 1s}");
    now = now.plusSeconds(11);
    measure("", traffic(100, 100, 10), traffic(0, 0, 0));
    assertThat(state()).isEqualTo(GuardWatch.State.ABSTAINED);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void theProxiesOfAGuardsServiceMeasureAndTouchNothing() throws Exception {
    start("- {name: shoppers, service: checkout, successRate: {min: 99%}, window: 1s}");
    FaultRule observer =
        Objects.requireNonNull(faults().get("slow-catalog/guard.shoppers"))
            .body()
            .unpack(FaultRule.class);
    assertThat(observer.getObserveOnly()).isTrue();
    measure("", traffic(100, 100, 10), traffic(0, 0, 0));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    measure("shoppers", traffic(0, 0, 0), traffic(100, 2, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  void aProxyThatEndedTheFaultsItselfHaltsTheExperiment() {
    start("- {name: x, successRate: {min: 1%}}\nproxyGuard: {successRate: 50%}");
    Measurement measurement =
        Measurement.newBuilder()
            .setNamespace("shop")
            .setWorkload("checkout-1")
            .addGivenUp("slow-catalog")
            .build();
    assertThat(runner.measured(measurement, null)).isTrue();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("shop/checkout-1");
  }

  @Test
  void theReportSaysWhatWasExpectedDoneAndMeasuredAndSurvivesARestart() throws IOException {
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    for (int second = 0; second < 5; second++) {
      measure("", traffic(20, 0, 310), traffic(80, 0, 10));
    }
    assertThat(verdict()).isEqualTo("Inconclusive");
    now = now.plusSeconds(400);
    runner.tick();
    now = now.plusSeconds(20);
    runner.tick();
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThat(verdict()).isEqualTo("Passed");
    end();
    begin();
    JsonObject report = runner.report(KEY);
    assertThat(report.get("hypothesis").getAsString()).contains("within 500ms");
    assertThat(report.get("seed").getAsLong()).isEqualTo(42);
    JsonObject during = report.getAsJsonObject("during");
    assertThat(during.getAsJsonObject("affected").get("requests").getAsLong()).isEqualTo(100);
    assertThat(during.getAsJsonObject("affected").get("p50Millis").getAsDouble())
        .isBetween(300.0, 330.0);
    assertThat(during.getAsJsonObject("unaffected").get("p99Millis").getAsDouble()).isLessThan(11);
    String page = ReportPage.of(report);
    assertThat(page).contains("<svg", "shop/checkout-1 -&gt; catalog.shop", "Passed", "callers");
    assertThat(page).doesNotContain("http:", "https:", "src=", "<script");
  }

  @Test
  void aBreachFailsAndNoHitAtAllIsNoPass() {
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    measure("", traffic(20, 20, 310), traffic(80, 0, 10));
    assertThat(verdict()).isEqualTo("Failed");
    assertThat(runner.report(KEY).get("reason").getAsString()).contains("80% of 100 requests");
    now = now.plusSeconds(120);
    runner.tick();
    runner.start(KEY, ANN);
    measure("", traffic(0, 0, 0), traffic(100, 0, 10));
    now = now.plusSeconds(400);
    runner.tick();
    assertThat(verdict()).isEqualTo("Abstained");
  }

  @Test
  void whatWasMeasuredUpToTheEndAndToldAfterItCountsAndIsNotJudged() {
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    measure("", traffic(20, 0, 310), traffic(80, 0, 10));
    runner.halt(KEY, ANN);
    measure("", traffic(10, 10, 310), traffic(40, 0, 10));
    assertThat(affectedRequests()).isEqualTo(30);
    assertThat(state()).isEqualTo(GuardWatch.State.HELD);
    now = now.plusSeconds(60);
    runner.tick();
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    measure("", traffic(10, 10, 310), traffic(40, 0, 10));
    assertThat(affectedRequests()).isEqualTo(30);
  }

  private long affectedRequests() {
    return runner
        .report(KEY)
        .getAsJsonObject("during")
        .getAsJsonObject("affected")
        .get("requests")
        .getAsLong();
  }

  @Test
  void guardsHearTwiceASecondAndOnlookersEverySecond() throws Exception {
    start("  []");
    assertThat(rule().getReportPeriod()).isEqualTo(Durations.fromSeconds(1));
    runner.halt(KEY, ANN);
    now = now.plusSeconds(60);
    runner.tick();
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    assertThat(rule().hasReportPeriod()).isFalse();
  }

  @Test
  void nobodySpeaksForAnother() {
    start("- {name: callers, successRate: {min: 95%}, minRequests: 1}");
    Measurement measurement = measurement("", traffic(100, 100, 10), traffic(0, 0, 0));
    assertThat(
            runner.measured(
                measurement, SpiffeId.parse("spiffe://shop.example/ns/shop/sa/catalog")))
        .isFalse();
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(
            runner.measured(
                measurement, SpiffeId.parse("spiffe://shop.example/ns/shop/sa/checkout")))
        .isTrue();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  void guardsThatMeanNothingAreRefusedByField() {
    for (String bad :
        new String[] {
          "- {name: a, latency: {quantile: 99, max: 1s}}",
          "- {name: a, service: checkout, of: affected, successRate: {min: 99%}}",
          "- {name: a, successRate: {min: 99%, maxDrop: 1%}}",
          "- {name: a, successRate: {min: 99%}, window: 2m}",
          "- {name: a, successRate: {maxDrop: 1%}}\nbaseline: 0s",
          "- {name: a, errorBudget: {}}",
          "- {name: a, errorBudget: {errors: -1}}",
          "- {name: a, errorBudget: {errors: 5}, window: 5s}",
          "- {name: a, errorBudget: {errors: 5, spend: 5%}}",
          "- {name: a, errorBudget: {objective: 99%, spend: 5%}}",
          "- {name: a, errorBudget: {objective: 99%, requests: 1000}}",
          "- {name: a, errorBudget: {errors: 5}, successRate: {min: 99%}}",
          "- {name: a}"
        }) {
      assertThat(Analysis.ofText("shop.yaml", yaml(bad)).hasErrors()).as(bad).isTrue();
    }
  }

  @Test
  void theReportOfARunWhoseControlPlaneDiedIsKeptAndSaysThatItIsIncomplete() throws Exception {
    start("- {name: callers, successRate: {min: 50%}, window: 3s, minRequests: 50}");
    runner.tick();
    measure("", traffic(20, 1, 10), traffic(80, 1, 10));
    runner.tick();
    measure("", traffic(20, 1, 10), traffic(80, 1, 10));
    runner.tick();
    ledger.close();
    now = now.plusSeconds(5);
    begin();
    runner.onState(Analysis.ofText("shop.yaml", lastYaml).state());
    JsonObject halted = runner.report(KEY);
    assertThat(halted.get("incomplete").getAsBoolean()).isTrue();
    assertThat(halted.get("incompleteBecause").getAsString()).contains("is lost");
    assertThat(halted.get("verdict").getAsString()).isEqualTo("Inconclusive");
    assertThat(
            halted
                .getAsJsonObject("during")
                .getAsJsonObject("affected")
                .get("requests")
                .getAsLong())
        .isEqualTo(40);
    now = now.plusSeconds(60);
    runner.tick();
    JsonObject recovered = runner.report(KEY);
    assertThat(recovered.get("incomplete").getAsBoolean()).isTrue();
    assertThat(recovered.get("phase").getAsString()).isEqualTo("Recovered");
    assertThat(recovered.get("timeline").toString()).contains("Started", "Halted", "Recovered");
  }

  @Test
  void theReportOfARunThatEndedBeforeTheControlPlaneDiedIsWhole() throws Exception {
    start("- {name: callers, successRate: {min: 95%}, window: 3s, minRequests: 50}");
    measure("", traffic(20, 20, 10), traffic(80, 0, 10));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    runner.tick();
    ledger.close();
    now = now.plusSeconds(60);
    begin();
    runner.onState(Analysis.ofText("shop.yaml", lastYaml).state());
    runner.tick();
    JsonObject report = runner.report(KEY);
    assertThat(report.get("incomplete").getAsBoolean()).isFalse();
    assertThat(report.get("verdict").getAsString()).isEqualTo("Failed");
    assertThat(report.get("phase").getAsString()).isEqualTo("Recovered");
  }

  @Test
  void theReportSaysWhatGaveWay() {
    start(
        "- {name: callers, successRate: {min: 50%}, window: 3s, minRequests: 50}\n"
            + "baseline: 1s\n");
    measure("", traffic(0, 0, 10), traffic(100, 0, 10));
    runner.tick();
    measure(
        "",
        traffic(100, 20, 10).toBuilder().setRetries(250).setOverflows(3).build(),
        traffic(100, 10, 10));
    JsonObject report = runner.report(KEY);
    assertThat(report.getAsJsonArray("findings").toString())
        .contains("a retry storm: 1.25 retries per request on shop/checkout-1 -> catalog.shop")
        .contains("0.00 before", "catalog.shop got 2.25 times its load")
        .contains("circuit breakers refused 3 of 200 requests")
        .contains("requests that no fault touched suffered too: 90% of them succeeded");
    assertThat(report.getAsJsonObject("score").get("value").getAsInt()).isEqualTo(70);
    String page = ReportPage.of(report);
    assertThat(page).contains("a retry storm", "prefers-color-scheme:dark", "Resilience score");
  }

  @Test
  void ejectionsAreToldBeforeFaultsActedAndWhileTheyDid() {
    start("- {name: slow, latency: {quantile: p90, maxIncrease: 900%}, window: 1s}");
    eject("catalog.shop", 1);
    while (!Objects.requireNonNull(runner.watch(KEY)).injects().isBefore(now)) {
      measure("", traffic(10, 0, 10), traffic(10, 0, 10));
    }
    now = now.plusSeconds(1);
    eject("catalog.shop", 2);
    eject("catalog.shop", 1);
    // What a proxy says is never less than nothing.
    eject("db.shop", -5);
    JsonObject report = runner.report(KEY);
    assertThat(report.getAsJsonArray("ejections").toString())
        .isEqualTo(
            "[{\"service\":\"catalog.shop\",\"baseline\":1,\"during\":3},"
                + "{\"service\":\"db.shop\",\"baseline\":0,\"during\":0}]");
    assertThat(report.getAsJsonArray("findings").toString())
        .contains(
            "outlier detection took endpoints of catalog.shop out 3 times, and 1 times before");
    assertThat(ReportPage.of(report))
        .contains(
            "<tr><td>endpoints of catalog.shop taken out by outlier detection</td>"
                + "<td class=\"n\">1</td><td class=\"n\">3</td></tr>");
  }

  private void eject(String service, long count) {
    now = now.plusMillis(500);
    Measurement measured =
        Measurement.newBuilder()
            .setNamespace("shop")
            .setWorkload("checkout-1")
            .setMillis(500)
            .addEjections(Ejections.newBuilder().setService(service).setCount(count))
            .build();
    assertThat(runner.measured(measured, null)).isTrue();
  }

  private void start(String guards) {
    lastYaml = yaml(guards);
    Analysis analysis = Analysis.ofText("shop.yaml", lastYaml);
    assertThat(analysis.problems()).noneMatch(p -> p.object().contains("Experiment"));
    DesiredState state = analysis.state();
    runner.onState(state);
    runner.start(KEY, ANN);
  }

  private void measure(String guard, Traffic affected, Traffic unaffected) {
    now = now.plus(Duration.ofSeconds(1));
    boolean observing = Objects.requireNonNull(runner.watch(KEY)).injects().compareTo(now) >= 0;
    Measurement.Builder measured = measurement(guard, affected, unaffected).toBuilder();
    measured.getWindowsBuilder(0).setObserving(observing);
    assertThat(runner.measured(measured.build(), null)).isTrue();
  }

  private static Measurement measurement(String guard, Traffic affected, Traffic unaffected) {
    return Measurement.newBuilder()
        .setNamespace("shop")
        .setWorkload("checkout-1")
        .setMillis(1000)
        .addWindows(
            Window.newBuilder()
                .setExperiment("slow-catalog")
                .setGuard(guard)
                .setInbound(!guard.isEmpty())
                .setService(guard.isEmpty() ? "catalog.shop" : "checkout.shop")
                .setAffected(affected)
                .setUnaffected(unaffected))
        .build();
  }

  private static Traffic traffic(long requests, long errors, long millis) {
    long micros = Math.max(16, millis * 1000);
    int exponent = 63 - Long.numberOfLeadingZeros(micros);
    int bucket = (exponent - 3) * 16 + (int) (micros >>> (exponent - 4) & 15);
    return Traffic.newBuilder()
        .setRequests(requests)
        .setErrors(errors)
        .addBuckets(bucket)
        .addCounts(requests)
        .build();
  }

  private ExperimentPhase phase() {
    return runner.runs().getFirst().phase();
  }

  private String verdict() {
    return runner.report(KEY).get("verdict").getAsString();
  }

  private GuardWatch.State state() {
    return Objects.requireNonNull(runner.watch(KEY)).guards().getFirst().state();
  }

  private Map<String, VersionedResource> faults() {
    return runner.faultsFor(
        new NodeDescription("shop", "checkout-1", Implementation.OUTRIGGER, MeshTls.AVAILABLE));
  }

  private FaultRule rule() throws Exception {
    return Objects.requireNonNull(faults().get("slow-catalog/slow")).body().unpack(FaultRule.class);
  }

  private static String yaml(String guards) {
    try (InputStream in =
        GuardsTest.class.getResourceAsStream("/dev/outrigger/controlplane/snapshot/shop.yaml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
              .stripTrailing()
          + "\n  guards:\n"
          + guards.indent(2);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
