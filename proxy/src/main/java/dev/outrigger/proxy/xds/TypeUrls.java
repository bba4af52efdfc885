package dev.outrigger.proxy.xds;

/** The resource types that this proxy asks for. */
public final class TypeUrls {
  public static final String LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener";
  public static final String ROUTE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
  public static final String CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
  public static final String ENDPOINT =
      "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
  public static final String SECRET =
      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
  public static final String FAULT = "type.googleapis.com/outrigger.chaos.v1.FaultRule";

  private TypeUrls() {}

  /** {@code …envoy.config.cluster.v3.Cluster} to {@code Cluster}, for people. */
  static String shortName(String typeUrl) {
    return typeUrl.substring(typeUrl.lastIndexOf('.') + 1);
  }
}
