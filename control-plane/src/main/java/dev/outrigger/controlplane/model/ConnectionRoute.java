package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import java.util.List;

/** A route that passes whole connections on. */
public sealed interface ConnectionRoute extends MeshRoute permits TcpRoute, TlsRoute {
  /** By weight, once a connection; the share of one that does not exist is refused. */
  @Override
  List<Backend> backends();

  /** The same with other backends. */
  ConnectionRoute withBackends(List<Backend> backends);

  @Override
  default List<Backend> allBackends() {
    return backends();
  }
}
