package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Traffic;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.chaos.ExperimentRun.Event;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps, probes and schedules of {@code slow-catalog}, under a lease of ten seconds. */
final class CourseTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Asker ANN = new Asker("ann", "", "");
  private static final String STEPS =
      """
        steps:
        - {name: first, faults: [slow], for: 10s}
        - {name: rest, for: 5s}
        - parallel:
          - {name: both, faults: [slow], for: 20s}
          - {name: wire, faults: [wire, down], for: 5s, after: 5s}
      """;
  private static final String PROBE =
      """
        duration: 1m
        probes:
        - {name: shop, every: 5s, timeout: 2s, tolerate: 1, http: {url: "http://127.0.0.1:1/"}}
      """;
  private static final String HOURLY =
      """
        duration: 1m
        schedule: {cron: "0 * * * *", startingDeadline: 5m, overlap: skip}
      """;

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private ExperimentLedger ledger;
  private AskedProbes probes;
  private ExperimentRunner runner;

  @BeforeEach
  void begin() throws IOException {
    ledger = ExperimentLedger.open(folder.resolve("experiments.jsonl"), disk);
    probes = new AskedProbes();
    runner =
        new ExperimentRunner(
            () -> now,
            ledger,
            ExperimentDocuments.open(folder.resolve("experiments"), disk),
            ReportStore.open(folder.resolve("reports"), disk),
            probes);
  }

  @AfterEach
  void end() throws IOException {
    ledger.close();
  }

  // ---- steps

  @Test
  void faultsActInTheirStepsAndProxiesEndThemByThemselves() {
    runner.onState(with(STEPS));
    runner.start(KEY, ANN);
    assertThat(acting()).containsOnly(Map.entry("slow-catalog/slow", 10L));
    pass(1);
    pass(9);
    assertThat(acting()).isEmpty();
    pass(5);
    assertThat(acting()).containsOnly(Map.entry("slow-catalog/slow", 35L));
    pass(5);
    assertThat(acting())
        .containsOnly(Map.entry("slow-catalog/slow", 35L), Map.entry("slow-catalog/wire", 25L));
    pass(5);
    assertThat(acting()).containsOnly(Map.entry("slow-catalog/slow", 35L));
    pass(10);
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    assertThat(runner.history(KEY).stream().filter(e -> e.event() == Event.STEPPED))
        .extracting(ExperimentRun::why)
        .containsExactly("step first", "step rest", "step both", "step both and wire", "step both");
  }

  @Test
  void faultsThatRestAreStillCountedSoThatGuardsSee() {
    runner.onState(with(STEPS));
    runner.start(KEY, ANN);
    pass(12);
    assertThat(rules()).containsKeys("slow-catalog/slow", "slow-catalog/wire");
    assertThat(rules().values())
        .allMatch(FaultRule::getObserveOnly)
        .allMatch(rule -> rule.getChancePpm() == 0);
  }

  // ---- probes

  @Test
  void faultsWaitForProbesAndOneThatFailsBeforeKeepsThemFromActing() {
    runner.onState(with(PROBE));
    runner.start(KEY, ANN);
    assertThat(acting()).isEmpty();
    runner.tick();
    probes.answer(ProbeOutcome.failed("status 503"));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(run().why()).isEqualTo("before: failed, status 503");
    assertThat(verdict()).isEqualTo("Inconclusive");
  }

  @Test
  void aProbeThatDoesNotAnswerInTimeKeepsFaultsFromActing() {
    runner.onState(with(PROBE));
    runner.start(KEY, ANN);
    pass(1);
    assertThat(acting()).isEmpty();
    pass(1);
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(acting()).isEmpty();
  }

  @Test
  void moreBadAnswersThanAreToleratedHaltAndFailTheRun() {
    injectWithProbe();
    probes.answer(ProbeOutcome.failed("status 503"));
    pass(5);
    probes.answer(ProbeOutcome.passed("status 200"));
    pass(5);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    probes.answer(ProbeOutcome.failed("status 503"));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(acting()).isEmpty();
    assertThat(run().who()).isEqualTo("probe shop");
    assertThat(verdict()).isEqualTo("Failed");
  }

  @Test
  void probesAreAskedAgainWhenTheTimeHasComeAndTheAnswerIsThere() {
    injectWithProbe();
    assertThat(probes.open).hasSize(1);
    pass(20);
    assertThat(probes.open).hasSize(1);
    probes.answer(ProbeOutcome.passed(""));
    pass(1);
    assertThat(probes.open).hasSize(1);
  }

  @Test
  void aRunPassesOnlyWhenProbesAfterItPassedToo() {
    completeWithProbe();
    assertThat(verdict()).isEqualTo("Inconclusive");
    probes.answer(ProbeOutcome.passed("status 200"));
    assertThat(verdict()).isEqualTo("Passed");
    probes = new AskedProbes();
    completeWithProbeAgain();
    probes.answer(ProbeOutcome.failed("status 500"));
    assertThat(verdict()).isEqualTo("Failed");
    assertThat(ReportPage.of(runner.report(KEY)))
        .contains("<h2>Probes</h2>", "<td>after</td>", "<td>status 500</td>");
  }

  @Test
  void probesAfterARunThatARestartEndedAreAskedAllTheSame() throws IOException {
    injectWithProbe();
    hit();
    probes.answer(ProbeOutcome.passed("status 200"));
    pass(3);
    restart(PROBE, 1);
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(probes.open).isEmpty();
    pass(10);
    pass(1);
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThat(probes.open).hasSize(1);
    // Until it has answered, each new process asks.
    restart(PROBE, 1);
    assertThat(probes.open).hasSize(1);
    probes.answer(ProbeOutcome.failed("status 500"));
    assertThat(verdict()).isEqualTo("Failed");
    assertThat(runner.report(KEY).get("reason").getAsString())
        .isEqualTo("the probe shop failed after it: status 500");
    assertThat(ReportPage.of(runner.report(KEY))).contains("<td>after</td>", "status 500");
    assertThat(run().event()).isEqualTo(Event.PROBED);
    restart(PROBE, 1);
    assertThat(probes.open).isEmpty();
    assertThat(verdict()).isEqualTo("Failed");
  }

  @Test
  void aRunThatWasCompleteBeforeARestartPassesByProbesAfterIt() throws IOException {
    injectWithProbe();
    hit();
    probes.answer(ProbeOutcome.passed("status 200"));
    pass(60);
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    restart(PROBE, 10);
    pass(1);
    assertThat(verdict()).isEqualTo("Inconclusive");
    probes.answer(ProbeOutcome.passed("status 200"));
    assertThat(verdict()).isEqualTo("Passed");
    assertThat(runner.report(KEY).get("reason").getAsString()).isEqualTo("all probes passed");
  }

  @Test
  void whatProbesSayAfterARunCountsForCoverage() throws IOException {
    TestHistory history = TestHistory.open(folder.resolve("tests.jsonl"), disk);
    runner.tell(history);
    completeWithProbe();
    assertThat(history.tests()).isEmpty();
    probes.answer(ProbeOutcome.passed("status 200"));
    assertThat(history.tests()).isNotEmpty().allMatch(TestHistory.Test::conclusive);
  }

  @Test
  void withNothingToJudgeAProbeAbstainsAndThatIsNoPass() {
    injectWithProbe();
    hit();
    probes.answer(ProbeOutcome.abstained("no such series"));
    pass(60);
    pass(10);
    probes.answer(ProbeOutcome.passed(""));
    assertThat(verdict()).isEqualTo("Abstained");
  }

  @Test
  void withoutRequestsTheRunAbstainsAlthoughItsProbesPassed() {
    injectWithProbe();
    probes.answer(ProbeOutcome.passed(""));
    pass(60);
    pass(10);
    probes.answer(ProbeOutcome.passed(""));
    assertThat(verdict()).isEqualTo("Abstained");
  }

  @Test
  void programsRunOnlyWhereTheOperatorAllowsIt() {
    String command = PROBE.replace("http: {url: \"http://127.0.0.1:1/\"}", "command: {run: [id]}");
    runner.onState(with(command));
    assertThatThrownBy(() -> runner.start(KEY, ANN))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.COMMANDS));
    assertThat(probes.open).isEmpty();
    probes.commands = true;
    runner.start(KEY, ANN);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  // ---- schedules

  @Test
  void beginsAtItsTimesAndAfterARestartNeitherTwiceNorNever() throws IOException {
    runner.onState(with(HOURLY));
    pass(3599);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    pass(1);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(run().who()).isEqualTo("schedule");
    pass(60);
    pass(10);
    restart(HOURLY, 10);
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    restart(HOURLY, 3600 - 80 + 240);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(run().times().started()).isEqualTo(Instant.parse("2026-01-01T02:04:00Z"));
  }

  @Test
  void aTimeWhoseDeadlineWentByIsMissedAndSaid() throws IOException {
    runner.onState(with(HOURLY));
    restart(HOURLY, 3600 * 5 + 301);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    assertThat(run().event()).isEqualTo(Event.MISSED);
    pass(3600 - 301);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void aFreezeHoldsForSchedulesAndTheTimeIsOver() {
    String freeze =
        """
        ---
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Freeze
        metadata: {name: sale}
        spec: {reason: black friday, owner: shop}
        """;
    runner.onState(Analysis.ofText("shop.yaml", yaml(HOURLY) + freeze).state());
    pass(3600);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    assertThat(run().event()).isEqualTo(Event.REFUSED);
    runner.onState(with(HOURLY));
    pass(1);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    pass(3599);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void suspendedItBeginsNothingAlsoAfterARestartUntilItIsTakenUpAgain() throws IOException {
    runner.onState(with(HOURLY));
    runner.suspend(KEY, true, ANN);
    assertThatThrownBy(() -> runner.suspend(KEY, true, ANN)).hasMessageContaining("already");
    assertThat(runner.course(KEY).getAsJsonObject("schedule").has("next")).isFalse();
    restart(HOURLY, 3601);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    runner.suspend(KEY, false, ANN);
    pass(1);
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    assertThat(runner.course(KEY).getAsJsonObject("schedule").get("next").getAsString())
        .isEqualTo("2026-01-01T02:00:00Z");
    pass(3600);
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void aTimeThatComesWhileItRunsIsSkippedWaitedForOrTakesItsPlace() {
    for (String overlap : new String[] {"skip", "wait", "replace"}) {
      runner.onState(DesiredState.empty());
      pass(3600 - now.getEpochSecond() % 3600 - 30);
      runner.onState(with(HOURLY.replace("overlap: skip", "overlap: " + overlap)));
      runner.start(KEY, ANN);
      pass(30);
      pass(1);
      assertThat(phase())
          .as(overlap)
          .isEqualTo(overlap.equals("replace") ? ExperimentPhase.HALTED : ExperimentPhase.RUNNING);
      pass(29);
      pass(10);
      pass(1);
      assertThat(phase())
          .as(overlap)
          .isEqualTo(overlap.equals("skip") ? ExperimentPhase.RECOVERED : ExperimentPhase.RUNNING);
      if (overlap.equals("skip")) {
        assertThat(runner.history(KEY)).anyMatch(e -> e.event() == Event.SKIPPED);
      } else {
        assertThat(run().who()).isEqualTo("schedule");
      }
    }
  }

  @Test
  void reportsOfAsManyRunsAreKeptAsItsHistorySays() {
    runner.onState(with(HOURLY.replace("overlap", "history: 2, overlap")));
    for (int i = 0; i < 3; i++) {
      pass(3600 - now.getEpochSecond() % 3600);
      pass(60);
      pass(10);
    }
    assertThat(runner.reports(KEY))
        .extracting(report -> report.get("startedAt").getAsString())
        .containsExactly("2026-01-01T03:00:00Z", "2026-01-01T02:00:00Z");
  }

  private void injectWithProbe() {
    runner.onState(with(PROBE));
    runner.start(KEY, ANN);
    runner.tick();
    probes.answer(ProbeOutcome.passed("status 200"));
    pass(2);
    assertThat(acting()).isNotEmpty();
  }

  private void completeWithProbe() {
    injectWithProbe();
    hit();
    probes.answer(ProbeOutcome.passed("status 200"));
    pass(60);
    pass(10);
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
  }

  private void completeWithProbeAgain() {
    try {
      ledger.close();
      begin();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    completeWithProbe();
  }

  /** A request that a fault touched. */
  private void hit() {
    pass(1);
    Traffic one = Traffic.newBuilder().setRequests(1).build();
    runner.measured(
        Measurement.newBuilder()
            .setNamespace("shop")
            .setWorkload("checkout-1")
            .addWindows(
                Window.newBuilder()
                    .setExperiment("slow-catalog")
                    .setService("catalog.shop")
                    .setAffected(one)
                    .setUnaffected(one))
            .build(),
        null);
  }

  private void restart(String spec, long seconds) throws IOException {
    ledger.close();
    now = now.plusSeconds(seconds);
    begin();
    runner.onState(with(spec));
    runner.tick();
  }

  private void pass(long seconds) {
    now = now.plus(Duration.ofSeconds(seconds));
    runner.tick();
  }

  private String verdict() {
    JsonObject report = runner.report(KEY);
    return report.get("verdict").getAsString();
  }

  private ExperimentRun run() {
    return runner.runs().getFirst();
  }

  private ExperimentPhase phase() {
    return run().phase();
  }

  private Map<String, FaultRule> rules() {
    Map<String, FaultRule> rules = new TreeMap<>();
    runner
        .faultsFor(
            new NodeDescription("shop", "checkout-1", Implementation.OUTRIGGER, MeshTls.AVAILABLE))
        .forEach((name, resource) -> rules.put(name, rule(resource)));
    return rules;
  }

  private static FaultRule rule(VersionedResource resource) {
    try {
      return resource.body().unpack(FaultRule.class);
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  /** What acts at checkout-1, with the second after midnight at which proxies end it. */
  private Map<String, Long> acting() {
    Map<String, Long> acting = new TreeMap<>();
    rules()
        .forEach(
            (name, rule) -> {
              if (!rule.getObserveOnly()) {
                acting.put(name, rule.getNotAfter().getSeconds() % 3600);
              }
            });
    return acting;
  }

  private static DesiredState with(String spec) {
    Analysis analysis = Analysis.ofText("shop.yaml", yaml(spec));
    assertThat(analysis.problems()).isEmpty();
    return analysis.state();
  }

  private static String yaml(String spec) {
    try (InputStream in =
        CourseTest.class.getResourceAsStream("/dev/outrigger/controlplane/snapshot/shop.yaml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
          .replace("  duration: 5m\n", spec);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
