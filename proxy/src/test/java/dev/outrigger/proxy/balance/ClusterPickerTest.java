package dev.outrigger.proxy.balance;

import static dev.outrigger.proxy.balance.Endpoints.endpoint;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.Endpoint.Health;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

final class ClusterPickerTest {
  private static final Predicate<Endpoint> WELL = _ -> true;

  @Test
  void nothingToPickFromIsNull() {
    assertThat(picker(List.of(), WELL, 50).pick(PickContext.NONE)).isNull();
  }

  @Test
  void trafficMovesToTheNextPriorityAndBack() {
    Endpoint first = endpoint(1, 1, 0, Health.HEALTHY);
    Endpoint backup = endpoint(2, 1, 1, Health.HEALTHY);
    assertThat(picked(picker(List.of(first, backup), WELL, 50))).containsExactly(first);
    assertThat(picked(picker(List.of(first, backup), one -> one != first, 50)))
        .containsExactly(backup);
  }

  @Test
  void inPanicTheUnhealthyGetTrafficToo() {
    Endpoint well = endpoint(1, 1, 0, Health.HEALTHY);
    Endpoint ejected = endpoint(2, 1, 0, Health.HEALTHY);
    Endpoint reported = endpoint(3, 1, 0, Health.UNHEALTHY);
    List<Endpoint> all = List.of(well, ejected, reported);
    assertThat(picked(picker(all, one -> one != ejected, 50)))
        .containsExactlyInAnyOrder(well, ejected, reported);
    assertThat(picked(picker(all, one -> one != ejected, 0))).containsExactly(well);
  }

  @Test
  void halfHealthyIsNoPanic() {
    Endpoint well = endpoint(1, 1, 0, Health.HEALTHY);
    Endpoint dead = endpoint(2, 1, 0, Health.HEALTHY);
    assertThat(picked(picker(List.of(well, dead), one -> one == well, 50))).containsExactly(well);
  }

  @Test
  void thresholdZeroAndNobodyWellIsNull() {
    Endpoint dead = endpoint(1, 1, 0, Health.UNHEALTHY);
    assertThat(picker(List.of(dead), WELL, 0).pick(PickContext.NONE)).isNull();
  }

  @Test
  void drainingEndpointsGetNothingAndDoNotCount() {
    Endpoint staying = endpoint(1, 1, 0, Health.HEALTHY);
    List<Endpoint> all =
        List.of(
            staying,
            endpoint(2, 1, 0, Health.DRAINING),
            endpoint(3, 1, 0, Health.DRAINING),
            endpoint(4, 1, 1, Health.HEALTHY));
    assertThat(picked(picker(all, WELL, 50))).containsExactly(staying);
  }

  @Test
  void aRetryAvoidsWhatWasTriedWhileThereIsAnother() {
    List<Endpoint> all = Endpoints.weighted(1000, 1, 1);
    for (LbPolicy policy :
        List.of(new LbPolicy.RoundRobin(), new LbPolicy.Random(), new LbPolicy.LeastRequest(2))) {
      ClusterPicker picker =
          new ClusterPicker(
              new EndpointSet(all), WELL, 50, LoadBalancers.of(policy), new Endpoints.Busy(3));
      for (int i = 0; i < 100; i++) {
        assertThat(picker.pick(one -> one == all.get(0))).isIn(all.get(1), all.get(2));
        assertThat(picker.pick(one -> one != all.get(2))).isSameAs(all.get(2));
        assertThat(picker.pick(_ -> true)).isIn(all);
      }
    }
  }

  private static ClusterPicker picker(List<Endpoint> all, Predicate<Endpoint> well, int panic) {
    return new ClusterPicker(
        new EndpointSet(all),
        well,
        panic,
        LoadBalancers.of(new LbPolicy.RoundRobin()),
        new Endpoints.Busy(11));
  }

  private static Set<Endpoint> picked(Picker picker) {
    Set<Endpoint> picked = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      picked.add(Objects.requireNonNull(picker.pick(PickContext.NONE)));
    }
    return picked;
  }
}
