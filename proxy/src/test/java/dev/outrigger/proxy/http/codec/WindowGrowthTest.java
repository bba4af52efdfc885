package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class WindowGrowthTest {
  private final WindowGrowth growth = new WindowGrowth();

  private static long millis(long count) {
    return Duration.ofMillis(count).toNanos();
  }

  private void far(long millis) {
    assertThat(growth.asks(0)).isTrue();
    growth.answered(millis(millis));
  }

  @Test
  void itDoublesUpToTheMostWhileHalvesGoInLessThanARoundTrip() {
    far(100);
    assertThat(growth.more(100, 350, 50, millis(99))).isEqualTo(100);
    assertThat(growth.more(200, 350, 100, millis(99))).isEqualTo(150);
    assertThat(growth.more(350, 350, 175, millis(99))).isZero();
    assertThat(growth.more(1000, 350, 500, millis(99))).isZero();
    assertThat(growth.more(100, 350, 50, millis(100))).isZero();
  }

  @Test
  void itGrowsWhereAWholeWindowIsReadAtOnceInEveryRoundTrip() {
    far(100);
    assertThat(growth.more(100, 350, 100, millis(103))).isEqualTo(100);
    assertThat(growth.more(100, 350, 75, millis(103))).isEqualTo(100);
    assertThat(growth.more(100, 350, 75, millis(150))).isZero();
    assertThat(growth.more(100, 350, 100, millis(200))).isZero();
    assertThat(growth.more(8 << 20, 16 << 20, 8 << 20, Long.MAX_VALUE)).isZero();
  }

  @Test
  void nothingGrowsBeforeTheWayIsKnownOrWhereItIsShort() {
    assertThat(growth.more(100, 350, 50, 0)).isZero();
    far(4);
    assertThat(growth.more(100, 350, 50, 0)).isZero();
  }

  @Test
  void itAsksOncePerSecondAndNeverTwoAtATime() {
    assertThat(growth.asks(0)).isTrue();
    assertThat(growth.asks(millis(10_000))).isFalse();
    growth.answered(millis(10_000));
    assertThat(growth.asks(millis(10_999))).isFalse();
    assertThat(growth.asks(millis(11_000))).isTrue();
  }
}
