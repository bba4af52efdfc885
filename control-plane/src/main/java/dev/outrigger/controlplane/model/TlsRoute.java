package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import java.util.List;

/**
 * Where connections go whose TLS the application speaks itself, by the name that the client asks
 * for (Gateway API v1: {@code TLSRoute}). Nothing is decrypted.
 *
 * @param parents the services whose connections it governs
 * @param hostnames in lower case; at least one; {@code *.} at the beginning is any name below
 * @param backends at least one
 */
public record TlsRoute(
    ObjectMeta meta, List<ServiceRef> parents, List<String> hostnames, List<Backend> backends)
    implements ConnectionRoute {
  public TlsRoute {
    parents = List.copyOf(parents);
    hostnames = List.copyOf(hostnames);
    backends = List.copyOf(backends);
  }

  @Override
  public Kind kind() {
    return Kind.TLS_ROUTE;
  }

  @Override
  public TlsRoute withBackends(List<Backend> backends) {
    return new TlsRoute(meta, parents, hostnames, backends);
  }
}
