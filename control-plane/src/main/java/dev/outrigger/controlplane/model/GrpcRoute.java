package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Rule;
import java.util.List;

/**
 * Rules for calls of gRPC (Gateway API v1: {@code GRPCRoute}). The paths of its matches are {@link
 * HttpRoute.PathMatch.Call}.
 *
 * @param parents the services whose calls it governs
 */
public record GrpcRoute(ObjectMeta meta, List<ServiceRef> parents, List<Rule> rules)
    implements RequestRoute {
  public GrpcRoute {
    parents = List.copyOf(parents);
    rules = List.copyOf(rules);
  }

  @Override
  public Kind kind() {
    return Kind.GRPC_ROUTE;
  }

  @Override
  public GrpcRoute withRules(List<Rule> rules) {
    return new GrpcRoute(meta, parents, rules);
  }
}
