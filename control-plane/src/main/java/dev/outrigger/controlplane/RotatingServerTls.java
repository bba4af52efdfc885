package dev.outrigger.controlplane;

import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.tls.ClientCheck;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.TlsSetupException;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TLS of the control plane's own port. Its certificate is short-lived like every other, so new
 * connections always take the latest; gRPC takes a context only once, hence the one in front.
 * Clients may show a certificate of the mesh, or none and a join token instead.
 */
final class RotatingServerTls extends SslContext {
  private static final Logger LOG = LoggerFactory.getLogger(RotatingServerTls.class);
  private static final int MAX_ADDRESSES = 64;
  static final Duration LIFETIME = Duration.ofHours(24);

  private final ServingIdentity identity;
  private final InstantSource clock;
  private final List<String> names;
  private volatile ServerTls current;

  /**
   * @param names by which this is called, beside those of this machine
   */
  RotatingServerTls(ServingIdentity identity, List<String> names, InstantSource clock)
      throws TlsSetupException {
    this.identity = identity;
    this.clock = clock;
    this.names = List.copyOf(names);
    this.current = next(identity, this.names, clock);
  }

  /** Takes a new certificate; called at half of the lifetime. */
  void renew() {
    try {
      current = next(identity, names, clock);
    } catch (TlsSetupException e) {
      LOG.error("the control plane's own certificate could not be renewed: {}", e.getMessage());
    }
  }

  private static ServerTls next(ServingIdentity identity, List<String> names, InstantSource clock)
      throws TlsSetupException {
    return ServerTls.of(
        identity.servingIdentity(dnsNames(names), addresses(), LIFETIME),
        new ClientCheck(
            identity.trust(),
            new PeerRule.MeshMember(Set.of(identity.id().trustDomain()), Set.of()),
            false),
        List.of("h2"),
        List.of("TLSv1.3"),
        clock);
  }

  private static List<String> dnsNames(List<String> given) {
    Set<String> names = new LinkedHashSet<>(List.of("localhost", "outrigger-control-plane"));
    names.addAll(given);
    try {
      String host = InetAddress.getLocalHost().getHostName();
      if (!host.isEmpty() && !host.contains("_")) {
        names.add(host);
      }
    } catch (UnknownHostException e) {
      // A machine without a name of its own is reached by address.
      LOG.debug("no host name", e);
    }
    return List.copyOf(names);
  }

  /** Every address of this machine: proxies check the one that they were told to call. */
  private static List<InetAddress> addresses() {
    try {
      return NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .limit(MAX_ADDRESSES)
          .toList();
    } catch (SocketException e) {
      LOG.warn("the addresses of this machine cannot be listed: {}", e.getMessage());
      return List.of(InetAddress.getLoopbackAddress());
    }
  }

  @Override
  public boolean isClient() {
    return false;
  }

  @Override
  public List<String> cipherSuites() {
    return current.context().cipherSuites();
  }

  @Override
  @SuppressWarnings("deprecation") // Netty's own abstract method.
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return current.context().applicationProtocolNegotiator();
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    return current.context().newEngine(allocator);
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
    return current.context().newEngine(allocator, peerHost, peerPort);
  }

  @Override
  public SSLSessionContext sessionContext() {
    return current.context().sessionContext();
  }
}
