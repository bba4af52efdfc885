package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.cli.Edge.Phase;
import dev.outrigger.controlplane.source.Analysis;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DemoTest {
  private final Edge front = new Edge("client", "frontend");
  private final Edge back = new Edge("checkout", "catalog");

  @Test
  void theControlPlaneFindsNothingWrongWithTheMesh() {
    DemoPlan plan = plan();

    Analysis analysis = Analysis.ofText("demo.yaml", plan.mesh() + "---\n" + plan.experimentYaml());

    assertThat(analysis.problems()).isEmpty();
    assertThat(analysis.state().services()).hasSize(3);
    assertThat(analysis.state().workloads()).hasSize(5);
    assertThat(analysis.state().experiments()).hasSize(1);
    analysis
        .state()
        .services()
        .forEach(service -> assertThat(analysis.state().workloadsOf(service)).isNotEmpty());
  }

  @Test
  void thePhasesTakeAsLongAsTheWhole() {
    DemoPlan plan = plan();

    assertThat(plan.warm().plus(plan.experiment()).plus(plan.recovery()))
        .isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void anEffectAndACleanRecoveryPass() {
    answers(front, Phase.WARM, 100, 0, 0);
    answers(back, Phase.WARM, 100, 0, 0);
    answers(front, Phase.EXPERIMENT, 70, 0, 30);
    answers(back, Phase.EXPERIMENT, 72, 28, 0);
    answers(front, Phase.RECOVERY, 100, 0, 0);
    answers(back, Phase.RECOVERY, 100, 0, 0);

    assertThat(DemoVerdict.of(List.of(front, back), back, 30).failures()).isEmpty();
  }

  @Test
  void theShareMayBeOffByWhatChanceDoesToSoManyRequests() {
    for (Edge edge : List.of(front, back)) {
      answers(edge, Phase.WARM, 10, 0, 0);
      answers(edge, Phase.RECOVERY, 10, 0, 0);
    }
    answers(back, Phase.EXPERIMENT, 61 - 28, 28, 0);
    assertThat(DemoVerdict.of(List.of(front, back), back, 30).failures()).isEmpty();

    // The same 46% of ten times as many is no chance.
    answers(back, Phase.EXPERIMENT, 549 - 252, 252, 0);
    assertThat(DemoVerdict.of(List.of(front, back), back, 30).failures())
        .containsExactly(
            "experiment, checkout -> catalog: 280 of 610 requests were hit; expected about 30%,"
                + " here 138 to 228");
  }

  @Test
  void withoutEffectOrWithLeftoversItFails() {
    answers(front, Phase.WARM, 100, 0, 0);
    answers(back, Phase.WARM, 100, 0, 0);
    answers(back, Phase.EXPERIMENT, 100, 0, 1);
    answers(front, Phase.RECOVERY, 100, 0, 0);
    answers(back, Phase.RECOVERY, 99, 1, 0);

    assertThat(DemoVerdict.of(List.of(front, back), back, 30).failures())
        .containsExactly(
            "recovery, checkout -> catalog: 1 of 100 failed, 1 injected; expected none",
            "experiment, checkout -> catalog: 0 of 101 requests were hit; expected about 30%,"
                + " here 12 to 48",
            "experiment, checkout -> catalog: 1 requests failed that no fault touched");
  }

  @Test
  void aTimeThatIsNoTimeIsWrongUsage() {
    Captured said = Captured.run("demo", "--for", "soon");

    assertThat(said.exit()).isEqualTo(2);
    assertThat(said.err()).contains("--for soon: expected a time");
  }

  private static DemoPlan plan() {
    return DemoPlan.of(
        IntStream.range(20_000, 20_000 + DemoPlan.PORTS).boxed().toList(), Duration.ofSeconds(30));
  }

  private static void answers(Edge edge, Phase phase, int good, int injected, int bad) {
    IntStream.range(0, good).forEach(i -> edge.answered(phase, true, false, 1000));
    IntStream.range(0, injected).forEach(i -> edge.answered(phase, false, true, 1000));
    IntStream.range(0, bad).forEach(i -> edge.answered(phase, false, false, 1000));
  }
}
