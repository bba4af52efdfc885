package dev.outrigger.controlplane.model;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How callers treat a service (ours). A policy for a port wins over one for the whole service;
 * among equals the first by namespace and name wins.
 *
 * @param targets services, or ports of services
 */
public record TrafficPolicy(
    ObjectMeta meta,
    List<ServiceRef> targets,
    @Nullable LoadBalancing loadBalancing,
    @Nullable HealthCheck healthCheck,
    @Nullable OutlierDetection outlierDetection,
    @Nullable CircuitBreakers circuitBreakers,
    @Nullable Timeouts timeouts,
    @Nullable Retries retries,
    @Nullable ConnectionPool connectionPool)
    implements MeshObject {
  public TrafficPolicy {
    targets = List.copyOf(targets);
  }

  @Override
  public Kind kind() {
    return Kind.TRAFFIC_POLICY;
  }

  /** How an endpoint is chosen; all respect the weights of workloads. */
  public sealed interface LoadBalancing {
    record RoundRobin() implements LoadBalancing {}

    record Random() implements LoadBalancing {}

    /**
     * @param choices how many are compared, from 2
     */
    record LeastRequest(int choices) implements LoadBalancing {}
  }

  /**
   * Active probing.
   *
   * @param jitterPercent of the interval, 0 to 100
   */
  public record HealthCheck(
      Probe probe,
      Duration interval,
      Duration timeout,
      int unhealthyThreshold,
      int healthyThreshold,
      int jitterPercent) {}

  /** What a probe does. */
  public sealed interface Probe {
    /** Opens a connection. */
    record Tcp() implements Probe {}

    /**
     * Sends a GET.
     *
     * @param host empty for the service's name
     */
    record Http(String path, String host, List<StatusRange> expected) implements Probe {
      public Http {
        expected = List.copyOf(expected);
      }
    }
  }

  /** Both ends belong to it. */
  public record StatusRange(int first, int last) {}

  /** Ejects endpoints that fail; one may always be ejected. */
  public record OutlierDetection(
      int consecutiveErrors,
      Duration baseEjectionTime,
      Duration maxEjectionTime,
      int maxEjectionPercent) {}

  /**
   * Limits of one proxy towards the service; a null is the default.
   *
   * @param retryBudgetPercent of active requests
   * @param retryBudgetMin concurrent retries that are always allowed
   */
  public record CircuitBreakers(
      @Nullable Integer maxConnections,
      @Nullable Integer maxPendingRequests,
      @Nullable Integer maxRequests,
      double retryBudgetPercent,
      int retryBudgetMin) {
    public static final double DEFAULT_BUDGET_PERCENT = 20;
    public static final int DEFAULT_BUDGET_MIN = 3;
  }

  /**
   * A null is the default; zero is no limit.
   *
   * @param request over all attempts
   * @param backendRequest of one attempt
   * @param connect of a connection; never zero
   * @param idle without a byte either way
   */
  public record Timeouts(
      @Nullable Duration request,
      @Nullable Duration backendRequest,
      @Nullable Duration connect,
      @Nullable Duration idle) {}

  /**
   * @param attempts beyond the first; 0 switches retries off
   * @param on conditions, as in {@link RetryOn}
   * @param codes answers worth another attempt
   */
  public record Retries(
      int attempts,
      Set<RetryOn> on,
      Set<Integer> codes,
      @Nullable Duration backoffBase,
      @Nullable Duration backoffMax) {
    public Retries {
      on = Set.copyOf(on);
      codes = Set.copyOf(codes);
    }
  }

  /** What is worth another attempt. */
  public enum RetryOn {
    /** Whatever cannot have had an effect, or may be repeated by its method. */
    SAFE("safe"),
    CONNECT_FAILURE("connect-failure"),
    REFUSED_STREAM("refused-stream"),
    RESET_BEFORE_REQUEST("reset-before-request"),
    RESET("reset"),
    GATEWAY_ERROR("gateway-error"),
    SERVER_ERROR("5xx"),
    RETRIABLE_4XX("retriable-4xx");

    private final String text;

    RetryOn(String text) {
      this.text = text;
    }

    /** As in YAML and, but for {@code safe}, in xDS. */
    public String text() {
      return text;
    }
  }

  /**
   * Connections kept by each worker of a proxy; a null is the default.
   *
   * @param minIdle connections opened ahead, per endpoint
   * @param maxConnectionsPerWorker per endpoint; 0 is no limit
   * @param maxRequestsPerConnection 0 is no limit
   */
  public record ConnectionPool(
      int minIdle,
      int maxConnectionsPerWorker,
      @Nullable Duration idleTimeout,
      @Nullable Duration maxAge,
      int maxRequestsPerConnection) {}
}
