package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.tls.PeerIdentity;
import org.jspecify.annotations.Nullable;

/**
 * What requests are told of the client of their connection; put into words once, when first asked
 * for. Confined to its connection's event loop.
 */
final class ClientIdentity {
  private final ConnectionFacts facts;
  private @Nullable String clientCert;
  private @Nullable String address;

  ClientIdentity(ConnectionFacts facts) {
    this.facts = facts;
  }

  boolean authenticated() {
    return facts.peer() != null;
  }

  /** The client's address, for {@code x-forwarded-for}. */
  String address() {
    String text = address;
    if (text == null) {
      text = facts.remote().getAddress().getHostAddress();
      int zone = text.indexOf('%');
      text = zone < 0 ? text : text.substring(0, zone);
      address = text;
    }
    return text;
  }

  /**
   * An element of {@code x-forwarded-client-cert} in Envoy's form, or null without a certificate.
   */
  @Nullable String clientCert() {
    PeerIdentity peer = facts.peer();
    if (peer != null && clientCert == null) {
      String element = "Hash=" + peer.sha256();
      clientCert = peer.spiffeId() == null ? element : element + ";URI=" + peer.spiffeId();
    }
    return clientCert;
  }
}
