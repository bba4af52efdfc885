package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import java.util.List;

/**
 * Where connections to a port go (Gateway API v1: {@code TCPRoute}).
 *
 * @param parents the services whose connections it governs
 * @param backends at least one
 */
public record TcpRoute(ObjectMeta meta, List<ServiceRef> parents, List<Backend> backends)
    implements ConnectionRoute {
  public TcpRoute {
    parents = List.copyOf(parents);
    backends = List.copyOf(backends);
  }

  @Override
  public Kind kind() {
    return Kind.TCP_ROUTE;
  }

  @Override
  public TcpRoute withBackends(List<Backend> backends) {
    return new TcpRoute(meta, parents, backends);
  }
}
