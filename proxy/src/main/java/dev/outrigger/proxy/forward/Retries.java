package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RetryPolicy.Condition;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import java.util.Set;
import java.util.random.RandomGenerator;

/** What a retry policy says of an attempt's end. Pure. */
final class Retries {
  private Retries() {}

  /** Whether an answer with this status is worth another try. */
  static boolean covers(RetryPolicy policy, int status) {
    Set<Condition> conditions = policy.conditions();
    return (status >= 500 && conditions.contains(Condition.SERVER_ERROR))
        || (status >= 502 && status <= 504 && conditions.contains(Condition.GATEWAY_ERROR))
        || (status == 409 && conditions.contains(Condition.RETRIABLE_4XX))
        || (conditions.contains(Condition.RETRIABLE_STATUS_CODES)
            && policy.statuses().contains(status));
  }

  /** Whether an answer with this head is worth another try: its status, or that of gRPC. */
  static boolean covers(RetryPolicy policy, ResponseHead head, BodyKind body) {
    if (covers(policy, head.status())) {
      return true;
    }
    if (policy.grpcStatuses().isEmpty() || body != BodyKind.NONE) {
      return false; // its status, if it is a call, comes later
    }
    return coversGrpc(policy, Grpc.status(head.headers()));
  }

  /** Whether a call that ended with this status is worth another try. */
  static boolean coversGrpc(RetryPolicy policy, int status) {
    return policy.grpcStatuses().contains(status);
  }

  /** Whether a failure without an answer is worth another try. */
  static boolean covers(RetryPolicy policy, ProxyError error, boolean idempotent) {
    Set<Condition> conditions = policy.conditions();
    return switch (error) {
      case ProxyError.ConnectRefused _, ProxyError.ConnectTimedOut _, ProxyError.TlsRejected _ ->
          conditions.contains(Condition.CONNECT_FAILURE)
              || conditions.contains(Condition.RESET_BEFORE_REQUEST)
              || conditions.contains(Condition.SAFE)
              || coversReset(conditions);
      case ProxyError.UpstreamReset reset ->
          coversReset(conditions)
              || (reset.requestUntouched()
                  && (conditions.contains(Condition.RESET_BEFORE_REQUEST)
                      || conditions.contains(Condition.REFUSED_STREAM)))
              || (safe(reset, idempotent) && conditions.contains(Condition.SAFE));
      case ProxyError.DeadlinePassed passed ->
          passed.timer() == Timer.PER_TRY
              && (coversReset(conditions)
                  || (safe(passed, idempotent) && conditions.contains(Condition.SAFE)));
      case ProxyError.ProtocolViolation violation ->
          coversReset(conditions)
              || (safe(violation, idempotent) && conditions.contains(Condition.SAFE));
      case ProxyError.TooLarge large ->
          safe(large, idempotent) && conditions.contains(Condition.SAFE);
      case ProxyError.FaultInjected fault ->
          fault.status() == 0
              ? coversReset(conditions) || conditions.contains(Condition.SAFE)
              : covers(policy, fault.status())
                  || (fault.status() >= 500 && conditions.contains(Condition.SAFE));
      case ProxyError.NoRoute _,
          ProxyError.NoCluster _,
          ProxyError.NoHealthyEndpoint _,
          ProxyError.PoolOverflow _,
          ProxyError.DownstreamGone _,
          ProxyError.Denied _,
          ProxyError.RateLimited _,
          ProxyError.Draining _,
          ProxyError.Bug _ ->
          false;
    };
  }

  /** Whether the endpoint itself was not reached. */
  static boolean notReached(ProxyError error) {
    return error instanceof ProxyError.ConnectRefused
        || error instanceof ProxyError.ConnectTimedOut
        || error instanceof ProxyError.TlsRejected;
  }

  private static boolean coversReset(Set<Condition> conditions) {
    return conditions.contains(Condition.RESET)
        || conditions.contains(Condition.SERVER_ERROR)
        || conditions.contains(Condition.GATEWAY_ERROR);
  }

  private static boolean safe(ProxyError error, boolean idempotent) {
    return error.requestUntouched() || idempotent;
  }

  /**
   * How long retry N waits: uniform in {@code [0, min(max, (2^N - 1) * base))}.
   *
   * @param number 1 for the first retry
   */
  static long backOffNanos(RetryPolicy policy, int number, RandomGenerator random) {
    long base = policy.backOffBase().toNanos();
    long max = policy.backOffMax().toNanos();
    long factor = (1L << Math.min(number, 30)) - 1;
    long bound = base > Long.MAX_VALUE / factor ? max : Math.min(max, base * factor);
    return bound <= 0 ? 0 : random.nextLong(bound);
  }
}
