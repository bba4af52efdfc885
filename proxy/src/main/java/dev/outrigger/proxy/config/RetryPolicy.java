package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.Set;

/**
 * When an exchange is tried again (xDS: {@code RetryPolicy}).
 *
 * @param conditions what counts as worth another try
 * @param statuses answers worth another try under {@link Condition#RETRIABLE_STATUS_CODES}
 * @param maxRetries tries beyond the first; 0 switches retries off
 * @param perTryTimeout zero leaves the route's timeout alone
 * @param backOffBase try N waits uniformly in {@code [0, min(backOffMax, (2^N-1) * base))}
 * @param backOffMax see above
 * @param avoidPreviousHosts prefer an endpoint not yet tried
 * @param grpcStatuses of answers in trailers only that are worth another try
 */
public record RetryPolicy(
    Set<Condition> conditions,
    Set<Integer> statuses,
    int maxRetries,
    Duration perTryTimeout,
    Duration backOffBase,
    Duration backOffMax,
    boolean avoidPreviousHosts,
    Set<Integer> grpcStatuses) {
  public static final RetryPolicy NEVER =
      new RetryPolicy(
          Set.of(),
          Set.of(),
          0,
          Duration.ZERO,
          Duration.ofMillis(25),
          Duration.ofMillis(250),
          false);

  public RetryPolicy {
    conditions = Set.copyOf(conditions);
    statuses = Set.copyOf(statuses);
    grpcStatuses = Set.copyOf(grpcStatuses);
  }

  /** Retries no status of gRPC. */
  public RetryPolicy(
      Set<Condition> conditions,
      Set<Integer> statuses,
      int maxRetries,
      Duration perTryTimeout,
      Duration backOffBase,
      Duration backOffMax,
      boolean avoidPreviousHosts) {
    this(
        conditions,
        statuses,
        maxRetries,
        perTryTimeout,
        backOffBase,
        backOffMax,
        avoidPreviousHosts,
        Set.of());
  }

  /** xDS: {@code retry_on}. */
  public enum Condition {
    SERVER_ERROR,
    GATEWAY_ERROR,
    CONNECT_FAILURE,
    RESET,
    RESET_BEFORE_REQUEST,
    REFUSED_STREAM,
    RETRIABLE_4XX,
    RETRIABLE_STATUS_CODES,
    /**
     * Ours: whatever failed before the application could have seen it, and, for methods that RFC
     * 9110 section 9.2.2 calls idempotent, whatever failed without an answer.
     */
    SAFE
  }
}
