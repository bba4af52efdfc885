package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;

/** What is asked of the weights of a set. */
final class Weights {
  private Weights() {}

  static boolean equal(List<Endpoint> endpoints) {
    for (int i = 1; i < endpoints.size(); i++) {
      if (endpoints.get(i).weight() != endpoints.get(0).weight()) {
        return false;
      }
    }
    return true;
  }
}
