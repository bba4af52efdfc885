package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.random.RandomGenerator;

/** What a picker may know of its worker. */
public interface PickerState {
  /** Exchanges or connections under way to an endpoint, in this worker. */
  int active(Endpoint endpoint);

  RandomGenerator random();
}
