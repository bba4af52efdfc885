package dev.outrigger.proxy.extension;

import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.SecretConfig;

/**
 * The resources that an {@link Unresolved} named in its needs. Asking for another one is a bug and
 * throws {@link IllegalStateException}.
 */
public interface ResourceLookup {

  /** The route table; an empty one if the control plane has none of that name. */
  RouteTableConfig routes(String name);

  /** The endpoints; an empty set if the control plane has none of that name. */
  EndpointSet endpoints(String name);

  /** The secret; a missing one holds the resource back, so there always is one here. */
  SecretConfig secret(String name);
}
