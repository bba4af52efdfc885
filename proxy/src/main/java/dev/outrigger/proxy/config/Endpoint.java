package dev.outrigger.proxy.config;

import dev.outrigger.tls.SpiffeId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One place where a cluster is served.
 *
 * @param address an IP literal, or a name in a DNS cluster
 * @param hostname its own name, or empty
 * @param weight at least 1
 * @param priority 0 is used first
 * @param health as discovery says it
 * @param locality where it is
 * @param tlsLabels its {@code envoy.transport_socket_match} metadata
 * @param identity who must answer there, where the control plane says so
 * @param workload its name for metrics and logs, or empty
 */
public record Endpoint(
    SocketAddressConfig address,
    String hostname,
    int weight,
    int priority,
    Health health,
    Locality locality,
    Map<String, String> tlsLabels,
    @Nullable SpiffeId identity,
    String workload) {

  public Endpoint {
    tlsLabels = Map.copyOf(tlsLabels);
    if (weight < 1) {
      throw new IllegalArgumentException("weight of " + address + " is below 1");
    }
  }

  /** What discovery says of it. */
  public enum Health {
    HEALTHY,
    UNHEALTHY,
    /** Gets no new exchange, finishes the old ones. */
    DRAINING
  }

  /** Where an endpoint is; parts may be empty. */
  public record Locality(String region, String zone, String subZone) {
    public static final Locality NONE = new Locality("", "", "");
  }
}
