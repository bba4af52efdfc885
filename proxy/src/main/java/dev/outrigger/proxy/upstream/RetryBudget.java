package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.worker.WorkerConfined;

/**
 * Bounds retries that are under way by a share of the exchanges that are (xDS: {@code
 * CircuitBreakers.Thresholds.retry_budget}), so that retries cannot multiply a failure. Confined to
 * its worker's event loop.
 */
@WorkerConfined
final class RetryBudget {
  private final double percent;
  private final int always;
  private int underWay;

  RetryBudget(double percent, int always) {
    this.percent = percent;
    this.always = always;
  }

  static RetryBudget of(BreakerConfig limits) {
    return new RetryBudget(limits.retryBudgetPercent(), limits.minRetryConcurrency());
  }

  /** Under other limits, with the same retries under way. */
  RetryBudget adapt(BreakerConfig limits) {
    RetryBudget next = of(limits);
    next.underWay = underWay;
    return next;
  }

  /**
   * Whether one more may begin.
   *
   * @param exchanges active and pending, that of the retry included
   */
  boolean begin(int exchanges) {
    if (underWay >= Math.max(always, (int) (exchanges * percent / 100))) {
      return false;
    }
    underWay++;
    return true;
  }

  void end() {
    underWay--;
  }
}
