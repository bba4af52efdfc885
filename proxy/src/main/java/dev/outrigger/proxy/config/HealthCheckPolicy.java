package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;

/** Active health checking of the endpoints of a cluster (xDS: {@code HealthCheck}). */
public sealed interface HealthCheckPolicy {
  Schedule schedule();

  /**
   * When probes are sent and how their results count.
   *
   * @param interval between probes of one endpoint
   * @param jitterPercent of the interval, added by chance
   * @param timeout of one probe
   * @param unhealthyThreshold failures in a row that mark it down
   * @param healthyThreshold successes in a row that mark it up; the first probe alone counts at
   *     once
   */
  record Schedule(
      Duration interval,
      int jitterPercent,
      Duration timeout,
      int unhealthyThreshold,
      int healthyThreshold) {}

  /**
   * A GET whose status must be in one of the ranges.
   *
   * @param expected ranges of status codes, each {@code [start, end)}
   */
  record Http(Schedule schedule, String host, String path, List<StatusRange> expected)
      implements HealthCheckPolicy {
    public Http {
      expected = List.copyOf(expected);
    }
  }

  /** A connection that opens. */
  record Tcp(Schedule schedule) implements HealthCheckPolicy {}

  /** Status codes {@code [start, end)}. */
  record StatusRange(int start, int end) {}
}
