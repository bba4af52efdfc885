package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import java.time.Duration;
import java.util.List;
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
 * @param perTryIdleTimeout how long an attempt may stand still; zero is no limit
 * @param headers answers with any of these are worth another try under {@link
 *     Condition#RETRIABLE_HEADERS}
 * @param requestHeaders only requests with any of these are tried again; empty is all
 * @param resetHeaders headers of an answer that say in whole seconds when to try again
 * @param resetMax a longer wait than this that an answer asks for is not believed
 */
public record RetryPolicy(
    Set<Condition> conditions,
    Set<Integer> statuses,
    int maxRetries,
    Duration perTryTimeout,
    Duration backOffBase,
    Duration backOffMax,
    boolean avoidPreviousHosts,
    Set<Integer> grpcStatuses,
    Duration perTryIdleTimeout,
    List<HeaderMatch> headers,
    List<HeaderMatch> requestHeaders,
    List<String> resetHeaders,
    Duration resetMax) {
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
    headers = List.copyOf(headers);
    requestHeaders = List.copyOf(requestHeaders);
    resetHeaders = List.copyOf(resetHeaders);
  }

  /** Looks at no headers. */
  public RetryPolicy(
      Set<Condition> conditions,
      Set<Integer> statuses,
      int maxRetries,
      Duration perTryTimeout,
      Duration backOffBase,
      Duration backOffMax,
      boolean avoidPreviousHosts,
      Set<Integer> grpcStatuses) {
    this(
        conditions,
        statuses,
        maxRetries,
        perTryTimeout,
        backOffBase,
        backOffMax,
        avoidPreviousHosts,
        grpcStatuses,
        Duration.ZERO,
        List.of(),
        List.of(),
        List.of(),
        Duration.ofMinutes(5));
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
    RETRIABLE_HEADERS,
    /** Answers that bear {@code x-envoy-ratelimited}. */
    RATE_LIMITED,
    /**
     * Ours: whatever failed before the application could have seen it, and, for methods that RFC
     * 9110 section 9.2.2 calls idempotent, whatever failed without an answer.
     */
    SAFE
  }
}
