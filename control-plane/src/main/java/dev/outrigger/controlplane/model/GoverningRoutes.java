package dev.outrigger.controlplane.model;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The routes that govern the traffic of one kind of caller to one port of a service. Routes of the
 * caller's namespace come before those of the service's, and only one kind of route counts (Gateway
 * API, GEP-1294: GRPCRoute, HTTPRoute, TLSRoute, TCPRoute, the first of these that is there).
 */
public sealed interface GoverningRoutes {
  /** Those of them that count. */
  List<? extends MeshRoute> routes();

  /** None: all that comes goes to the service. */
  record None() implements GoverningRoutes {
    @Override
    public List<MeshRoute> routes() {
      return List.of();
    }
  }

  /** The oldest first. */
  record OfCalls(List<GrpcRoute> routes) implements GoverningRoutes {
    public OfCalls {
      routes = List.copyOf(routes);
    }
  }

  /** The oldest first. */
  record OfRequests(List<HttpRoute> routes) implements GoverningRoutes {
    public OfRequests {
      routes = List.copyOf(routes);
    }
  }

  /** The oldest first; no host name is in two of them. */
  record OfNames(List<TlsRoute> routes) implements GoverningRoutes {
    public OfNames {
      routes = List.copyOf(routes);
    }
  }

  /** There are no matches, so that the oldest alone counts. */
  record OfConnections(TcpRoute route) implements GoverningRoutes {
    @Override
    public List<TcpRoute> routes() {
      return List.of(route);
    }
  }

  /**
   * Those for a port.
   *
   * @param callers the namespace of the callers
   */
  static GoverningRoutes of(
      DesiredState state, Service service, Service.Port port, String callers) {
    List<MeshRoute> about = about(state, service, port, callers);
    if (about.isEmpty() && !callers.equals(service.meta().namespace())) {
      about = about(state, service, port, service.meta().namespace());
    }
    List<GrpcRoute> calls = only(about, GrpcRoute.class);
    if (!calls.isEmpty()) {
      return new OfCalls(calls);
    }
    List<HttpRoute> requests = only(about, HttpRoute.class);
    if (!requests.isEmpty()) {
      return new OfRequests(requests);
    }
    List<TlsRoute> names = only(about, TlsRoute.class);
    if (!names.isEmpty()) {
      return new OfNames(distinct(names));
    }
    List<TcpRoute> connections = only(about, TcpRoute.class);
    return connections.isEmpty() ? new None() : new OfConnections(connections.getFirst());
  }

  /** Whether a route can do anything at a port of that protocol. */
  static boolean understands(MeshRoute route, AppProtocol protocol) {
    return switch (route) {
      case RequestRoute _ -> protocol.isHttp() || protocol == AppProtocol.DETECT;
      case TlsRoute _ -> protocol == AppProtocol.TLS || protocol == AppProtocol.DETECT;
      case TcpRoute _ -> !protocol.isHttp();
    };
  }

  private static List<MeshRoute> about(
      DesiredState state, Service service, Service.Port port, String namespace) {
    AppProtocol protocol = service.protocolOf(port, state.mesh().opaquePorts());
    return state.routesOf(service.serviceName()).stream()
        .filter(route -> route.meta().namespace().equals(namespace))
        .filter(route -> understands(route, protocol))
        .filter(
            route ->
                route.parents().stream()
                    .anyMatch(parent -> parent.covers(service.serviceName(), port.port())))
        .toList();
  }

  private static <R extends MeshRoute> List<R> only(List<MeshRoute> routes, Class<R> kind) {
    return routes.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static List<TlsRoute> distinct(List<TlsRoute> routes) {
    Set<String> taken = new LinkedHashSet<>();
    List<TlsRoute> distinct = new ArrayList<>();
    for (TlsRoute route : routes) {
      List<String> free = route.hostnames().stream().filter(taken::add).toList();
      if (!free.isEmpty()) {
        distinct.add(new TlsRoute(route.meta(), route.parents(), free, route.backends()));
      }
    }
    return distinct;
  }
}
