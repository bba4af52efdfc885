package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The least busy, as far as this worker knows (xDS: {@code LEAST_REQUEST}). Equal weights: the
 * least busy of some drawn by chance; unlike in Envoy those are never the same one twice, so of two
 * endpoints the busier is never picked. Unequal weights, as in Envoy: in turn, with the weight
 * divided by the number of exchanges under way plus one.
 */
final class LeastRequest implements LoadBalancer {
  private final int choices;

  /**
   * @param choices at least 2
   */
  LeastRequest(int choices) {
    if (choices < 2) {
      throw new IllegalArgumentException("choices must be at least 2, is " + choices);
    }
    this.choices = choices;
  }

  @Override
  public Picker pickerFor(List<Endpoint> endpoints, PickerState state) {
    if (!Weights.equal(endpoints)) {
      DeadlineQueue queue = new DeadlineQueue(endpoints, state.random());
      return new Picker() {
        @Override
        public @Nullable Endpoint pick(PickContext context) {
          Endpoint first = queue.first();
          if (first != null) {
            queue.putBack(first.weight() / (state.active(first) + 1.0));
          }
          return first;
        }
      };
    }
    return new Drawn(endpoints.toArray(Endpoint[]::new), choices, state);
  }

  private static final class Drawn implements Picker {
    /** Always holds all endpoints; each draw moves some of them to the front. */
    private final Endpoint[] endpoints;

    private final int choices;
    private final PickerState state;

    Drawn(Endpoint[] endpoints, int choices, PickerState state) {
      this.endpoints = endpoints;
      this.choices = Math.min(choices, endpoints.length);
      this.state = state;
    }

    @Override
    public @Nullable Endpoint pick(PickContext context) {
      if (endpoints.length <= 1) {
        return endpoints.length == 0 ? null : endpoints[0];
      }
      RandomGenerator random = state.random();
      Endpoint best = draw(0, random);
      int least = state.active(best);
      for (int i = 1; i < choices; i++) {
        Endpoint other = draw(i, random);
        int active = state.active(other);
        if (active < least) {
          best = other;
          least = active;
        }
      }
      return best;
    }

    /** One step of a Fisher-Yates shuffle: the endpoint that comes to lie at an index. */
    private Endpoint draw(int at, RandomGenerator random) {
      int from = at + random.nextInt(endpoints.length - at);
      Endpoint drawn = endpoints[from];
      endpoints[from] = endpoints[at];
      endpoints[at] = drawn;
      return drawn;
    }
  }
}
