package dev.outrigger.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class FirstHitsTest {
  private final FirstHits firsts = new FirstHits();
  private final ActiveFaults one = new ActiveFaults(0, 2, firsts);
  private final ActiveFaults other = new ActiveFaults(1, 2, firsts);

  private static FaultRule rule(Place place, int first, int firstAttempts) {
    return new FaultRule(
        "e",
        "f",
        place,
        FaultMatch.ALL,
        Percentage.ALWAYS,
        0,
        first,
        firstAttempts,
        1,
        Instant.MAX,
        new Fault.Abort(503, OptionalInt.empty()));
  }

  @Test
  void theFirstAreTheFirstOfAllWorkers() {
    FaultRule rule = rule(Place.REQUEST, 3, 0);
    assertThat(
            List.of(
                one.enter(rule),
                other.enter(rule),
                one.enter(rule),
                one.enter(rule),
                other.enter(rule)))
        .containsExactly(true, true, true, false, false);
  }

  @Test
  void aFaultThatComesAgainCountsAnewAndAHeartbeatDoesNot() {
    FaultRule rule = rule(Place.REQUEST, 1, 0);
    assertThat(one.enter(rule)).isTrue();
    firsts.keep(FaultPlan.of(List.of(rule)));
    assertThat(one.enter(rule)).isFalse();
    firsts.keep(FaultPlan.NONE);
    assertThat(one.enter(rule)).isTrue();
  }

  @Test
  void firstAttemptsOfEachExchangeAreHitAndLaterOnesPass() {
    FaultDecider decider = new FaultDecider(rule(Place.ATTEMPT, 0, 2));
    for (String id : List.of("a", "b")) {
      assertThat(decider.decide(id, 1)).isInstanceOf(FaultDecision.Hit.class);
      assertThat(decider.decide(id, 2)).isInstanceOf(FaultDecision.Hit.class);
      assertThat(decider.decide(id, 3)).isEqualTo(FaultDecision.SPARED);
    }
  }
}
