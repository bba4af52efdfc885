package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** By chance, each as often as its weight says. */
final class RandomChoice implements LoadBalancer {
  @Override
  public Picker pickerFor(List<Endpoint> endpoints, PickerState state) {
    Endpoint[] array = endpoints.toArray(Endpoint[]::new);
    if (Weights.equal(endpoints)) {
      return new Picker() {
        @Override
        public @Nullable Endpoint pick(PickContext context) {
          return array.length == 0 ? null : array[state.random().nextInt(array.length)];
        }
      };
    }
    long[] upTo = new long[array.length];
    long sum = 0;
    for (int i = 0; i < array.length; i++) {
      sum += array[i].weight();
      upTo[i] = sum;
    }
    long total = sum;
    return _ -> {
      // The first whose share reaches beyond the number drawn.
      int found = Arrays.binarySearch(upTo, state.random().nextLong(total) + 1);
      return array[found >= 0 ? found : -found - 1];
    };
  }
}
