package dev.outrigger.proxy.config;

import java.util.List;

/** The endpoints of a cluster (xDS: {@code ClusterLoadAssignment}), in the order received. */
public record EndpointSet(List<Endpoint> endpoints) {
  public static final EndpointSet EMPTY = new EndpointSet(List.of());

  public EndpointSet {
    endpoints = List.copyOf(endpoints);
  }
}
