package dev.outrigger.proxy.balance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PriorityLoadsTest {
  @Test
  void seventyOnePercentHealthySendsOnePercentOn() {
    PriorityLoads loads = PriorityLoads.of(ints(71, 10), ints(100, 10), 50);
    assertThat(loads.percent()).containsExactly(99, 1);
    assertThat(loads.panic()).containsExactly(false, false);
  }

  @Test
  void seventyTwoPercentHealthyKeepsEverything() {
    assertThat(PriorityLoads.of(ints(72, 10), ints(100, 10), 50).percent()).containsExactly(100, 0);
  }

  @Test
  void whatIsMissingToAHundredIsScaledUp() {
    PriorityLoads loads = PriorityLoads.of(ints(25, 25, 20), ints(100, 100, 100), 0);
    assertThat(loads.percent()).containsExactly(36, 36, 28);
  }

  @Test
  void nobodyPanicsWhileTogetherTheyTakeAll() {
    PriorityLoads loads = PriorityLoads.of(ints(1, 100), ints(100, 100), 50);
    assertThat(loads.percent()).containsExactly(1, 99);
    assertThat(loads.panic()).containsExactly(false, false);
  }

  @Test
  void onlyThePriorityBelowTheThresholdPanics() {
    PriorityLoads loads = PriorityLoads.of(ints(10, 60), ints(100, 100), 50);
    assertThat(loads.panic()).containsExactly(true, false);
    assertThat(loads.percent()).containsExactly(14, 86);
  }

  @Test
  void inTotalPanicTheSharesGoBySize() {
    PriorityLoads loads = PriorityLoads.of(ints(0, 0), ints(30, 10), 50);
    assertThat(loads.percent()).containsExactly(75, 25);
    assertThat(loads.panic()).containsExactly(true, true);
  }

  @Test
  void thresholdZeroNeverPanics() {
    PriorityLoads loads = PriorityLoads.of(ints(0, 0), ints(30, 10), 0);
    assertThat(loads.percent()).containsExactly(0, 0);
    assertThat(loads.panic()).containsExactly(false, false);
  }

  @Test
  void anEmptyPriorityGetsNothing() {
    assertThat(PriorityLoads.of(ints(0, 3), ints(0, 3), 50).percent()).containsExactly(0, 100);
    assertThat(PriorityLoads.of(ints(), ints(), 50).percent()).isEmpty();
  }

  private static int[] ints(int... values) {
    return values;
  }
}
