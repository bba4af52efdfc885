package dev.outrigger.proxy.balance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import org.junit.jupiter.api.Test;

final class WeightedRoundRobinTest extends LoadBalancerContract {
  @Override
  LoadBalancer balancer() {
    return new WeightedRoundRobin();
  }

  @Test
  void turnsAreSpreadOutNotInBursts() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 3);
    Picker picker = balancer().pickerFor(endpoints, new Endpoints.Busy(5));
    int sinceLight = 0;
    for (int i = 0; i < 400; i++) {
      sinceLight = picker.pick(PickContext.NONE) == endpoints.get(0) ? 0 : sinceLight + 1;
      assertThat(sinceLight).isLessThanOrEqualTo(4);
    }
  }
}
