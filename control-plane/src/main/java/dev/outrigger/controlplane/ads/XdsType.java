package dev.outrigger.controlplane.ads;

/** The type URLs that the order of pushes knows. Others are served without an order. */
public final class XdsType {
  private static final String PREFIX = "type.googleapis.com/";

  public static final String CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster";
  public static final String ENDPOINT = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment";
  public static final String LISTENER = PREFIX + "envoy.config.listener.v3.Listener";
  public static final String ROUTE = PREFIX + "envoy.config.route.v3.RouteConfiguration";
  public static final String SECRET = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret";
  public static final String FAULT = PREFIX + "outrigger.chaos.v1.FaultRule";

  private XdsType() {}

  /**
   * Whether a state-of-the-world response lists all there is, so that absence means deletion. For
   * listeners and clusters the protocol says so; for faults we do, since they are ours.
   */
  static boolean listsEverything(String typeUrl) {
    return typeUrl.equals(CLUSTER) || typeUrl.equals(LISTENER) || typeUrl.equals(FAULT);
  }

  /** {@code envoy.config.cluster.v3.Cluster} to {@code Cluster}, for people. */
  public static String shortName(String typeUrl) {
    return typeUrl.substring(typeUrl.lastIndexOf('.') + 1);
  }
}
