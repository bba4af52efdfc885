package dev.outrigger.proxy.balance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LeastRequestTest extends LoadBalancerContract {
  @Override
  LoadBalancer balancer() {
    return new LeastRequest(2);
  }

  @Test
  void ofTwoTheBusierIsNeverPicked() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 1);
    Endpoints.Busy state = new Endpoints.Busy(1);
    state.active.put(endpoints.get(0), 1);
    Picker picker = balancer().pickerFor(endpoints, state);
    for (int i = 0; i < 100; i++) {
      assertThat(picker.pick(PickContext.NONE)).isSameAs(endpoints.get(1));
    }
  }

  @Test
  void manyChoicesFindTheIdleOne() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 1, 1, 1, 1);
    Endpoints.Busy state = new Endpoints.Busy(1);
    endpoints.forEach(endpoint -> state.active.put(endpoint, 3));
    state.active.put(endpoints.get(3), 0);
    Picker picker = new LeastRequest(100).pickerFor(endpoints, state);
    for (int i = 0; i < 100; i++) {
      assertThat(picker.pick(PickContext.NONE)).isSameAs(endpoints.get(3));
    }
  }

  @Test
  void aWeightIsDividedByWhatIsUnderWay() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 4);
    Endpoints.Busy state = new Endpoints.Busy(1);
    state.active.put(endpoints.get(1), 3);
    Picker picker = balancer().pickerFor(endpoints, state);
    int light = 0;
    for (int i = 0; i < 1000; i++) {
      light += picker.pick(PickContext.NONE) == endpoints.get(0) ? 1 : 0;
    }
    assertThat(light).isCloseTo(500, within(2));
  }
}
