package dev.outrigger.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class SpreadTest {
  private static final int MANY = 100_000;

  /** Milliseconds, sorted. */
  private static double[] drawn(Spread spread) {
    SplittableRandom random = new SplittableRandom(1);
    double[] values = new double[MANY];
    for (int i = 0; i < MANY; i++) {
      values[i] = spread.nanos(random.nextLong()) / 1e6;
      assertThat(values[i]).isBetween(0.0, 3_600_000.0);
    }
    Arrays.sort(values);
    return values;
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double deviation(double[] values) {
    double mean = mean(values);
    return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / MANY);
  }

  private static double quantile(double[] values, double share) {
    return values[(int) (share * (MANY - 1))];
  }

  @Test
  void uniformFillsItsRangeEvenly() {
    double[] values = drawn(new Spread.Uniform(Duration.ofMillis(100), Duration.ofMillis(40)));
    assertThat(values[0]).isBetween(60.0, 60.1);
    assertThat(values[MANY - 1]).isBetween(139.9, 140.0);
    assertThat(quantile(values, 0.25)).isCloseTo(80, within(1.0));
    assertThat(mean(values)).isCloseTo(100, within(0.5));
  }

  @Test
  void normalHasItsMeanItsDeviationAndItsTails() {
    double[] values = drawn(new Spread.Normal(Duration.ofMillis(100), Duration.ofMillis(20)));
    assertThat(mean(values)).isCloseTo(100, within(0.5));
    assertThat(deviation(values)).isCloseTo(20, within(0.5));
    assertThat(quantile(values, 0.8413)).isCloseTo(120, within(1.0));
    assertThat(quantile(values, 0.0228)).isCloseTo(60, within(1.5));
  }

  @Test
  void paretoHasItsMeanAndAHeavyTail() {
    double[] values = drawn(new Spread.Pareto(Duration.ofMillis(100), Duration.ofMillis(20)));
    assertThat(mean(values)).isCloseTo(100, within(1.0));
    assertThat(deviation(values)).isCloseTo(20, within(5.0));
    assertThat(values[0]).isCloseTo(88.45, within(0.1));
    assertThat(quantile(values, 0.5)).isCloseTo(94.5, within(0.5));
    assertThat(quantile(values, 0.999)).isCloseTo(296, within(20.0));
  }

  @Test
  void tableGivesBackTheQuantilesItWasMadeOf() {
    double[] values =
        drawn(
            new Spread.Table(
                List.of(
                    new Spread.Point(500_000, Duration.ofMillis(20)),
                    new Spread.Point(900_000, Duration.ofMillis(80)),
                    new Spread.Point(999_000, Duration.ofSeconds(1)))));
    assertThat(values[0]).isEqualTo(20);
    assertThat(quantile(values, 0.5)).isCloseTo(20, within(0.5));
    assertThat(quantile(values, 0.7)).isCloseTo(50, within(1.0));
    assertThat(quantile(values, 0.9)).isCloseTo(80, within(10.0));
    assertThat(values[MANY - 1]).isEqualTo(1_000);
  }

  @Test
  void tablesThatFallAreRefused() {
    assertThatThrownBy(
            () ->
                new Spread.Table(
                    List.of(
                        new Spread.Point(500_000, Duration.ofMillis(20)),
                        new Spread.Point(999_000, Duration.ofMillis(10)))))
        .hasMessageContaining("p50=20ms comes before p99.9=10ms");
  }

  @Test
  void theSameDrawGivesTheSame() {
    Spread spread = new Spread.Normal(Duration.ofMillis(100), Duration.ofMillis(20));
    assertThat(spread.nanos(12345)).isEqualTo(spread.nanos(12345));
  }

  private static Spread.Bucket bucket(long millis, long count) {
    return new Spread.Bucket(Duration.ofMillis(millis), count);
  }

  @Test
  void aRecordedHistogramIsReplayed() {
    double[] values =
        drawn(
            Spread.Table.recorded(
                List.of(
                    bucket(5, 0),
                    bucket(10, 500),
                    bucket(50, 500),
                    bucket(100, 900),
                    bucket(1000, 990)),
                1000));
    assertThat(values[0]).isBetween(5.0, 5.1);
    assertThat(quantile(values, 0.25)).isCloseTo(7.5, within(0.1));
    assertThat(quantile(values, 0.495)).isCloseTo(9.95, within(0.1));
    assertThat(quantile(values, 0.505)).as("none between the buckets").isCloseTo(50.6, within(0.6));
    assertThat(quantile(values, 0.88)).isCloseTo(97.5, within(0.5));
    assertThat(values[MANY - 1]).as("what is beyond is as the last bound").isEqualTo(1000.0);
    assertThat(Arrays.stream(values).filter(v -> v > 10.001 && v < 49.99).count()).isLessThan(5);
    double last = Arrays.stream(values).filter(v -> v == 1000.0).count() / (double) MANY;
    assertThat(last).isCloseTo(0.01, within(0.002));
  }

  @Test
  void aHistogramThatCannotBeIsRefused() {
    assertThatThrownBy(() -> Spread.Table.recorded(List.of(bucket(5, 3), bucket(10, 2)), 9))
        .hasMessageContaining("counts do not fall: 5.0ms: 3 comes before 10.0ms: 2");
    assertThatThrownBy(() -> Spread.Table.recorded(List.of(bucket(5, 3), bucket(5, 4)), 9))
        .hasMessageContaining("bounds rise");
    assertThatThrownBy(() -> Spread.Table.recorded(List.of(bucket(5, 3)), 2))
        .hasMessageContaining("more in a bucket than in all");
    assertThatThrownBy(() -> Spread.Table.recorded(List.of(bucket(5, 0)), 0))
        .hasMessageContaining("nothing was recorded");
    assertThatThrownBy(() -> Spread.Table.recorded(List.of(), 5)).hasMessageContaining("1 to 48");
    assertThat(Spread.Table.recorded(List.of(bucket(5, 0)), 3).nanos(7)).isEqualTo(5_000_000);
  }
}
