package dev.outrigger.proxy.balance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.outrigger.proxy.config.Endpoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What holds of every balancer. */
abstract class LoadBalancerContract {
  static final int PICKS = 20_000;

  abstract LoadBalancer balancer();

  @Test
  void nothingToPickFromIsNull() {
    assertThat(balancer().pickerFor(List.of(), new Endpoints.Busy(1)).pick(PickContext.NONE))
        .isNull();
  }

  @Test
  void oneEndpointIsAlwaysPicked() {
    List<Endpoint> one = Endpoints.weighted(5);
    Picker picker = balancer().pickerFor(one, new Endpoints.Busy(1));
    for (int i = 0; i < 10; i++) {
      assertThat(picker.pick(PickContext.NONE)).isSameAs(one.get(0));
    }
  }

  @Test
  void everyPickIsInTheSetAndEveryEndpointIsPicked() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 1, 1, 1, 1, 1, 1);
    assertThat(counts(endpoints, 2)).containsOnlyKeys(endpoints);
  }

  @Test
  void equalWeightsShareEqually() {
    List<Endpoint> endpoints = Endpoints.weighted(3, 3, 3, 3);
    counts(endpoints, 3)
        .values()
        .forEach(count -> assertThat(count / (double) PICKS).isCloseTo(0.25, within(0.015)));
  }

  @Test
  void unequalWeightsShareByWeight() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 2, 7, 1000);
    Map<Endpoint, Integer> counts = counts(endpoints, 4);
    for (Endpoint endpoint : endpoints) {
      double share = counts.getOrDefault(endpoint, 0) / (double) PICKS;
      assertThat(share).isCloseTo(endpoint.weight() / 1010.0, within(0.01));
    }
  }

  @Test
  void theSameSeedGivesTheSamePicks() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 2, 3);
    assertThat(picks(endpoints, 9)).isEqualTo(picks(endpoints, 9));
  }

  private List<Endpoint> picks(List<Endpoint> endpoints, long seed) {
    Picker picker = balancer().pickerFor(endpoints, new Endpoints.Busy(seed));
    List<Endpoint> picks = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      picks.add(Objects.requireNonNull(picker.pick(PickContext.NONE)));
    }
    return picks;
  }

  private Map<Endpoint, Integer> counts(List<Endpoint> endpoints, long seed) {
    Picker picker = balancer().pickerFor(endpoints, new Endpoints.Busy(seed));
    Map<Endpoint, Integer> counts = new HashMap<>();
    for (int i = 0; i < PICKS; i++) {
      counts.merge(Objects.requireNonNull(picker.pick(PickContext.NONE)), 1, Integer::sum);
    }
    return counts;
  }
}
