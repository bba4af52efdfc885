package dev.outrigger.proxy.balance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Endpoint;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class RoundRobinTest extends LoadBalancerContract {
  @Override
  LoadBalancer balancer() {
    return new RoundRobin();
  }

  @Test
  void goesRoundInOrder() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 1, 1);
    Picker picker = balancer().pickerFor(endpoints, new Endpoints.Busy(1));
    int start = endpoints.indexOf(Objects.requireNonNull(picker.pick(PickContext.NONE)));
    for (int i = 1; i < 10; i++) {
      assertThat(picker.pick(PickContext.NONE)).isSameAs(endpoints.get((start + i) % 3));
    }
  }

  @Test
  void workersBeginAtDifferentEndpoints() {
    assertThat(firstPicks(Endpoints.weighted(1, 1, 1, 1))).hasSize(4);
    assertThat(firstPicks(Endpoints.weighted(2, 3, 2, 3))).hasSizeGreaterThan(1);
  }

  private Set<Endpoint> firstPicks(List<Endpoint> endpoints) {
    Set<Endpoint> firsts = new HashSet<>();
    for (int seed = 0; seed < 64; seed++) {
      firsts.add(
          Objects.requireNonNull(
              balancer().pickerFor(endpoints, new Endpoints.Busy(seed)).pick(PickContext.NONE)));
    }
    return firsts;
  }
}
