package dev.outrigger.proxy.config;

import java.util.Set;

/**
 * What is asked of the PROXY protocol's header on connections that come in (xDS: {@code
 * envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol}). Who connects is believed: it
 * must be a load balancer that is trusted.
 *
 * @param optional whether a connection may come without a header
 * @param versions which are read; a header of another is none
 */
public record ProxyProtocol(boolean optional, Set<Version> versions) {
  public ProxyProtocol {
    versions = Set.copyOf(versions);
  }

  /** The two forms of the header. */
  public enum Version {
    /** A line of text. */
    V1,
    /** Binary. */
    V2
  }
}
