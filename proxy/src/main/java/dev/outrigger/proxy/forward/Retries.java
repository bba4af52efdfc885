package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RetryPolicy.Condition;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.route.RouteMatch;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a retry policy says of an attempt's end. Pure. */
final class Retries {
  private static final HeaderName RATE_LIMITED = HeaderName.of("x-envoy-ratelimited");
  private static final Pattern WHOLE_SECONDS = Pattern.compile("[0-9]{1,9}");

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
  static boolean covers(RetryPolicy policy, RouteMatch match, ResponseHead head, BodyKind body) {
    if (covers(policy, head.status())) {
      return true;
    }
    Set<Condition> conditions = policy.conditions();
    if (conditions.contains(Condition.RETRIABLE_HEADERS)
        && match.answerWorthRetrying(head.headers())) {
      return true;
    }
    if (conditions.contains(Condition.RATE_LIMITED) && head.headers().contains(RATE_LIMITED)) {
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
          (passed.timer() == Timer.PER_TRY || passed.timer() == Timer.PER_TRY_IDLE)
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
          ProxyError.UnknownCoding _,
          ProxyError.Denied _,
          ProxyError.UpgradeRefused _,
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
   * How long retry N waits: uniform in {@code [0, min(max, (2^N - 1) * base))}; or, where the
   * answer asks for a time that is believed, that time to one and a half of it.
   *
   * @param number 1 for the first retry
   * @param asked the answer's headers, where there is an answer
   */
  static long backOffNanos(
      RetryPolicy policy, int number, @Nullable Headers asked, RandomGenerator random) {
    long told = asked == null ? -1 : askedNanos(policy, asked);
    if (told >= 0) {
      return told + (told < 2 ? 0 : random.nextLong(told / 2));
    }
    long base = policy.backOffBase().toNanos();
    long max = policy.backOffMax().toNanos();
    long factor = (1L << Math.min(number, 30)) - 1;
    long bound = base > Long.MAX_VALUE / factor ? max : Math.min(max, base * factor);
    return bound <= 0 ? 0 : random.nextLong(bound);
  }

  /** What the first header that asks for a believable time says, or -1. */
  private static long askedNanos(RetryPolicy policy, Headers answer) {
    List<String> names = policy.resetHeaders();
    for (int i = 0; i < names.size(); i++) {
      String text = answer.get(names.get(i));
      if (text == null || !WHOLE_SECONDS.matcher(text).matches()) {
        continue;
      }
      Duration asked = Duration.ofSeconds(Long.parseLong(text));
      if (!asked.isZero() && asked.compareTo(policy.resetMax()) <= 0) {
        return asked.toNanos();
      }
    }
    return -1;
  }
}
