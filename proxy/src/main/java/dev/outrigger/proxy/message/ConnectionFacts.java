package dev.outrigger.proxy.message;

import dev.outrigger.tls.PeerIdentity;
import java.net.InetSocketAddress;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a downstream connection once it is set up; the same for all its exchanges.
 *
 * @param listener the listener's name
 * @param inbound whether it came in through the inbound listener
 * @param remote the client's address; what a load balancer says it is where one is to say so
 * @param local the address that the client connected to, after any redirect
 * @param destination the address that the client had in mind: the original destination, or local
 * @param tls whether TLS ended here
 * @param peer who the client proved to be; null without a client certificate
 * @param serverName SNI, or null
 * @param alpn the chosen protocol, or null
 * @param session of TLS; null where there is none, or where nothing more is known of it
 */
public record ConnectionFacts(
    String listener,
    boolean inbound,
    InetSocketAddress remote,
    InetSocketAddress local,
    InetSocketAddress destination,
    boolean tls,
    @Nullable PeerIdentity peer,
    @Nullable String serverName,
    @Nullable String alpn,
    @Nullable SSLSession session) {
  /** Nothing more is known of TLS. */
  public ConnectionFacts(
      String listener,
      boolean inbound,
      InetSocketAddress remote,
      InetSocketAddress local,
      InetSocketAddress destination,
      boolean tls,
      @Nullable PeerIdentity peer,
      @Nullable String serverName,
      @Nullable String alpn) {
    this(listener, inbound, remote, local, destination, tls, peer, serverName, alpn, null);
  }
}
