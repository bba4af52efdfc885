package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RetryPolicy.Condition;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** When an exchange is tried again. */
final class RetryDecoder {
  private static final int MAX_RETRIES = 100;

  private RetryDecoder() {}

  static dev.outrigger.proxy.config.RetryPolicy decode(RetryPolicy policy, Scope scope)
      throws InvalidResourceException {
    dev.outrigger.proxy.config.RetryPolicy never = dev.outrigger.proxy.config.RetryPolicy.NEVER;
    Set<Integer> statuses = new HashSet<>();
    for (int i = 0; i < policy.getRetriableStatusCodesCount(); i++) {
      statuses.add(
          scope
              .in("retriable_status_codes", i)
              .number(policy.getRetriableStatusCodes(i), 100, 599));
    }
    Set<Integer> grpc = new HashSet<>();
    Set<Condition> conditions =
        conditions(policy.getRetryOn(), scope.in("retry_on"), statuses, grpc);
    int retries =
        policy.hasNumRetries()
            ? scope.in("num_retries").number(policy.getNumRetries(), 0, MAX_RETRIES)
            : 1;
    Duration perTry =
        policy.hasPerTryTimeout()
            ? scope.in("per_try_timeout").duration(policy.getPerTryTimeout())
            : Duration.ZERO;
    Duration base = never.backOffBase();
    Duration max = never.backOffMax();
    if (policy.hasRetryBackOff()) {
      Scope at = scope.in("retry_back_off");
      RetryPolicy.RetryBackOff backOff = policy.getRetryBackOff();
      base = at.in("base_interval").positive(backOff.getBaseInterval());
      max =
          backOff.hasMaxInterval()
              ? at.in("max_interval").positive(backOff.getMaxInterval())
              : base.multipliedBy(10);
      if (max.compareTo(base) < 0) {
        throw at.in("max_interval").refuse("is below base_interval");
      }
    }
    boolean avoid = false;
    for (int i = 0; i < policy.getRetryHostPredicateCount(); i++) {
      String name = policy.getRetryHostPredicate(i).getName();
      if (name.equals("envoy.retry_host_predicates.previous_hosts")) {
        avoid = true;
      } else {
        scope.in("retry_host_predicate", i).unsupported("expected previous_hosts");
      }
    }
    Duration perTryIdle =
        policy.hasPerTryIdleTimeout()
            ? scope.in("per_try_idle_timeout").duration(policy.getPerTryIdleTimeout())
            : Duration.ZERO;
    RetryPolicy.RateLimitedRetryBackOff limited = policy.getRateLimitedRetryBackOff();
    Scope at = scope.in("rate_limited_retry_back_off");
    return new dev.outrigger.proxy.config.RetryPolicy(
        conditions,
        statuses,
        retries,
        perTry,
        base,
        max,
        avoid,
        grpc,
        perTryIdle,
        MatchDecoder.headers(policy.getRetriableHeadersList(), scope, "retriable_headers"),
        MatchDecoder.headers(
            policy.getRetriableRequestHeadersList(), scope, "retriable_request_headers"),
        resetHeaders(limited, at),
        limited.hasMaxInterval()
            ? at.in("max_interval").positive(limited.getMaxInterval())
            : Duration.ofMinutes(5));
  }

  private static List<String> resetHeaders(RetryPolicy.RateLimitedRetryBackOff limited, Scope scope)
      throws InvalidResourceException {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < limited.getResetHeadersCount(); i++) {
      RetryPolicy.ResetHeader header = limited.getResetHeaders(i);
      Scope at = scope.in("reset_headers", i);
      names.add(HeaderChangesDecoder.name(header.getName(), at.in("name")));
      if (header.getFormat() != RetryPolicy.ResetHeaderFormat.SECONDS) {
        at.in("format").unsupported("expected SECONDS");
      }
    }
    return names;
  }

  private static Set<Condition> conditions(
      String retryOn, Scope scope, Set<Integer> statuses, Set<Integer> grpc)
      throws InvalidResourceException {
    Set<Condition> conditions = EnumSet.noneOf(Condition.class);
    for (String word : retryOn.split(",", -1)) {
      String name = word.strip();
      switch (name) {
        case "" -> {}
        case "5xx" -> conditions.add(Condition.SERVER_ERROR);
        case "gateway-error" -> conditions.add(Condition.GATEWAY_ERROR);
        case "connect-failure" -> conditions.add(Condition.CONNECT_FAILURE);
        case "reset" -> conditions.add(Condition.RESET);
        case "reset-before-request" -> conditions.add(Condition.RESET_BEFORE_REQUEST);
        case "refused-stream" -> conditions.add(Condition.REFUSED_STREAM);
        case "retriable-4xx" -> conditions.add(Condition.RETRIABLE_4XX);
        case "retriable-status-codes" -> conditions.add(Condition.RETRIABLE_STATUS_CODES);
        case "retriable-headers" -> conditions.add(Condition.RETRIABLE_HEADERS);
        case "envoy-ratelimited" -> conditions.add(Condition.RATE_LIMITED);
        case "safe" -> conditions.add(Condition.SAFE);
        case "cancelled" -> grpc.add(1);
        case "deadline-exceeded" -> grpc.add(4);
        case "resource-exhausted" -> grpc.add(8);
        case "internal" -> grpc.add(13);
        case "unavailable" -> grpc.add(14);
        // Only HTTP/3 can meet it.
        case "http3-post-connect-failure" -> {}
        default -> {
          if (name.matches("[1-5][0-9][0-9]")) {
            statuses.add(Integer.valueOf(name));
            conditions.add(Condition.RETRIABLE_STATUS_CODES);
          } else {
            scope.unsupported("the condition '" + name + "'");
          }
        }
      }
    }
    return conditions;
  }
}
