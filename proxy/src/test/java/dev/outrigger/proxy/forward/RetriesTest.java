package dev.outrigger.proxy.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RetryPolicy.Condition;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.outcome.ProxyError.PoolOverflow.Limit;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RetriesTest {
  private static final ProxyError REFUSED = new ProxyError.ConnectRefused("e", "no");
  private static final ProxyError UNTOUCHED = new ProxyError.UpstreamReset("e", How.RESET, true);
  private static final ProxyError RESET = new ProxyError.UpstreamReset("e", How.RESET, false);

  private static RetryPolicy on(Condition... conditions) {
    return new RetryPolicy(
        Set.of(conditions),
        Set.of(418),
        1,
        Duration.ZERO,
        Duration.ofMillis(25),
        Duration.ofMillis(250),
        true);
  }

  @Test
  void statusesAreCoveredByTheirConditionOnly() {
    assertThat(Retries.covers(on(Condition.SERVER_ERROR), 500)).isTrue();
    assertThat(Retries.covers(on(Condition.GATEWAY_ERROR), 500)).isFalse();
    assertThat(Retries.covers(on(Condition.GATEWAY_ERROR), 503)).isTrue();
    assertThat(Retries.covers(on(Condition.RETRIABLE_4XX), 409)).isTrue();
    assertThat(Retries.covers(on(Condition.RETRIABLE_4XX), 404)).isFalse();
    assertThat(Retries.covers(on(Condition.RETRIABLE_STATUS_CODES), 418)).isTrue();
    assertThat(Retries.covers(on(Condition.SAFE, Condition.RESET), 503)).isFalse();
    assertThat(Retries.covers(RetryPolicy.NEVER, 503)).isFalse();
  }

  @Test
  void safeMeansUntouchedOrIdempotent() {
    RetryPolicy safe = on(Condition.SAFE);
    assertThat(Retries.covers(safe, REFUSED, false)).isTrue();
    assertThat(Retries.covers(safe, UNTOUCHED, false)).isTrue();
    assertThat(Retries.covers(safe, RESET, false)).isFalse();
    assertThat(Retries.covers(safe, RESET, true)).isTrue();
  }

  @Test
  void aResetIsNotAStatusAndAConnectFailureIsNotAReset() {
    assertThat(Retries.covers(on(Condition.RETRIABLE_STATUS_CODES), RESET, true)).isFalse();
    assertThat(Retries.covers(on(Condition.CONNECT_FAILURE), RESET, true)).isFalse();
    assertThat(Retries.covers(on(Condition.CONNECT_FAILURE), REFUSED, false)).isTrue();
    assertThat(Retries.covers(on(Condition.RESET), RESET, false)).isTrue();
    assertThat(Retries.covers(on(Condition.RESET_BEFORE_REQUEST), RESET, true)).isFalse();
  }

  @Test
  void onlyThePerTryTimeoutIsTriedAgain() {
    RetryPolicy policy = on(Condition.SERVER_ERROR);
    Duration second = Duration.ofSeconds(1);
    assertThat(
            Retries.covers(
                policy, new ProxyError.DeadlinePassed(Timer.PER_TRY, second, false), true))
        .isTrue();
    assertThat(
            Retries.covers(policy, new ProxyError.DeadlinePassed(Timer.ROUTE, second, false), true))
        .isFalse();
  }

  @Test
  void overflowIsNeverMadeWorse() {
    RetryPolicy all = on(Condition.values());
    assertThat(Retries.covers(all, new ProxyError.PoolOverflow("c", Limit.PENDING, 1), true))
        .isFalse();
    assertThat(Retries.covers(all, new ProxyError.NoHealthyEndpoint("c", 1, 0), true)).isFalse();
  }

  @Test
  void anInjectedFaultCountsAsWhatItStandsFor() {
    ProxyError abort = new ProxyError.FaultInjected("e", 503, null);
    ProxyError reset = new ProxyError.FaultInjected("e", 0, null);
    assertThat(Retries.covers(on(Condition.GATEWAY_ERROR), abort, false)).isTrue();
    assertThat(Retries.covers(on(Condition.CONNECT_FAILURE), abort, false)).isFalse();
    assertThat(Retries.covers(on(Condition.RESET), reset, false)).isTrue();
  }

  @Test
  void backOffIsJitteredOverTheWholeRangeAndCapped() {
    Random random = new Random(5);
    RetryPolicy policy = on(Condition.SAFE);
    long[] bounds = {25, 75, 175, 250, 250};
    for (int retry = 1; retry <= bounds.length; retry++) {
      long max = 0;
      long min = Long.MAX_VALUE;
      for (int i = 0; i < 2000; i++) {
        long wait = Retries.backOffNanos(policy, retry, null, random);
        max = Math.max(max, wait);
        min = Math.min(min, wait);
      }
      long bound = Duration.ofMillis(bounds[retry - 1]).toNanos();
      assertThat(max).isBetween(bound * 98 / 100, bound - 1);
      assertThat(min).isLessThan(bound / 50);
    }
    assertThat(Retries.backOffNanos(policy, 60, null, random)).isBetween(0L, 250_000_000L);
  }

  @Test
  void perTryAtOrAboveTheRouteIsIgnored() {
    Duration second = Duration.ofSeconds(1);
    assertThat(new Deadlines(1_000_000_000L, second, Duration.ZERO).ofTries()).isFalse();
    assertThat(new Deadlines(2_000_000_000L, second, Duration.ZERO).ofTries()).isTrue();
    assertThat(new Deadlines(0, second, Duration.ZERO).ofTries()).isTrue();
  }

  @Test
  void theRouteOutweighsAllAndPassesOnce() {
    Deadlines deadlines = new Deadlines(100, Duration.ofNanos(40), Duration.ZERO);
    deadlines.requestEnded(0);
    deadlines.tryBegins(0);
    assertThat(deadlines.next()).isEqualTo(40);
    assertThat(deadlines.passed(39)).isEqualTo(Deadlines.Passed.NONE);
    assertThat(deadlines.passed(40)).isEqualTo(Deadlines.Passed.PER_TRY);
    deadlines.retryAt(60);
    assertThat(deadlines.passed(60)).isEqualTo(Deadlines.Passed.RETRY);
    deadlines.tryBegins(60);
    assertThat(deadlines.passed(100)).isEqualTo(Deadlines.Passed.ROUTE);
    assertThat(deadlines.next()).isEqualTo(Deadlines.NEVER);
  }

  @Test
  void anAttemptThatStandsStillIsOverAlsoOnceItsAnswerBegan() {
    Deadlines deadlines = new Deadlines(0, Duration.ofNanos(50), Duration.ofNanos(30));
    deadlines.tryBegins(0);
    deadlines.tryAnswers(20);
    assertThat(deadlines.next()).isEqualTo(50);
    deadlines.moved(45);
    assertThat(deadlines.passed(74)).isEqualTo(Deadlines.Passed.NONE);
    assertThat(deadlines.passed(75)).isEqualTo(Deadlines.Passed.PER_TRY_IDLE);
    assertThat(deadlines.next()).isEqualTo(Deadlines.NEVER);
  }

  @Test
  void whatAnAnswerAsksForIsWaitedForWithJitterUnlessItIsTooLong() {
    RetryPolicy policy =
        new RetryPolicy(
            Set.of(Condition.SAFE),
            Set.of(),
            3,
            Duration.ZERO,
            Duration.ofMillis(25),
            Duration.ofMillis(250),
            false,
            Set.of(),
            Duration.ZERO,
            List.of(),
            List.of(),
            List.of("retry-after", "x-reset"),
            Duration.ofSeconds(10));
    Random random = new Random(6);
    Headers answer = new Headers();
    answer.add("Retry-After", "11");
    assertThat(Retries.backOffNanos(policy, 1, answer, random)).isLessThan(25_000_000L);
    answer.add("x-reset", "4");
    for (int i = 0; i < 100; i++) {
      assertThat(Retries.backOffNanos(policy, 1, answer, random))
          .isBetween(4_000_000_000L, 6_000_000_000L);
    }
    Headers date = new Headers();
    date.add("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT");
    assertThat(Retries.backOffNanos(policy, 1, date, random)).isLessThan(25_000_000L);
  }
}
