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
   * @param wire what it is asked in
   */
  record Http(Schedule schedule, String host, String path, List<StatusRange> expected, Wire wire)
      implements HealthCheckPolicy {
    /** Asked in HTTP/1.1. */
    public Http(Schedule schedule, String host, String path, List<StatusRange> expected) {
      this(schedule, host, path, expected, Wire.HTTP1);
    }

    public Http {
      expected = List.copyOf(expected);
    }
  }

  /** What a probe speaks (xDS: {@code codec_client_type}). */
  enum Wire {
    HTTP1,
    HTTP2
  }

  /**
   * A call of {@code grpc.health.v1.Health/Check} that must say {@code SERVING}.
   *
   * @param service whose health is asked for; empty is that of the whole server
   * @param authority host of the call; empty takes the endpoint's name, else the cluster's
   * @param metadata sent along
   */
  record Grpc(Schedule schedule, String service, String authority, List<Metadata> metadata)
      implements HealthCheckPolicy {
    /** Without metadata. */
    public Grpc(Schedule schedule, String service, String authority) {
      this(schedule, service, authority, List.of());
    }

    public Grpc {
      metadata = List.copyOf(metadata);
    }
  }

  /** A header of a call; the name is in lower case. */
  record Metadata(String name, String value) {}

  /** A connection that opens. */
  record Tcp(Schedule schedule) implements HealthCheckPolicy {}

  /** Status codes {@code [start, end)}. */
  record StatusRange(int start, int end) {}
}
