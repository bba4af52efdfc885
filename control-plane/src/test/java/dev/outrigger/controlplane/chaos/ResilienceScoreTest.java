package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.outrigger.api.chaos.v1.Traffic;
import dev.outrigger.controlplane.chaos.GuardWatch.State;
import dev.outrigger.controlplane.chaos.ResilienceScore.Part;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ResilienceScoreTest {
  private static dev.outrigger.controlplane.chaos.Traffic traffic(
      long requests, long errors, int bucket) {
    dev.outrigger.controlplane.chaos.Traffic made = new dev.outrigger.controlplane.chaos.Traffic();
    made.add(
        Traffic.newBuilder()
            .setRequests(requests)
            .setErrors(errors)
            .addBuckets(bucket)
            .addCounts(requests)
            .build());
    return made;
  }

  private static Part part(int weight, double share) {
    return new Part("p", weight, share, "");
  }

  @Test
  void isTheWeightedMeanOfWhatCouldBeMeasured() {
    assertThat(ResilienceScore.of(List.of(part(60, 1), part(30, 1), part(10, 1))).value())
        .hasValue(100);
    assertThat(ResilienceScore.of(List.of(part(60, 0.5), part(30, 0), part(10, 0.5))).value())
        .hasValue(35);
    assertThat(ResilienceScore.of(List.of(part(30, 0.9), part(10, 0.1))).value()).hasValue(70);
    assertThat(ResilienceScore.of(List.of()).value()).isEmpty();
  }

  @Test
  void guardsThatAbstainedNeitherHelpNorHarm() {
    List<Part> parts = new ArrayList<>();
    ResilienceScore.guards(List.of(State.HELD, State.BREACHED, State.ABSTAINED), parts);
    assertThat(parts.getFirst().share()).isEqualTo(0.5);
    List<Part> none = new ArrayList<>();
    ResilienceScore.guards(List.of(State.ABSTAINED), none);
    assertThat(none).isEmpty();
  }

  @Test
  void tenPointsOfLostSuccessAreAllOfItAndMoreSuccessIsNoBonus() {
    assertThat(ResilienceScore.success(30, "", traffic(100, 0, 0), traffic(100, 4, 0)).share())
        .isCloseTo(0.6, within(1e-9));
    assertThat(ResilienceScore.success(30, "", traffic(100, 0, 0), traffic(100, 60, 0)).share())
        .isZero();
    assertThat(ResilienceScore.success(30, "", traffic(100, 9, 0), traffic(100, 0, 0)).share())
        .isEqualTo(1);
  }

  @Test
  void twiceTheLatencyIsHalfTheSpeed() {
    // 16 buckets are one power of two.
    Part half = ResilienceScore.speed(10, "", traffic(100, 0, 100), traffic(100, 0, 116));
    assertThat(half.share()).isCloseTo(0.5, within(1e-9));
    assertThat(ResilienceScore.speed(10, "", traffic(100, 0, 116), traffic(100, 0, 100)).share())
        .isEqualTo(1);
  }
}
