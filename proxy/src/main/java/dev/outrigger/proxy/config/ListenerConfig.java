package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A listener (xDS: {@code envoy.config.listener.v3.Listener}).
 *
 * @param name unique among listeners
 * @param addresses where it binds; the first names it in messages
 * @param direction inbound, outbound or neither; decides what drains on SIGTERM
 * @param destination how the destination of an accepted connection is known
 * @param proxyProtocol what is asked of the header of the PROXY protocol; null knows none
 * @param inspectors what is looked at before a filter chain is chosen
 * @param detectionTimeout how long inspectors may wait for the client's first bytes; zero waits for
 *     ever
 * @param onDetectionTimeout what happens then
 * @param chains in order; matching follows xDS precedence, not the order
 * @param defaultChain used when no chain matches; null closes such a connection
 * @param connectionBufferBytes the soft limit above which the other side is not read
 * @param backlog the length of the accept queue
 * @param maxConnections open connections on all workers together; further ones are closed
 */
public record ListenerConfig(
    String name,
    List<SocketAddressConfig> addresses,
    Direction direction,
    Destination destination,
    @Nullable ProxyProtocol proxyProtocol,
    Set<Inspector> inspectors,
    Duration detectionTimeout,
    OnDetectionTimeout onDetectionTimeout,
    List<FilterChainConfig> chains,
    @Nullable FilterChainConfig defaultChain,
    int connectionBufferBytes,
    int backlog,
    int maxConnections) {

  public ListenerConfig {
    addresses = List.copyOf(addresses);
    inspectors = Set.copyOf(inspectors);
    chains = List.copyOf(chains);
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("listener " + name + " has no address");
    }
  }

  /** Relative to the application beside the proxy (xDS: {@code traffic_direction}). */
  public enum Direction {
    INBOUND,
    OUTBOUND,
    UNSPECIFIED
  }

  /** How the destination of an accepted connection is known. */
  public enum Destination {
    /** The address that the client connected to. */
    LOCAL_ADDRESS,
    /** The address before a redirect by the kernel, read from the socket. */
    ORIGINAL
  }

  /** What reads the first bytes of a connection without consuming them. */
  public enum Inspector {
    TLS,
    HTTP
  }

  /** What happens to a connection whose first bytes did not come in time. */
  public enum OnDetectionTimeout {
    /** Go on with what is known: the connection is opaque. */
    CONTINUE,
    CLOSE
  }
}
