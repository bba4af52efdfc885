package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;

/**
 * Rules for traffic to services (Gateway API, with a Service as parent). One of the service's own
 * namespace holds for all callers, one of another namespace for the callers of that one.
 */
public sealed interface MeshRoute extends MeshObject permits RequestRoute, ConnectionRoute {
  /** Gateway API: the oldest first, then by namespace and name. */
  Comparator<MeshRoute> AGE =
      Comparator.<MeshRoute, Instant>comparing(route -> route.meta().createdOrNever())
          .thenComparing(route -> route.meta().namespace())
          .thenComparing(route -> route.meta().name());

  /** The services whose traffic it governs. */
  List<ServiceRef> parents();

  /** What it sends to and waits for the answers of. */
  List<Backend> backends();

  /** All that it may send to, copies included. */
  List<Backend> allBackends();
}
