package dev.outrigger.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RetryBudgetTest {

  private static int granted(int exchanges) {
    RetryBudget budget = new RetryBudget(20, 3);
    int count = 0;
    while (budget.begin(exchanges)) {
      count++;
    }
    return count;
  }

  @Test
  void aFifthOfTheExchangesMayBeRetries() {
    assertThat(granted(100)).isEqualTo(20);
  }

  @Test
  void threeMayAlways() {
    assertThat(granted(2)).isEqualTo(3);
    assertThat(granted(0)).isEqualTo(3);
  }

  @Test
  void whatEndedMakesRoom() {
    RetryBudget budget = new RetryBudget(20, 1);
    assertThat(budget.begin(1)).isTrue();
    assertThat(budget.begin(1)).isFalse();
    budget.end();
    assertThat(budget.begin(1)).isTrue();
  }
}
