package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.HttpProxyConfig.CertDetail;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.tls.PeerIdentity;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What requests are told of the client of their connection; put into words once, when first asked
 * for. Confined to its connection's event loop.
 */
final class ClientIdentity {
  private final ConnectionFacts facts;
  private @Nullable String clientCert;
  private Set<CertDetail> told = Set.of();
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
  @Nullable String clientCert(Set<CertDetail> details) {
    PeerIdentity peer = facts.peer();
    if (peer != null && (clientCert == null || !details.equals(told))) {
      StringBuilder element = new StringBuilder("Hash=").append(peer.sha256());
      if (details.contains(CertDetail.CERT)) {
        element.append(";Cert=\"").append(pem(peer.certificate())).append('"');
      }
      if (details.contains(CertDetail.SUBJECT)) {
        String subject = peer.subject().replace("\\", "\\\\").replace("\"", "\\\"");
        element.append(";Subject=\"").append(subject).append('"');
      }
      if (peer.spiffeId() != null) {
        element.append(";URI=").append(peer.spiffeId());
      }
      if (details.contains(CertDetail.DNS)) {
        peer.dnsNames().forEach(name -> element.append(";DNS=").append(name));
      }
      clientCert = element.toString();
      told = details;
    }
    return clientCert;
  }

  /** As PEM, with what a header cannot hold written in hexadecimal. */
  private static String pem(X509Certificate certificate) {
    try {
      String base64 =
          Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded());
      return URLEncoder.encode(
              "-----BEGIN CERTIFICATE-----\n" + base64 + "\n-----END CERTIFICATE-----\n",
              StandardCharsets.US_ASCII)
          .replace("+", "%20");
    } catch (CertificateEncodingException e) {
      return "";
    }
  }
}
