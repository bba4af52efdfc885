package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.source.ClusterObjects;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two replicas over a cluster in memory, which keeps what is submitted to either. */
final class SharedExperimentsTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Asker ANN = new Asker("ann", "game day", "127.0.0.1");
  private static final Asker BOB = new Asker("bob", "", "127.0.0.1");

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private List<ExperimentRun> kept = List.of();
  private @Nullable Replica leader;

  /** What the API server has, by name. */
  private final Map<String, Kept> objects = new TreeMap<>();

  private boolean reachable = true;
  private Replica one;
  private Replica two;

  private record Kept(Experiment experiment, @Nullable String submitter) {}

  private final class Replica implements Replicas, SharedExperiments {
    final ExperimentRunner runner;
    final ExperimentLedger ledger;

    /** What informers have shown it. */
    private Map<String, Kept> seen = Map.of();

    Replica(String name) throws IOException {
      ledger = ExperimentLedger.open(folder.resolve(name + ".jsonl"), disk);
      runner =
          new ExperimentRunner(
              () -> now,
              ledger,
              ExperimentDocuments.open(folder.resolve(name + "-experiments"), disk),
              ReportStore.open(folder.resolve(name + "-reports"), disk),
              new AskedProbes());
      runner.follow(this);
      runner.keepIn(this);
      look();
    }

    /** The informer shows all. */
    void look() {
      seen = Map.copyOf(objects);
      List<MeshObject> all = new ArrayList<>(mesh().objects());
      seen.values().forEach(each -> all.add(each.experiment()));
      runner.onState(DesiredState.of(all));
      var _ = runner.onShared(kept, List.of());
    }

    @Override
    public @Nullable String submitter(String key) {
      @Nullable Kept there = seen.get(key);
      return there == null ? null : there.submitter();
    }

    @Override
    public void put(Experiment experiment, String text, String who) {
      answer();
      assertThat(Thread.holdsLock(runner)).as("a halt must not wait for this").isFalse();
      String key = ExperimentTexts.keyOf(experiment);
      @Nullable Kept before = objects.get(key);
      Instant created = before == null ? now : before.experiment().meta().created();
      objects.put(key, new Kept(dated(experiment, created), who));
      look();
    }

    @Override
    public void remove(String key) {
      answer();
      assertThat(Thread.holdsLock(runner)).isFalse();
      objects.remove(key);
      look();
    }

    @Override
    public void refresh(String key) {
      look();
    }

    private void answer() {
      if (!reachable) {
        throw new RefusedException(Refusal.STORE, "the API server does not answer");
      }
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
      keepSoon(standing);
    }

    @Override
    public void keepSoon(List<ExperimentRun> standing) {
      if (leads()) {
        kept = List.copyOf(standing);
      }
    }

    @Override
    public void order(HaltOrder order) {}

    @Override
    public void measured(Measurement measurement) {}

    void lead() {
      leader = this;
      runner.lead(kept, List.of());
    }

    int faults() {
      return runner
          .faultsFor(ExperimentRunnerTest.node("checkout-1", Implementation.OUTRIGGER))
          .size();
    }

    ExperimentRun run() {
      return runner.runs().stream()
          .filter(each -> each.experiment().equals(KEY))
          .findFirst()
          .orElseThrow();
    }
  }

  /** As a cluster gives it. */
  private static Experiment dated(Experiment one, @Nullable Instant created) {
    ObjectMeta meta = one.meta();
    Map<String, String> annotations = new TreeMap<>(meta.annotations());
    annotations.remove(ClusterObjects.SUBMITTED_BY);
    return new Experiment(
        new ObjectMeta(meta.name(), meta.namespace(), meta.labels(), annotations, created),
        one.hypothesis(),
        one.owner(),
        one.faults(),
        one.duration(),
        one.lease(),
        one.seed(),
        one.start(),
        one.watch(),
        one.course());
  }

  /** All but the experiment. */
  private static DesiredState mesh() {
    return DesiredState.of(
        ExperimentRunnerTest.manual().objects().stream()
            .filter(object -> !(object instanceof Experiment))
            .toList());
  }

  private static String document() {
    String yaml = ExperimentRunnerTest.yaml();
    return yaml.substring(yaml.lastIndexOf("---") + 4);
  }

  @BeforeEach
  void start() throws IOException {
    one = new Replica("one");
    two = new Replica("two");
    one.lead();
    two.look();
  }

  /** What is still to be written must not meet the folder's end. */
  @AfterEach
  void end() {
    assertThat(disk.settle()).isTrue();
  }

  @Test
  void whatIsSubmittedIsThereForWhoeverLeadsNextAndEndsAsItsOwnTextSays() throws IOException {
    assertThat(one.runner.submit(document(), ANN)).isEqualTo(KEY);
    assertThat(one.run())
        .matches(run -> run.phase() == ExperimentPhase.PENDING)
        .matches(run -> run.who().equals("ann") && run.why().equals("game day"));
    assertThat(objects.get(KEY).submitter()).isEqualTo("ann");
    two.look();
    one.ledger.close();
    two.lead();
    one.runner.resign();
    assertThat(two.run().phase()).isEqualTo(ExperimentPhase.PENDING);
    two.runner.start(KEY, ANN);
    assertThat(two.faults()).isPositive();
    now = now.plusSeconds(300);
    two.runner.tick();
    assertThat(two.run().phase()).isEqualTo(ExperimentPhase.COMPLETED);
    now = now.plusSeconds(10);
    two.runner.tick();
    assertThat(two.run().phase()).isEqualTo(ExperimentPhase.RECOVERED);
    assertThat(two.runner.experiment(KEY)).as("it stays until somebody deletes it").isNotNull();
    two.runner.delete(KEY, ANN);
    assertThat(two.runner.runs()).isEmpty();
    assertThat(objects).isEmpty();
  }

  @Test
  void theSameWordsAgainDisturbNoRunAndOthersAreRefusedUntilItIsStopped() throws IOException {
    one.runner.submit(document(), ANN);
    one.runner.start(KEY, ANN);
    now = now.plusSeconds(1);
    one.runner.submit(document(), BOB);
    one.runner.submit(
        document()
            .replace(
                "namespace: shop",
                "namespace: shop, annotations: {chaos.outrigger.dev/submitted-by: ann}"),
        ANN);
    assertThat(one.run().phase()).isEqualTo(ExperimentPhase.RUNNING);
    assertRefused(
        () -> one.runner.submit(document().replace("5m", "6m"), ANN), Refusal.PHASE, "stop it");
    one.runner.stop(KEY, ANN);
    one.runner.submit(document().replace("5m", "6m"), ANN);
    assertThat(objects.get(KEY).experiment().duration()).hasMinutes(6);
  }

  @Test
  void oneThatRunsIsHaltedWhenItIsDeleted() throws IOException {
    one.runner.submit(document(), ANN);
    one.runner.start(KEY, ANN);
    reachable = false;
    assertRefused(() -> one.runner.delete(KEY, ANN), Refusal.STORE, "does not answer");
    assertThat(one.faults()).isZero();
    assertThat(one.run()).matches(run -> run.phase() == ExperimentPhase.HALTED);
    reachable = true;
    one.runner.delete(KEY, ANN);
    assertThat(one.runner.runs()).isEmpty();
  }

  @Test
  void whatTheClusterDoesNotTakeIsNowhere() {
    reachable = false;
    assertRefused(() -> one.runner.submit(document(), ANN), Refusal.STORE, "does not answer");
    assertThat(one.runner.runs()).isEmpty();
    assertThat(objects).isEmpty();
    one.look();
    assertThat(one.runner.runs()).isEmpty();
  }

  @Test
  void whatSomebodyElseWroteIsRefusedUnlessItSaysTheSame() throws IOException {
    Experiment theirs = ExperimentRunnerTest.manual().experiments().getFirst();
    objects.put(KEY, new Kept(dated(theirs, now), null));
    one.look();
    assertThat(one.runner.submit(document(), ANN)).isEqualTo(KEY);
    assertThat(objects.get(KEY).submitter()).as("there is nothing to take").isNull();
    assertRefused(
        () -> one.runner.submit(document().replace("5m", "6m"), ANN),
        Refusal.ELSEWHERE,
        "kubectl apply");
    assertRefused(
        () -> one.runner.validate(document().replace("5m", "6m")), Refusal.ELSEWHERE, "object");
    assertRefused(
        () -> one.runner.delete(KEY, ANN),
        Refusal.ELSEWHERE,
        "kubectl -n shop delete experiment slow-catalog");
    assertThat(one.runner.runs()).hasSize(1);
  }

  @Test
  void whatTheLeaderAnsweredIsSeenAtTheReplicaThatWasAsked() throws IOException {
    one.runner.submit(document(), ANN);
    assertThat(two.runner.experiment(KEY)).isNull();
    two.runner.heard(KEY, one.run());
    assertThat(two.runner.experiment(KEY)).isNotNull();
    List<ExperimentRun> before = kept;
    one.runner.start(KEY, ANN);
    two.runner.heard(KEY, one.run());
    List<ExperimentRun> after = kept;
    kept = before;
    two.look();
    assertThat(two.run().phase())
        .as("what is shared is behind what was told")
        .isEqualTo(ExperimentPhase.RUNNING);
    assertThat(two.faults()).isPositive();
    kept = after;
    two.look();
    one.runner.stop(KEY, ANN);
    two.look();
    assertThat(two.run().phase()).isEqualTo(ExperimentPhase.HALTED);
    one.runner.delete(KEY, ANN);
    two.runner.heard(KEY, null);
    assertThat(two.runner.experiment(KEY)).isNull();
  }

  @Test
  void whatWasToldIsNotBelievedForLong() throws IOException {
    one.runner.submit(document(), ANN);
    two.look();
    List<ExperimentRun> before = kept;
    one.runner.start(KEY, ANN);
    two.runner.heard(KEY, one.run());
    kept = before;
    now = now.plusSeconds(11);
    two.look();
    assertThat(two.run().phase()).isEqualTo(ExperimentPhase.PENDING);
  }

  @Test
  void aScheduleBeginsInTheNameOfWhoeverSubmittedItWhicheverReplicaLeads() throws IOException {
    String scheduled = document() + "\n  schedule: {cron: '* * * * *'}\n";
    one.runner.submit(scheduled, ANN);
    assertThat(one.run().schedule().by()).isEqualTo("ann");
    // The leader ends before it could tell where experiments stand.
    kept = List.of();
    two.lead();
    two.look();
    assertThat(two.run().schedule().by()).isEqualTo("ann");
  }

  private interface Asks {
    void ask() throws IOException;
  }

  private static void assertRefused(Asks asked, Refusal refusal, String words) {
    assertThatThrownBy(asked::ask)
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(refusal))
        .hasMessageContaining(words);
  }
}
