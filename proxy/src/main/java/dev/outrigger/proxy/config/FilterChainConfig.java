package dev.outrigger.proxy.config;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What is done with the connections that match (xDS: {@code FilterChain}).
 *
 * @param name shown in logs and dumps
 * @param match which connections
 * @param tls whether and how TLS is terminated
 * @param network what handles the bytes
 */
public record FilterChainConfig(
    String name, Match match, DownstreamTls tls, NetworkFilter network) {

  /**
   * Which connections a chain takes; empty fields match all. Precedence among chains is fixed by
   * xDS: destination port, destination address, server name, transport protocol, application
   * protocols, source.
   */
  public record Match(
      OptionalInt destinationPort,
      List<CidrRange> destinationRanges,
      List<String> serverNames,
      TransportProtocol transportProtocol,
      Set<String> applicationProtocols,
      List<CidrRange> sourceRanges) {
    public Match {
      destinationRanges = List.copyOf(destinationRanges);
      serverNames = List.copyOf(serverNames);
      applicationProtocols = Set.copyOf(applicationProtocols);
      sourceRanges = List.copyOf(sourceRanges);
    }

    /** Takes every connection. */
    public static Match any() {
      return new Match(
          OptionalInt.empty(), List.of(), List.of(), TransportProtocol.ANY, Set.of(), List.of());
    }
  }

  /** What the inspectors found at the start of the connection. */
  public enum TransportProtocol {
    ANY,
    RAW,
    TLS
  }
}
