package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.SocketAddressConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Endpoints and their state for tests. */
final class Endpoints {
  private Endpoints() {}

  static Endpoint endpoint(int number, int weight, int priority, Endpoint.Health health) {
    return new Endpoint(
        new SocketAddressConfig("10.0." + number / 256 + "." + number % 256, 80),
        "",
        weight,
        priority,
        health,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "");
  }

  static List<Endpoint> weighted(int... weights) {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int i = 0; i < weights.length; i++) {
      endpoints.add(endpoint(i, weights[i], 0, Endpoint.Health.HEALTHY));
    }
    return endpoints;
  }

  /** A worker's view whose counts a test sets. */
  static final class Busy implements PickerState {
    final Map<Endpoint, Integer> active = new HashMap<>();
    private final RandomGenerator random;

    Busy(long seed) {
      random = new SplittableRandom(seed);
    }

    @Override
    public int active(Endpoint endpoint) {
      return active.getOrDefault(endpoint, 0);
    }

    @Override
    public RandomGenerator random() {
      return random;
    }
  }
}
