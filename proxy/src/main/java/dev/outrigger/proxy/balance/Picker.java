package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import org.jspecify.annotations.Nullable;

/** Chooses one endpoint for one attempt. Confined to its worker's event loop. */
@FunctionalInterface
public interface Picker {
  /** An endpoint, or null when there is none. */
  @Nullable Endpoint pick(PickContext context);
}
