package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.tls.PeerIdentity;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.util.HexFormat;
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
      try {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(peer.certificate().getEncoded());
        String element = "Hash=" + HexFormat.of().formatHex(hash);
        clientCert = peer.spiffeId() == null ? element : element + ";URI=" + peer.spiffeId();
      } catch (NoSuchAlgorithmException | CertificateEncodingException e) {
        throw new IllegalStateException("a verified certificate has no SHA-256", e);
      }
    }
    return clientCert;
  }
}
