package dev.outrigger.controlplane.model;

import java.util.OptionalInt;

/**
 * A reference to a service or to one of its ports (Gateway API: {@code parentRefs}, {@code
 * targetRefs}, {@code backendRefs}).
 *
 * @param port empty means all ports
 */
public record ServiceRef(ServiceName service, OptionalInt port) {
  /** Whether it means this port of this service. */
  public boolean covers(ServiceName name, int candidate) {
    return service.equals(name) && (port.isEmpty() || port.getAsInt() == candidate);
  }
}
