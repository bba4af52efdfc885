package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two replicas that share what they know in memory. */
final class ReplicasTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Asker ANN = new Asker("ann", "enough", "127.0.0.1");

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private List<ExperimentRun> kept = List.of();
  private List<HaltOrder> orders = List.of();
  private @Nullable Replica leader;
  private boolean unreachable;
  private final List<Measurement> passedOn = new ArrayList<>();
  private Replica one;
  private Replica two;

  private final class Replica implements Replicas {
    final ExperimentRunner runner;

    Replica(String name) throws IOException {
      runner =
          new ExperimentRunner(
              () -> now,
              ExperimentLedger.open(folder.resolve(name + ".jsonl"), disk),
              ExperimentDocuments.open(folder.resolve(name + "-experiments"), disk),
              ReportStore.open(folder.resolve(name + "-reports"), disk),
              new AskedProbes());
      runner.follow(this);
      runner.onState(ExperimentRunnerTest.manual());
    }

    @Override
    public boolean leads() {
      return leader == this;
    }

    @Override
    public boolean isLed() {
      return leader != null;
    }

    @Override
    public String leader() {
      return leader == null ? "" : leader == one ? "one" : "two";
    }

    @Override
    public void keep(List<ExperimentRun> standing) {
      if (unreachable || !leads()) {
        throw new UncheckedIOException(new IOException("no"));
      }
      keepSoon(standing);
    }

    @Override
    public void keepSoon(List<ExperimentRun> standing) {
      if (!unreachable && leads()) {
        // Through text, as it goes.
        kept = standing.stream().map(run -> ExperimentRun.parse(run.toJson().toString())).toList();
      }
    }

    @Override
    public void order(HaltOrder order) throws IOException {
      if (unreachable) {
        throw new IOException("connection refused");
      }
      orders = List.of(HaltOrder.parse(order.id(), order.toJson()));
    }

    @Override
    public void measured(Measurement measurement) {
      passedOn.add(measurement);
    }

    void lead() {
      leader = this;
      runner.lead(kept, orders);
    }

    int faults() {
      return runner
          .faultsFor(ExperimentRunnerTest.node("checkout-1", Implementation.OUTRIGGER))
          .size();
    }

    ExperimentPhase phase() {
      return runner.runs().getFirst().phase();
    }
  }

  @BeforeEach
  void start() throws IOException {
    one = new Replica("one");
    two = new Replica("two");
    one.lead();
    tell();
  }

  /** What nobody waited for may still be written when a test is over, and its folder goes then. */
  @AfterEach
  void settle() {
    assertThat(disk.settle()).isTrue();
  }

  /** What the API server would. */
  private void tell() {
    for (Replica replica : List.of(one, two)) {
      if (replica.runner.onShared(kept, orders)) {
        orders = List.of();
      }
    }
  }

  @Test
  void proxiesOfAllReplicasGetTheSameFaultsWithTheSameVersionsAndTheSameEnd() {
    one.runner.start(KEY, ANN);
    assertThat(two.faults()).isZero();
    tell();
    assertThat(two.faults()).isPositive();
    for (String workload : List.of("checkout-1", "catalog-1")) {
      var node = ExperimentRunnerTest.node(workload, Implementation.OUTRIGGER);
      assertThat(two.runner.faultsFor(node)).isEqualTo(one.runner.faultsFor(node));
    }
    assertThat(two.phase()).isEqualTo(ExperimentPhase.RUNNING);
    // A follower needs nobody to end it in time.
    now = now.plus(Duration.ofMinutes(5));
    two.runner.tick();
    assertThat(two.faults()).isZero();
  }

  @Test
  void whoeverLeadsNextHaltsWhatRanAndDoesNotBeginItAgain() {
    one.runner.start(KEY, ANN);
    tell();
    two.lead();
    one.runner.resign();
    tell();
    assertThat(two.runner.runs().getFirst().why()).contains("leader changed");
    assertThat(two.phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(one.phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(one.faults()).isZero();
    assertThat(two.faults()).isZero();
    now = now.plusSeconds(10);
    two.runner.tick();
    assertThat(two.phase()).isEqualTo(ExperimentPhase.RECOVERED);
  }

  @Test
  void oneThatWasDeposedAndDoesNotKnowItChangesNothing() {
    one.runner.start(KEY, ANN);
    tell();
    List<ExperimentRun> before = kept;
    leader = null;
    now = now.plus(Duration.ofMinutes(6));
    one.runner.tick();
    assertThat(one.phase())
        .as("its end is not its own to write")
        .isEqualTo(ExperimentPhase.RUNNING);
    assertThat(one.faults()).as("nobody watches them").isZero();
    assertThat(kept).isEqualTo(before);
    assertRefused(() -> one.runner.start(KEY, ANN), "no replica of the control plane leads");
  }

  @Test
  void faultsEndWhereNobodyLeadsAndDoNotComeBackByThemselves() {
    one.runner.start(KEY, ANN);
    tell();
    leader = null;
    two.runner.tick();
    assertThat(two.faults()).isZero();
    two.lead();
    assertThat(two.faults()).isZero();
  }

  @Test
  void aHaltAtAFollowerTakesEffectThereAtOnceAndEverywhereWhenItIsTold() {
    one.runner.start(KEY, ANN);
    tell();
    assertThat(two.runner.haltAll(ANN)).containsExactly(KEY);
    assertThat(two.faults()).isZero();
    assertThat(one.faults()).isPositive();
    tell();
    assertThat(one.faults()).isZero();
    assertThat(one.phase()).isEqualTo(ExperimentPhase.HALTED);
    assertThat(one.runner.runs().getFirst().who()).isEqualTo("ann");
    now = now.plusSeconds(10);
    one.runner.tick();
    assertThatThrownBy(() -> one.runner.start(KEY, ANN)).hasMessageContaining("halted at");
  }

  @Test
  void aHaltReachesFollowersWhileTheLeaderIsFrozen() throws IOException {
    Replica three = new Replica("three");
    one.runner.start(KEY, ANN);
    for (Replica follower : List.of(two, three)) {
      follower.runner.onShared(kept, orders);
    }
    two.runner.halt(KEY, ANN);
    three.runner.onShared(kept, orders);
    assertThat(three.faults()).isZero();
    // What is in the shared state already does not bring them back.
    two.runner.onShared(kept, List.of());
    assertThat(two.faults()).isZero();
  }

  @Test
  void aHaltThatCannotBeToldTakesEffectHereAndSaysSo() {
    one.runner.start(KEY, ANN);
    tell();
    unreachable = true;
    assertRefused(() -> two.runner.haltAll(ANN), "halted for the proxies of this replica");
    assertThat(two.faults()).isZero();
  }

  @Test
  void whatCannotBeKeptDoesNotStart() {
    unreachable = true;
    assertThatThrownBy(() -> one.runner.start(KEY, ANN)).isInstanceOf(UncheckedIOException.class);
    assertThat(one.faults()).isZero();
    assertThat(one.phase()).isEqualTo(ExperimentPhase.PENDING);
  }

  @Test
  void aFollowerRefusesWithTheLeadersName() {
    assertRefused(() -> two.runner.start(KEY, ANN), "ask one");
    assertRefused(() -> two.runner.lift(ANN), "ask one");
    assertThat(two.runner.preview(KEY, ANN).faults()).isNotEmpty();
  }

  @Test
  void measurementsGoToTheLeaderOnceTheirSenderIsChecked() {
    Measurement measurement =
        Measurement.newBuilder().setNamespace("shop").setWorkload("checkout-1").build();
    SpiffeId own = SpiffeId.parse("spiffe://shop.example/ns/shop/sa/checkout");
    SpiffeId other = SpiffeId.parse("spiffe://shop.example/ns/shop/sa/catalog");
    assertThat(two.runner.measured(measurement, other)).isFalse();
    assertThat(passedOn).isEmpty();
    assertThat(two.runner.measured(measurement, own)).isTrue();
    assertThat(passedOn).containsExactly(measurement);
    assertThat(one.runner.measured(measurement, SpiffeId.ofControlPlane("shop.example"))).isTrue();
    assertThat(passedOn).hasSize(1);
  }

  private static void assertRefused(Runnable asked, String words) {
    assertThatThrownBy(asked::run)
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.FOLLOWS))
        .hasMessageContaining(words);
  }
}
