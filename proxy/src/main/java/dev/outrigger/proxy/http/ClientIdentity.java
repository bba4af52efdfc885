package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.HttpProxyConfig.CertDetail;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.tls.PeerIdentity;
import io.netty.util.NetUtil;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
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
      text = NetUtil.toAddressString(facts.remote().getAddress());
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
      StringBuilder element = new StringBuilder();
      ownUris().forEach(uri -> element.append("By=").append(value(uri)).append(';'));
      element.append("Hash=").append(peer.sha256());
      if (details.contains(CertDetail.CERT)) {
        element.append(";Cert=\"").append(pem(List.of(peer.certificate()))).append('"');
      }
      if (details.contains(CertDetail.CHAIN)) {
        element.append(";Chain=\"").append(pem(chain(peer))).append('"');
      }
      if (details.contains(CertDetail.SUBJECT)) {
        element.append(";Subject=").append(quoted(peer.subject()));
      }
      if (details.contains(CertDetail.URI)) {
        peer.uris().forEach(uri -> element.append(";URI=").append(value(uri)));
      }
      if (details.contains(CertDetail.DNS)) {
        peer.dnsNames().forEach(name -> element.append(";DNS=").append(value(name)));
      }
      clientCert = element.toString();
      told = details;
    }
    return clientCert;
  }

  /** The URI names of the certificate that the client was shown. */
  private List<String> ownUris() {
    SSLSession session = facts.session();
    Certificate[] own = session == null ? null : session.getLocalCertificates();
    return own != null && own.length > 0 && own[0] instanceof X509Certificate leaf
        ? new PeerIdentity(leaf).uris()
        : List.of();
  }

  private List<? extends Certificate> chain(PeerIdentity peer) {
    SSLSession session = facts.session();
    try {
      return session == null ? List.of(peer.certificate()) : List.of(session.getPeerCertificates());
    } catch (SSLPeerUnverifiedException e) {
      return List.of(peer.certificate());
    }
  }

  /** As it is, unless it would look like more than one value. */
  private static String value(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (",;=\"\\".indexOf(text.charAt(i)) >= 0) {
        return quoted(text);
      }
    }
    return text;
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** As PEM, with what a header cannot hold written in hexadecimal. */
  private static String pem(List<? extends Certificate> certificates) {
    StringBuilder all = new StringBuilder();
    try {
      for (Certificate certificate : certificates) {
        all.append("-----BEGIN CERTIFICATE-----\n")
            .append(
                Base64.getMimeEncoder(64, new byte[] {'\n'})
                    .encodeToString(certificate.getEncoded()))
            .append("\n-----END CERTIFICATE-----\n");
      }
    } catch (CertificateEncodingException e) {
      return "";
    }
    return URLEncoder.encode(all.toString(), StandardCharsets.US_ASCII).replace("+", "%20");
  }
}
