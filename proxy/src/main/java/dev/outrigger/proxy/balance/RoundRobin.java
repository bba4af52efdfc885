package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * In turn, from an endpoint that chance chooses: if every worker of every proxy began with the
 * first, they would all hit it together. Unequal weights are {@link WeightedRoundRobin}'s.
 */
final class RoundRobin implements LoadBalancer {
  @Override
  public Picker pickerFor(List<Endpoint> endpoints, PickerState state) {
    if (!Weights.equal(endpoints)) {
      return new WeightedRoundRobin().pickerFor(endpoints, state);
    }
    return new Turns(endpoints.toArray(Endpoint[]::new), state);
  }

  private static final class Turns implements Picker {
    private final Endpoint[] endpoints;
    private int next;

    Turns(Endpoint[] endpoints, PickerState state) {
      this.endpoints = endpoints;
      this.next = endpoints.length == 0 ? 0 : state.random().nextInt(endpoints.length);
    }

    @Override
    public @Nullable Endpoint pick(PickContext context) {
      if (endpoints.length == 0) {
        return null;
      }
      Endpoint picked = endpoints[next];
      next = next + 1 == endpoints.length ? 0 : next + 1;
      return picked;
    }
  }
}
