package dev.outrigger.proxy.balance;

final class RandomChoiceTest extends LoadBalancerContract {
  @Override
  LoadBalancer balancer() {
    return new RandomChoice();
  }
}
