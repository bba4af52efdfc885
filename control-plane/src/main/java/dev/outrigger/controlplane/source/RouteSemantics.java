package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.GoverningRoutes;
import dev.outrigger.controlplane.model.GrpcRoute;
import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.RequestRoute;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TcpRoute;
import dev.outrigger.controlplane.model.TlsRoute;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whether a route governs anything at its parents: not where the port speaks something else, and
 * not where other routes have it (Gateway API, GEP-1294).
 */
final class RouteSemantics {
  /** Takes what is wrong with the route. */
  interface Told {
    void at(Code code, String message, String hint);
  }

  private RouteSemantics() {}

  static void check(DesiredState state, MeshRoute route, Told told) {
    for (int i = 0; i < route.parents().size(); i++) {
      ServiceRef parent = route.parents().get(i);
      @Nullable Service service = state.service(parent.service());
      if (service != null) {
        check(state, route, "`spec.parentRefs[" + i + "]`", parent, service, told);
      }
    }
  }

  private static void check(
      DesiredState state,
      MeshRoute route,
      String path,
      ServiceRef parent,
      Service service,
      Told told) {
    List<Service.Port> meant =
        service.ports().stream()
            .filter(port -> port.transport() == Service.Transport.TCP)
            .filter(port -> parent.covers(service.serviceName(), port.port()))
            .toList();
    if (meant.isEmpty()) {
      return; // Told already: there is no such port.
    }
    List<Service.Port> understood =
        meant.stream()
            .filter(
                port ->
                    GoverningRoutes.understands(
                        route, service.protocolOf(port, state.mesh().opaquePorts())))
            .toList();
    if (understood.isEmpty()) {
      told.at(
          Code.OVERRULED,
          path
              + ": "
              + ports(meant)
              + " of "
              + parent.service()
              + (route instanceof RequestRoute
                  ? " is passed on as bytes"
                  : " speaks another protocol")
              + ", so the route has no effect",
          hint(route));
      return;
    }
    @Nullable MeshRoute winner = null;
    for (Service.Port port : understood) {
      List<? extends MeshRoute> governing =
          GoverningRoutes.of(state, service, port, route.meta().namespace()).routes();
      if (governing.stream().anyMatch(one -> one.key().equals(route.key()))) {
        return;
      }
      winner = governing.getFirst();
    }
    if (winner != null) {
      told.at(
          Code.ROUTE_CONFLICT,
          path
              + ": "
              + winner.key()
              + " has "
              + ports(understood)
              + " of "
              + parent.service()
              + " already, so the route has no effect",
          winner.kind() == route.kind()
              ? "the oldest counts, then the first by namespace and name"
              : "one kind of route counts at a port: GRPCRoute, HTTPRoute, TLSRoute, TCPRoute, the"
                  + " first of these that is there");
    }
  }

  private static String hint(MeshRoute route) {
    String protocol =
        switch (route) {
          case HttpRoute _ -> "http";
          case GrpcRoute _ -> "grpc";
          case TlsRoute _ -> "tls";
          case TcpRoute _ -> "tcp";
        };
    return "set `appProtocol: " + protocol + "` at the port of the service";
  }

  private static String ports(List<Service.Port> ports) {
    return "the port "
        + ports.stream()
            .map(port -> Integer.toString(port.port()))
            .collect(Collectors.joining(", "));
  }
}
