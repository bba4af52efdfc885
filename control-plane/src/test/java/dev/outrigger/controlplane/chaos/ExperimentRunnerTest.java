package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Of {@code slow-catalog}, which lasts five minutes under a lease of ten seconds. */
final class ExperimentRunnerTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = START;
  private ExperimentLedger ledger;
  private ExperimentRunner runner;

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
  void experimentGoesThroughItsPhasesAndTheLedgerSaysWhoWhenAndWhy() {
    runner.onState(manual());
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    assertThat(runner.preview(KEY, by("ann", "")).faults().getFirst().workloads())
        .containsExactly("shop/checkout-1");
    assertThat(phase()).isEqualTo(ExperimentPhase.PREVIEWED);
    runner.start(KEY, by("ann", "game day"));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    pass(Duration.ofMinutes(5).minusMillis(1));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    pass(Duration.ofMillis(1));
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    assertThat(faults("checkout-1")).isZero();
    pass(Duration.ofSeconds(10));
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThat(runner.history()).hasSize(5);
    assertThat(runner.history().get(2))
        .matches(run -> run.who().equals("ann") && run.why().equals("game day"))
        .matches(run -> run.at().equals(START));
  }

  @Test
  void onlyTheProxiesConcernedGetTheirFaultsUnderTheLeaseUntilTheAbsoluteEnd() throws Exception {
    runner.onState(manual());
    assertThat(faults("checkout-1")).isZero();
    runner.start(KEY, by("ann", ""));
    VersionedResource slow =
        Objects.requireNonNull(
            runner
                .faultsFor(node("checkout-1", Implementation.OUTRIGGER))
                .get("slow-catalog/slow"));
    assertThat(slow.ttl()).isEqualTo(Duration.ofSeconds(10));
    FaultRule rule = slow.body().unpack(FaultRule.class);
    assertThat(rule.getNotAfter().getSeconds()).isEqualTo(START.plusSeconds(300).getEpochSecond());
    assertThat(rule.getSeed()).isEqualTo(42);
    assertThat(rule.getChancePpm()).isEqualTo(200_000);
    assertThat(rule.getMatch().getSourceIdentitiesList())
        .containsExactly("spiffe://shop.example/ns/shop/sa/checkout");
    assertThat(runner.faultsFor(node("catalog-1", Implementation.OUTRIGGER)))
        .containsKey("slow-catalog/down")
        .doesNotContainKey("slow-catalog/slow");
    assertThat(runner.faultsFor(node("checkout-1", Implementation.ENVOY))).isEmpty();
    assertThat(runner.faultsFor(node("unheard-of", Implementation.OUTRIGGER))).isEmpty();
  }

  @Test
  void haltEndsEverythingAtOnceAndTellsProxies() {
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    int[] told = {0};
    runner.onChange(() -> told[0]++);
    assertThat(runner.haltAll(by("bob", "pager"))).containsExactly(KEY);
    assertThat(told[0]).isEqualTo(1);
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    now = now.plusMillis(2500);
    assertThatThrownBy(() -> runner.start(KEY, by("ann", "")))
        .hasMessageContaining("leases for 8 s more")
        .hasMessageContaining("from " + START.plusSeconds(10));
    pass(Duration.ofSeconds(10));
    assertRefused(Refusal.HALT);
    pass(Duration.ofSeconds(50));
    runner.start(KEY, by("ann", "again"));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void whatRanWhenTheControlPlaneDiedIsHaltedAndNeverRunsOn() throws IOException {
    runner.onState(immediate());
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    restart(Duration.ofMinutes(4));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("restarted");
    assertThat(faults("checkout-1")).isZero();
    // It said "immediate" once; what has ended is not begun again by another restart.
    restart(Duration.ofMinutes(1));
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
  }

  @Test
  void aWallClockThatIsSetHaltsWhatRunsAndWhatHasEndedStillRecovers() throws IOException {
    for (Duration set : new Duration[] {Duration.ofHours(-1), Duration.ofHours(1)}) {
      long[] monotonic = {1};
      runner.onState(manual());
      runner.distrustClockBy(() -> monotonic[0]);
      runner.start(KEY, by("ann", ""));
      now = now.plusSeconds(5);
      monotonic[0] += 5_000_000_000L;
      runner.tick();
      assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
      now = now.plus(set);
      runner.tick();
      assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
      assertThat(runner.runs().getFirst().why()).contains("clock was set").contains("3600 s");
      assertThat(faults("checkout-1")).isZero();
      now = now.plusSeconds(10);
      monotonic[0] += 10_000_000_000L;
      runner.tick();
      assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    }
    // Nobody halted it, so it may begin again.
    runner.start(KEY, by("ann", ""));
  }

  @Test
  void whatEndedInTheFutureByTheClockOfTodayRecoversAfterItsLease() throws IOException {
    runner.onState(immediate());
    runner.haltAll(by("bob", ""));
    restart(Duration.ofHours(-2));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    pass(Duration.ofSeconds(10));
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
  }

  @Test
  void whilePausedNothingIsInjectedAndTheEndStays() {
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    runner.pause(KEY, by("bob", "a call"));
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(condition("Paused")).isTrue();
    assertThatThrownBy(() -> runner.pause(KEY, by("bob", ""))).hasMessageContaining("already");
    pass(Duration.ofMinutes(1));
    runner.resume(KEY, by("bob", ""));
    assertThat(faults("checkout-1")).isPositive();
    assertThat(condition("Paused")).isFalse();
    pass(Duration.ofMinutes(4));
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    assertThat(condition("Injecting")).isFalse();
  }

  @Test
  void aFreshHaltKeepsEverythingFromStartingUntilItIsOldOrLifted() throws IOException {
    runner.onState(manual());
    assertThat(runner.haltAll(by("bob", "pager"))).isEmpty();
    assertRefused(Refusal.HALT);
    ledger.close();
    begin();
    runner.onState(manual());
    assertRefused(Refusal.HALT);
    now = now.plus(Duration.ofSeconds(59));
    assertRefused(Refusal.HALT);
    now = now.plus(Duration.ofSeconds(1));
    runner.start(KEY, by("ann", ""));
    runner.haltAll(by("bob", "pager"));
    pass(Duration.ofSeconds(10));
    assertRefused(Refusal.HALT);
    runner.lift(by("bob", "all clear"));
    runner.start(KEY, by("ann", ""));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void aHaltOfOneKeepsThatOneFromStarting() {
    runner.onState(manual());
    runner.halt(KEY, by("bob", "not today"));
    assertRefused(Refusal.HALT);
    assertThat(runner.history().getLast().event()).isEqualTo(ExperimentRun.Event.REFUSED);
    assertThat(runner.history().getLast().why()).startsWith("OR2004");
    now = now.plus(Duration.ofMinutes(1));
    runner.start(KEY, by("ann", ""));
  }

  @Test
  void anEndTakesEffectAlthoughTheLedgerCannotBeWritten() throws IOException {
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    ledger.close();
    assertThat(runner.haltAll(by("bob", "the disk is full"))).containsExactly(KEY);
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  @Timeout(20)
  void aHaltGoesOutAlthoughTheDiskHangsAndIsWrittenDownOnceItAnswers() throws Exception {
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    CountDownLatch answers = new CountDownLatch(1);
    AtomicBoolean told = new AtomicBoolean();
    disk.soon(() -> awaitUninterruptibly(answers), e -> {});
    runner.onChange(() -> told.set(faults("checkout-1") == 0));
    runner.tick();
    Thread asks = Thread.ofVirtual().start(() -> runner.haltAll(by("bob", "pager")));
    // Proxies are told before anybody waits for the disk.
    while (!told.get()) {
      Thread.onSpinWait();
    }
    // Whoever asked for it gets an answer too, and others are not held up.
    asks.join();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(Files.readString(folder.resolve("experiments.jsonl"))).doesNotContain("pager");
    runner.halt(KEY, by("bob", "again"));
    pass(Duration.ofSeconds(70));
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThatThrownBy(() -> runner.start(KEY, by("ann", ""))).hasMessageContaining("ledger");
    assertThat(faults("checkout-1")).isZero();
    answers.countDown();
    while (!disk.settle()) {
      Thread.onSpinWait();
    }
    ledger.close();
    begin();
    assertThat(runner.history())
        .extracting(ExperimentRun::why)
        .contains("pager", "again", "the last lease has passed");
    runner.onState(manual());
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
    runner.start(KEY, by("ann", ""));
  }

  private static void awaitUninterruptibly(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void aDiskThatIsFullKeepsNothingFromEnding() throws IOException {
    runner.onState(immediate());
    ledger.close();
    runner.onState(DesiredState.empty());
    assertThat(faults("checkout-1")).isZero();
    assertThat(runner.runs()).isEmpty();
  }

  @Test
  void whatIsSubmittedSurvivesARestartUntilItIsDeleted() throws IOException {
    DesiredState mesh = state(yaml().substring(0, yaml().lastIndexOf("---")));
    runner.onState(mesh);
    assertThat(runner.runs()).isEmpty();
    String document = yaml().substring(yaml().lastIndexOf("---") + 4);
    assertThat(runner.submit(document, by("ann", ""))).isEqualTo(KEY);
    ledger.close();
    begin();
    runner.onState(mesh);
    runner.start(KEY, by("ann", ""));
    assertThat(faults("checkout-1")).isPositive();
    assertThatThrownBy(() -> runner.submit(document.replace("5m", "6m"), by("ann", "")))
        .hasMessageContaining("stop it first");
    runner.delete(KEY, by("ann", "done"));
    assertThat(faults("checkout-1")).isZero();
    assertThat(runner.runs()).isEmpty();
    ledger.close();
    begin();
    runner.onState(mesh);
    assertThat(runner.runs()).isEmpty();
  }

  @Test
  void aDocumentThatIsWrongIsRefusedWithItsLine() {
    runner.onState(manual());
    assertThatThrownBy(
            () ->
                runner.submit("apiVersion: chaos.outrigger.dev/v1alpha1\nkind: Exp", by("ann", "")))
        .hasMessageContaining("line 2")
        .hasMessageContaining("OR1008");
    assertThatThrownBy(() -> runner.submit(yaml(), by("ann", "")))
        .hasMessageContaining("one Experiment");
    assertThatThrownBy(
            () ->
                runner.submit(
                    yaml().substring(yaml().lastIndexOf("---") + 4).replace("5m", "6m"),
                    by("ann", "")))
        .hasMessageContaining("folder");
  }

  @Test
  void aFreezeRefusesStartsAndHaltsOnlyIfAsked() {
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    runner.onState(state(yaml() + freeze("false")));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    runner.onState(state(yaml() + freeze("true")));
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(runner.runs().getFirst().why()).contains("black friday");
    assertThat(faults("checkout-1")).isZero();
    pass(Duration.ofMinutes(2));
    assertRefused(Refusal.FREEZE);
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
  }

  @Test
  void limitsOfTheMeshRefuseWithACodeOfTheirOwn() {
    assertRefusedUnder("{maxRequestShare: 19%}", Refusal.REQUESTS);
    assertRefusedUnder("{maxExperiments: 0}", Refusal.EXPERIMENTS);
    assertRefusedUnder("{maxExperimentsPerNamespace: 0}", Refusal.EXPERIMENTS);
    assertRefusedUnder("{maxWorkloadShare: 50%}", Refusal.WORKLOADS);
    assertRefusedUnder("{protectedServices: [catalog.shop]}", Refusal.PROTECTED);
    assertRefusedUnder("{protectedNamespaces: [shop]}", Refusal.PROTECTED);
    runner.onState(state(under("{maxRequestShare: 100%, maxWorkloadShare: 100%}")));
    runner.start(KEY, by("ann", ""));
  }

  /** The route of catalog sends to catalog-v2, and a connection does not tell what was called. */
  @Test
  void aFaultOnConnectionsToWhereAProtectedServiceIsSentIsRefused() {
    String limits = "{protectedServices: [catalog.shop]}";
    String elsewhere =
        under(limits)
            .replace("{services: [catalog.shop]}", "{services: [catalog-v2]}")
            .replace("{destination: {services: [catalog]}", "{destination: {services: [db]}");
    runner.onState(
        state(
            elsewhere.replace(
                "{destination: {services: [db]}}", "{destination: {services: [catalog-v2]}}")));
    assertRefused(Refusal.PROTECTED);
    // Attempts can be told apart.
    runner.onState(state(elsewhere));
    runner.start(KEY, by("ann", ""));
  }

  @Test
  void oneExperimentRunsOnAPathUnlessAllowed() {
    String second = yaml().substring(yaml().lastIndexOf("---")).replace("slow-catalog", "second");
    runner.onState(state(yaml() + second));
    runner.start(KEY, by("ann", ""));
    assertThatThrownBy(() -> runner.start("shop/second", by("ann", "")))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.SAME_PATH));
    runner.onState(state(under("{sharedPaths: true}") + second));
    runner.start("shop/second", by("ann", ""));
  }

  @Test
  void aFullLedgerBeginsAnewWithWhereEachStands() throws IOException {
    ledger.close();
    ledger = ExperimentLedger.open(folder.resolve("experiments.jsonl"), disk, 10);
    runner =
        new ExperimentRunner(
            () -> now,
            ledger,
            ExperimentDocuments.open(folder.resolve("experiments"), disk),
            ReportStore.open(folder.resolve("reports"), disk),
            new AskedProbes());
    runner.onState(manual());
    runner.start(KEY, by("ann", ""));
    for (int i = 0; i < 6; i++) {
      runner.pause(KEY, by("ann", ""));
      runner.resume(KEY, by("ann", ""));
    }
    assertThat(runner.history()).hasSizeLessThanOrEqualTo(10);
    assertThat(folder.resolve("experiments.jsonl.1")).exists();
    ledger.close();
    begin();
    runner.onState(manual());
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
  }

  @Test
  void textThatIsRemovedEndsItAndTheSameTextLaterIsNew() {
    runner.onState(immediate());
    runner.onState(DesiredState.empty());
    assertThat(runner.runs()).isEmpty();
    assertThat(faults("checkout-1")).isZero();
    assertThat(runner.history())
        .anyMatch(run -> run.phase() == ExperimentPhase.HALTED && run.why().contains("removed"));
    runner.onState(immediate());
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void lineThatWasCutOffIsDropped() throws IOException {
    runner.onState(immediate());
    ledger.close();
    Files.writeString(
        folder.resolve("experiments.jsonl"), "{\"at\":\"2026", StandardOpenOption.APPEND);
    begin();
    runner.onState(immediate());
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    pass(Duration.ofSeconds(10));
    runner.halt(KEY, by("ann", "enough"));
    ledger.close();
    begin();
    assertThat(runner.history().getLast().why()).isEqualTo("enough");
  }

  @Test
  void unknownNamesAreAnsweredWithTheKnownOnes() {
    runner.onState(manual());
    assertThatThrownBy(() -> runner.start("shop/slow", by("ann", "")))
        .hasMessage("there is no experiment shop/slow; there are [" + KEY + "]");
    assertThatThrownBy(() -> runner.start("default/slow-catalog", by("ann", "")))
        .hasMessage("there is no experiment default/slow-catalog; did you mean shop/slow-catalog?");
    assertThatThrownBy(() -> runner.stop(KEY, by("ann", ""))).hasMessageContaining("not running");
  }

  private void restart(Duration later) throws IOException {
    ledger.close();
    now = now.plus(later);
    begin();
    runner.tick();
    runner.onState(immediate());
  }

  private void pass(Duration time) {
    now = now.plus(time);
    runner.tick();
  }

  private ExperimentPhase phase() {
    return runner.runs().getFirst().phase();
  }

  private int faults(String workload) {
    return runner.faultsFor(node(workload, Implementation.OUTRIGGER)).size();
  }

  private boolean condition(String type) {
    return Conditions.of(runner.history(KEY)).stream()
        .filter(condition -> condition.type().equals(type))
        .findFirst()
        .orElseThrow()
        .status();
  }

  private void assertRefused(Refusal why) {
    assertThatThrownBy(() -> runner.start(KEY, by("ann", "")))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(why));
    assertThat(faults("checkout-1")).isZero();
  }

  private void assertRefusedUnder(String limits, Refusal why) {
    runner.onState(state(under(limits)));
    assertRefused(why);
  }

  static String under(String limits) {
    return yaml()
        .replace("  accessLog: stdout\n", "  accessLog: stdout\n  chaos: " + limits + "\n");
  }

  private static String freeze(String halt) {
    return """
    ---
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Freeze
    metadata: {name: sale}
    spec: {reason: black friday, owner: shop, halt: %s}
    """
        .formatted(halt);
  }

  private static Asker by(String who, String why) {
    return new Asker(who, why, "127.0.0.1");
  }

  static NodeDescription node(String workload, Implementation implementation) {
    return new NodeDescription("shop", workload, implementation, MeshTls.AVAILABLE);
  }

  static DesiredState manual() {
    return state(yaml());
  }

  private static DesiredState immediate() {
    return state(yaml().replace("start: manual", "start: immediate"));
  }

  static DesiredState state(String yaml) {
    return Analysis.ofText("shop.yaml", yaml).state();
  }

  static String yaml() {
    try (InputStream in =
        ExperimentRunnerTest.class.getResourceAsStream(
            "/dev/outrigger/controlplane/snapshot/shop.yaml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
