package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** In turn, each as often as its weight says, spread out rather than in bursts. */
final class WeightedRoundRobin implements LoadBalancer {
  @Override
  public Picker pickerFor(List<Endpoint> endpoints, PickerState state) {
    DeadlineQueue queue = new DeadlineQueue(endpoints, state.random());
    return new Picker() {
      @Override
      public @Nullable Endpoint pick(PickContext context) {
        Endpoint first = queue.first();
        if (first != null) {
          queue.putBack(first.weight());
        }
        return first;
      }
    };
  }
}
