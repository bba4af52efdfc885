package dev.outrigger.controlplane.model;

import dev.outrigger.tls.SpiffeId;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * One running instance of an application (ours: {@code mesh.outrigger.dev/v1alpha1}).
 *
 * @param addresses IPv4 or IPv6 literals where peers reach it, at least one
 * @param ports where peers reach it
 * @param serviceAccount the account it runs under; the default identity is made of it
 * @param identity where it is not the default one
 * @param weight its share of traffic among its peers, from 1
 * @param sidecar how the proxy stands beside it, if one does
 * @param calls the services that it calls, so that its proxy hears of no others; null is all
 */
public record Workload(
    ObjectMeta meta,
    List<String> addresses,
    List<Port> ports,
    String serviceAccount,
    @Nullable SpiffeId identity,
    Locality locality,
    int weight,
    Sidecar sidecar,
    @Nullable List<ServiceName> calls)
    implements MeshObject {
  public Workload {
    addresses = List.copyOf(addresses);
    ports = List.copyOf(ports);
    calls = calls == null ? null : List.copyOf(calls);
  }

  /** The same somewhere else. */
  public Workload withLocality(Locality other) {
    return new Workload(
        meta, addresses, ports, serviceAccount, identity, other, weight, sidecar, calls);
  }

  @Override
  public Kind kind() {
    return Kind.WORKLOAD;
  }

  /** The number of a port by its name, or empty. */
  public OptionalInt portNamed(String name) {
    for (Port port : ports) {
      if (port.name().equals(name)) {
        return OptionalInt.of(port.port());
      }
    }
    return OptionalInt.empty();
  }

  /** Its identity; by default {@code spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT}. */
  public SpiffeId identityIn(String trustDomain) {
    return identity != null
        ? identity
        : new SpiffeId(trustDomain, "/ns/" + meta.namespace() + "/sa/" + serviceAccount);
  }

  /** Whether a proxy of the mesh stands in front of it. */
  public boolean hasSidecar() {
    return !(sidecar instanceof Sidecar.None);
  }

  /**
   * A port.
   *
   * @param name may be empty
   * @param port where peers reach it; with an explicit sidecar that is where the sidecar listens
   * @param appPort where the application listens; differs only beside an explicit sidecar
   * @param appProtocol as written, or empty
   */
  public record Port(String name, int port, int appPort, String appProtocol) {}

  /** Where it runs; parts that are not known are empty. */
  public record Locality(String region, String zone, String subZone) {
    public static final Locality UNKNOWN = new Locality("", "", "");
  }

  /** How the proxy gets at the traffic. */
  public sealed interface Sidecar {
    /** No proxy: peers speak plain text with it. */
    record None() implements Sidecar {}

    /** The kernel redirects connections to the proxy, see {@code outrigger init}. */
    record Transparent() implements Sidecar {}

    /**
     * The proxy listens on ports of its own and nothing is redirected; needs no privilege.
     *
     * @param appAddress where the application listens, usually loopback
     * @param outbound where the proxy takes HTTP requests, routed by their Host; null for none
     * @param outboundTcp where it takes connections to one service each
     */
    record Explicit(String appAddress, @Nullable HostPort outbound, List<OutboundTcp> outboundTcp)
        implements Sidecar {
      public Explicit {
        outboundTcp = List.copyOf(outboundTcp);
      }
    }
  }

  /** A listener of an explicit sidecar for one port of one service. */
  public record OutboundTcp(ServiceName service, int port, HostPort listen) {}

  /** An address literal with its port. */
  public record HostPort(String host, int port) {
    @Override
    public String toString() {
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
  }
}
