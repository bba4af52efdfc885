package dev.outrigger.tls;

import io.netty.handler.ssl.SslHandler;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Who the peer of a connection proved to be.
 *
 * @param certificate the peer's leaf certificate, already verified
 * @param spiffeId its SPIFFE ID, where it has exactly one URI name and that is a valid one
 */
public record PeerIdentity(X509Certificate certificate, @Nullable SpiffeId spiffeId) {

  /** Reads the SPIFFE ID from a certificate that was verified before. */
  public PeerIdentity(X509Certificate certificate) {
    this(certificate, spiffeIdOf(certificate));
  }

  /** The peer of a finished handshake, or null if it showed no certificate. */
  public static @Nullable PeerIdentity of(SslHandler handler) {
    return of(handler.engine().getSession());
  }

  /** The peer of a finished handshake, or null if it showed no certificate. */
  public static @Nullable PeerIdentity of(SSLSession session) {
    try {
      Certificate[] chain = session.getPeerCertificates();
      return chain.length > 0 && chain[0] instanceof X509Certificate leaf
          ? new PeerIdentity(leaf)
          : null;
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }

  /** The SHA-256 hash of the leaf's DER in lower-case hexadecimal, as Envoy's XFCC has it. */
  public String sha256() {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
      return HexFormat.of().formatHex(hash);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot hash a verified certificate", e);
    }
  }

  /** The URI names of the leaf in their order; empty where it has none. */
  public List<String> uris() {
    return names(PeerRule.NameKind.URI);
  }

  /** The DNS names of the leaf in their order; empty where it has none. */
  public List<String> dnsNames() {
    return names(PeerRule.NameKind.DNS);
  }

  /** The subject's distinguished name (RFC 2253); often empty. */
  public String subject() {
    return certificate.getSubjectX500Principal().getName();
  }

  private List<String> names(PeerRule.NameKind kind) {
    try {
      return SubjectNames.of(certificate).all(kind);
    } catch (CertificateParsingException e) {
      return List.of();
    }
  }

  private static @Nullable SpiffeId spiffeIdOf(X509Certificate certificate) {
    try {
      List<String> uris = SubjectNames.of(certificate).all(PeerRule.NameKind.URI);
      return uris.size() == 1 ? SpiffeId.parse(uris.getFirst()) : null;
    } catch (CertificateParsingException | IllegalArgumentException e) {
      return null;
    }
  }
}
