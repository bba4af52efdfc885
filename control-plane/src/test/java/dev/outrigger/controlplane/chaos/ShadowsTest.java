package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.Sighting;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ShadowsTest {
  private static final String KEY = "shop/slow-catalog";
  private static final Duration LENGTH = Duration.ofSeconds(10);

  @TempDir private Path folder;
  private final StateDisk disk = new StateDisk();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private ExperimentLedger ledger;
  private ExperimentRunner runner;
  private Shadows shadows;

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
  }

  @AfterEach
  void end() throws IOException {
    ledger.close();
  }

  private Map<String, VersionedResource> faults(String workload) {
    return shadows.faultsFor(
        ExperimentRunnerTest.node(workload, NodeDescription.Implementation.OUTRIGGER));
  }

  private static Measurement counted(String workload, long seen, long matched, long hit) {
    return Measurement.newBuilder()
        .setNamespace("shop")
        .setWorkload(workload)
        .addSightings(
            Sighting.newBuilder()
                .setExperiment("slow-catalog")
                .setFault("slow")
                .setService("catalog.shop")
                .setSource("spiffe://shop.example/ns/shop/sa/checkout")
                .setRoute("items")
                .setSeen(seen)
                .setMatched(matched)
                .setHit(hit))
        .build();
  }

  @Test
  void proxiesLookOnWithTheDiceOfTheExperimentUntilTheTimeIsOver() throws Exception {
    assertThat(faults("checkout-1")).isEmpty();
    int[] told = {0};
    shadows.onChange(() -> told[0]++);
    shadows.begin(KEY, LENGTH);
    assertThat(told[0]).isOne();
    FaultRule rule =
        Objects.requireNonNull(faults("checkout-1").get("slow-catalog/slow"))
            .body()
            .unpack(FaultRule.class);
    assertThat(rule.getObserveOnly()).isTrue();
    assertThat(rule.getSeed()).isEqualTo(42);
    assertThat(rule.getNotAfter().getSeconds()).isEqualTo(now.plus(LENGTH).getEpochSecond());
    assertThat(runner.runs().getFirst().phase()).isNotEqualTo(ExperimentPhase.RUNNING);
    now = now.plus(LENGTH);
    shadows.tick();
    assertThat(told[0]).isEqualTo(2);
    assertThat(faults("checkout-1")).isEmpty();
  }

  @Test
  void countsAreAddedUpByWorkloadCallerAndRouteUntilTheLastOfThemIsIn() {
    shadows.begin(KEY, LENGTH);
    shadows.measured(counted("checkout-1", 10, 8, 2));
    shadows.measured(counted("checkout-1", 5, 5, 1));
    shadows.measured(counted("unheard-of", 100, 100, 100));
    ShadowReading so = Objects.requireNonNull(shadows.reading(KEY));
    assertThat(so.complete()).isFalse();
    assertThat(so.asked()).contains("shop/checkout-1");
    assertThat(so.heard()).containsExactly("shop/checkout-1");
    assertThat(so.rows())
        .containsExactly(
            new ShadowReading.Row(
                "slow",
                "shop/checkout-1",
                "spiffe://shop.example/ns/shop/sa/checkout",
                "catalog.shop",
                "items",
                15,
                13,
                3));
    now = now.plus(LENGTH).plusSeconds(1);
    shadows.measured(counted("checkout-1", 1, 1, 1));
    now = now.plusSeconds(1);
    shadows.measured(counted("checkout-1", 1, 1, 1));
    ShadowReading all = Objects.requireNonNull(shadows.reading(KEY));
    assertThat(all.complete()).isTrue();
    assertThat(all.rows().getFirst().seen()).isEqualTo(16);
  }

  @Test
  void countsHonourTheFirstAndNameTheBoundsThatTheyDoNot() throws IOException {
    String written =
        ExperimentRunnerTest.yaml()
            .replace("  maxActive: 100", "  maxActive: 100\n    first: 3")
            .replace(
                "  duration: 5m\n",
                """
                  steps:
                  - {name: begin, faults: [slow], for: 20s}
                  - parallel:
                    - {name: on, faults: [slow], for: 10s}
                    - {name: wire, faults: [slow, wire, down], for: 15s, after: 5s}
                """);
    runner.onState(Analysis.ofText("shop.yaml", written).state());
    shadows.begin(KEY, LENGTH);
    shadows.measured(counted("checkout-1", 10, 8, 2));
    shadows.measured(counted("checkout-1", 5, 5, 2));
    shadows.measured(counted("checkout-1", 5, 5, 2));
    ShadowReading so = Objects.requireNonNull(shadows.reading(KEY));
    assertThat(so.rows().getFirst().seen()).isEqualTo(20);
    assertThat(so.rows().getFirst().hit()).isEqualTo(3);
    assertThat(so.bounds())
        .extracting(bound -> bound.fault() + " " + bound.name() + " " + bound.applied())
        .containsExactly(
            "slow first true",
            "slow maxActive false",
            "slow steps false",
            "down steps false",
            "wire steps false");
    assertThat(so.bounds().get(2).text()).startsWith("it acts for 40 s of the 40 s");
    assertThat(so.bounds().get(4).text()).startsWith("it acts for 15 s of the 40 s");
  }

  @Test
  void whatAProxySaysIsNeverMoreThanCanBe() {
    shadows.begin(KEY, LENGTH);
    shadows.measured(counted("checkout-1", 3, 5, 9));
    ShadowReading.Row row = Objects.requireNonNull(shadows.reading(KEY)).rows().getFirst();
    assertThat(row.matched()).isEqualTo(3);
    assertThat(row.hit()).isEqualTo(3);
  }

  @Test
  void anotherAskingGoesOnWithTheSameLookAndOneThatRunsIsNotPreviewed() {
    ShadowReading first = shadows.begin(KEY, LENGTH);
    now = now.plusSeconds(3);
    assertThat(shadows.begin(KEY, LENGTH).ends()).isEqualTo(first.ends());
    runner.start(KEY, new Asker("ann", "", ""));
    assertThatThrownBy(() -> shadows.begin(KEY, LENGTH))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("is running");
    assertThatThrownBy(() -> shadows.begin("shop/none", LENGTH))
        .hasMessageContaining("there is no experiment");
  }
}
