package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.controlplane.ads.VersionedResource;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of {@code slow-catalog}, which lasts five minutes under a lease of ten seconds. */
final class ExperimentRunnerTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path folder;
  private Instant now = START;
  private ExperimentLedger ledger;
  private ExperimentRunner runner;

  @BeforeEach
  void begin() throws IOException {
    ledger = ExperimentLedger.open(folder.resolve("experiments.jsonl"));
    runner = new ExperimentRunner(() -> now, ledger);
  }

  @AfterEach
  void end() throws IOException {
    ledger.close();
  }

  @Test
  void experimentGoesThroughItsPhasesAndTheLedgerSaysWhoWhenAndWhy() {
    runner.onState(manual());
    assertThat(phase()).isEqualTo(ExperimentPhase.PENDING);
    assertThat(runner.preview(KEY, "ann").faults().getFirst().workloads())
        .containsExactly("shop/checkout-1");
    assertThat(phase()).isEqualTo(ExperimentPhase.PREVIEWED);
    runner.start(KEY, "ann", "game day");
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
    runner.start(KEY, "ann", "");
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
    runner.start(KEY, "ann", "");
    int[] told = {0};
    runner.onChange(() -> told[0]++);
    assertThat(runner.haltAll("bob", "pager")).containsExactly(KEY);
    assertThat(told[0]).isEqualTo(1);
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThatThrownBy(() -> runner.start(KEY, "ann", "")).hasMessageContaining("leases");
    pass(Duration.ofSeconds(10));
    runner.start(KEY, "ann", "again");
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
  }

  @Test
  void restartGoesOnWithWhatIsLeftAndNotBeyond() throws IOException {
    runner.onState(immediate());
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    restart(Duration.ofMinutes(4));
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertThat(faults("checkout-1")).isPositive();
    pass(Duration.ofMinutes(1));
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    // It said "immediate" once; what has ended is not begun again by another restart.
    restart(Duration.ofMinutes(1));
    assertThat(faults("checkout-1")).isZero();
    assertThat(phase()).isEqualTo(ExperimentPhase.RECOVERED);
  }

  @Test
  void restartAfterTheEndInjectsNothing() throws IOException {
    runner.onState(immediate());
    restart(Duration.ofMinutes(6));
    assertThat(phase()).isEqualTo(ExperimentPhase.COMPLETED);
    assertThat(faults("checkout-1")).isZero();
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
    assertThat(phase()).isEqualTo(ExperimentPhase.RUNNING);
    runner.stop(KEY, "ann", "enough");
    ledger.close();
    begin();
    assertThat(runner.history().getLast().why()).isEqualTo("enough");
  }

  @Test
  void unknownNamesAreAnsweredWithTheKnownOnes() {
    runner.onState(manual());
    assertThatThrownBy(() -> runner.start("shop/slow", "ann", "")).hasMessageContaining(KEY);
    assertThatThrownBy(() -> runner.stop(KEY, "ann", "")).hasMessageContaining("not running");
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

  private static NodeDescription node(String workload, Implementation implementation) {
    return new NodeDescription("shop", workload, implementation, MeshTls.AVAILABLE);
  }

  private static DesiredState manual() {
    return state(yaml());
  }

  private static DesiredState immediate() {
    return state(yaml().replace("start: manual", "start: immediate"));
  }

  private static DesiredState state(String yaml) {
    return Analysis.ofText("shop.yaml", yaml).state();
  }

  private static String yaml() {
    try (InputStream in =
        ExperimentRunnerTest.class.getResourceAsStream(
            "/dev/outrigger/controlplane/snapshot/shop.yaml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
