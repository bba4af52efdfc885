package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;

/** What is known of the attempt that an endpoint is chosen for. */
public interface PickContext {
  /** Nothing is known. */
  PickContext NONE = _ -> false;

  /** Whether this endpoint was tried before in the same exchange. */
  boolean tried(Endpoint endpoint);
}
