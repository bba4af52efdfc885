package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import java.util.List;

/**
 * A way of choosing among endpoints. Pure: the same endpoints, the same state and the same source
 * of chance give the same picks.
 */
@FunctionalInterface
public interface LoadBalancer {

  /**
   * A picker over endpoints that may all be used now.
   *
   * @param endpoints of one priority, none ejected or unhealthy; may be empty
   * @param state this worker's view of how busy they are
   */
  Picker pickerFor(List<Endpoint> endpoints, PickerState state);
}
