package dev.outrigger.proxy.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class HealthLedgerTest {
  private static final ProbeResult PASSED = new ProbeResult.Passed();
  private static final ProbeResult UNANSWERED = new ProbeResult.Unanswered("refused");
  private static final ProbeResult WRONG = new ProbeResult.Wrong("status 500");

  private final HealthLedger ledger =
      new HealthLedger(new Schedule(Duration.ofSeconds(1), 0, Duration.ofSeconds(1), 3, 2));

  @Test
  void isNotHealthyBeforeTheFirstProbe() {
    assertThat(ledger.healthy()).isFalse();
  }

  @Test
  void theFirstPassMarksItUpAtOnce() {
    assertThat(ledger.onProbe(PASSED)).isTrue();
    assertThat(ledger.healthy()).isTrue();
  }

  @Test
  void afterAFirstFailureTheThresholdHolds() {
    assertThat(ledger.onProbe(UNANSWERED)).isFalse();
    assertThat(ledger.onProbe(PASSED)).isFalse();
    assertThat(ledger.onProbe(PASSED)).isTrue();
  }

  @Test
  void unansweredProbesCountToTheThreshold() {
    ledger.onProbe(PASSED);
    assertThat(ledger.onProbe(UNANSWERED)).isFalse();
    assertThat(ledger.onProbe(UNANSWERED)).isFalse();
    assertThat(ledger.onProbe(PASSED)).isFalse();
    assertThat(ledger.onProbe(UNANSWERED)).isFalse();
    assertThat(ledger.onProbe(UNANSWERED)).isFalse();
    assertThat(ledger.onProbe(UNANSWERED)).isTrue();
    assertThat(ledger.healthy()).isFalse();
  }

  @Test
  void aWrongAnswerMarksItDownAtOnce() {
    ledger.onProbe(PASSED);
    assertThat(ledger.onProbe(WRONG)).isTrue();
    assertThat(ledger.healthy()).isFalse();
  }

  @Test
  void aFailureInBetweenBeginsTheCountOfPassesAnew() {
    ledger.onProbe(WRONG);
    ledger.onProbe(PASSED);
    ledger.onProbe(UNANSWERED);
    assertThat(ledger.onProbe(PASSED)).isFalse();
    assertThat(ledger.onProbe(PASSED)).isTrue();
  }
}
