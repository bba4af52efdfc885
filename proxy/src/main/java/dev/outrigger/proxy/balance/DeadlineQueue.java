package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Earliest deadline first: an endpoint of weight {@code w} comes again {@code 1/w} after its turn.
 * A binary heap; each first turn lies at a random point of the endpoint's period, so that no two
 * workers begin alike.
 */
final class DeadlineQueue {
  private final Endpoint[] endpoints;
  private final double[] deadlines;

  DeadlineQueue(List<Endpoint> list, RandomGenerator random) {
    endpoints = list.toArray(Endpoint[]::new);
    deadlines = new double[endpoints.length];
    for (int i = 0; i < endpoints.length; i++) {
      deadlines[i] = random.nextDouble() / endpoints[i].weight();
    }
    for (int i = endpoints.length / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  /** Whose turn it is, or null if there is nobody. */
  @Nullable Endpoint first() {
    return endpoints.length == 0 ? null : endpoints[0];
  }

  /** The first has had its turn; its next comes according to the weight. */
  void putBack(double weight) {
    deadlines[0] += 1 / weight;
    sink(0);
  }

  private void sink(int from) {
    int at = from;
    Endpoint endpoint = endpoints[at];
    double deadline = deadlines[at];
    for (int child = 2 * at + 1; child < endpoints.length; child = 2 * at + 1) {
      if (child + 1 < endpoints.length && deadlines[child + 1] < deadlines[child]) {
        child++;
      }
      if (deadlines[child] >= deadline) {
        break;
      }
      endpoints[at] = endpoints[child];
      deadlines[at] = deadlines[child];
      at = child;
    }
    endpoints[at] = endpoint;
    deadlines[at] = deadline;
  }
}
