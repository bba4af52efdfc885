package dev.outrigger.proxy.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.OutlierPolicy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class OutlierDetectorTest {
  private static final OutlierPolicy POLICY =
      new OutlierPolicy(3, Duration.ofSeconds(30), Duration.ofSeconds(100), 10);

  // Monotonic clocks may begin anywhere, also just before they overflow.
  private long now = Long.MAX_VALUE - Duration.ofSeconds(20).toNanos();

  @Test
  void failuresInARowEjectAndASuccessClearsTheCount() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(10));
    Endpoint endpoint = Endpoints.number(1);
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    detector.onSuccess(endpoint);
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    assertThat(detector.onFailure(endpoint, now)).isTrue();
    assertThat(detector.ejected(endpoint)).isTrue();
    assertThat(detector.ejected(Endpoints.number(2))).isFalse();
  }

  @Test
  void tenPercentOfFiveStillEjectsOneButNotTwo() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(5));
    assertThat(eject(detector, 1)).isTrue();
    assertThat(eject(detector, 2)).isFalse();
  }

  @Test
  void theLimitIsCheckedWithTheNextEjection() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(29));
    assertThat(eject(detector, 1)).isTrue();
    assertThat(eject(detector, 2)).isTrue();
    assertThat(eject(detector, 3)).isFalse();
  }

  @Test
  void anEjectionLastsLongerEachTimeUpToTheCap() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(10));
    for (int seconds : new int[] {30, 60, 90, 100, 100}) {
      assertThat(eject(detector, 1)).isTrue();
      pass(Duration.ofSeconds(seconds).minusNanos(1));
      assertThat(detector.readmit(now)).isFalse();
      pass(Duration.ofNanos(1));
      assertThat(detector.readmit(now)).isTrue();
      assertThat(detector.nextReturn()).isNull();
    }
  }

  @Test
  void healthyIntervalsAreForgiving() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(10));
    for (int seconds : new int[] {30, 60, 90}) {
      eject(detector, 1);
      pass(Duration.ofSeconds(seconds));
      detector.readmit(now);
    }
    pass(OutlierDetector.FORGIVENESS.multipliedBy(2));
    eject(detector, 1);
    pass(Duration.ofSeconds(60));
    assertThat(detector.readmit(now)).isTrue();
  }

  @Test
  void comingBackClearsTheFailures() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(10));
    Endpoint endpoint = Endpoints.number(1);
    eject(detector, 1);
    detector.onFailure(endpoint, now);
    detector.onFailure(endpoint, now);
    pass(Duration.ofSeconds(30));
    detector.readmit(now);
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    assertThat(detector.onFailure(endpoint, now)).isFalse();
    assertThat(detector.onFailure(endpoint, now)).isTrue();
  }

  @Test
  void whoLeavesTheSetIsForgotten() {
    OutlierDetector detector = new OutlierDetector(POLICY, Endpoints.numbers(5));
    eject(detector, 5);
    detector.onEndpoints(Endpoints.numbers(4));
    assertThat(detector.nextReturn()).isNull();
    detector.onEndpoints(Endpoints.numbers(5));
    assertThat(detector.ejected(Endpoints.number(5))).isFalse();
  }

  @Test
  void zeroErrorsIsOff() {
    OutlierDetector detector =
        new OutlierDetector(
            new OutlierPolicy(0, Duration.ofSeconds(1), Duration.ofSeconds(1), 100),
            Endpoints.numbers(2));
    assertThat(eject(detector, 1)).isFalse();
  }

  private boolean eject(OutlierDetector detector, int number) {
    detector.onFailure(Endpoints.number(number), now);
    detector.onFailure(Endpoints.number(number), now);
    return detector.onFailure(Endpoints.number(number), now);
  }

  private void pass(Duration duration) {
    now += duration.toNanos();
  }
}
