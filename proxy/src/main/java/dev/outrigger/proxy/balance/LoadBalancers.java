package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.LbPolicy;

/** The balancer that carries a policy out. */
public final class LoadBalancers {
  private LoadBalancers() {}

  /** A balancer; it keeps nothing itself, so that workers may share it. */
  public static LoadBalancer of(LbPolicy policy) {
    return switch (policy) {
      case LbPolicy.RoundRobin _ -> new RoundRobin();
      case LbPolicy.Random _ -> new RandomChoice();
      case LbPolicy.LeastRequest leastRequest -> new LeastRequest(leastRequest.choices());
    };
  }
}
