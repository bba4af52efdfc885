package dev.outrigger.tls;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.CertificateBuilder.ExtendedKeyUsage;
import io.netty.pkitesting.CertificateBuilder.KeyUsage;
import io.netty.pkitesting.X509Bundle;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/** Certificates of every kind for tests, all of one moment. */
final class Certificates {
  static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  static final InstantSource CLOCK = InstantSource.fixed(NOW);

  private Certificates() {}

  static X509Bundle root(String name) {
    return selfSigned(builder(name).setIsCertificateAuthority(true));
  }

  static CertificateBuilder builder(String name) {
    return new CertificateBuilder()
        .ecp256()
        .subject("CN=" + name)
        .notBefore(NOW.minus(Duration.ofHours(1)))
        .notAfter(NOW.plus(Duration.ofDays(1)));
  }

  /** A workload's certificate, right in everything but its names, which it has none of. */
  static CertificateBuilder leaf() {
    return builder("workload")
        .setKeyUsage(true, KeyUsage.digitalSignature)
        .addExtendedKeyUsage(ExtendedKeyUsage.PKIX_KP_SERVER_AUTH)
        .addExtendedKeyUsage(ExtendedKeyUsage.PKIX_KP_CLIENT_AUTH);
  }

  static X509Bundle member(X509Bundle root, String uri) {
    return issued(uri(leaf(), uri), root);
  }

  /** Adds a URI name byte for byte, also one that java.net.URI would refuse. */
  static CertificateBuilder uri(CertificateBuilder builder, String... uris) {
    byte[][] names = new byte[uris.length][];
    for (int i = 0; i < uris.length; i++) {
      names[i] = Der.value(0x86, uris[i].getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }
    return builder.addExtensionOctetString("2.5.29.17", false, Der.value(Der.SEQUENCE, names));
  }

  static X509Bundle issued(CertificateBuilder builder, X509Bundle issuer) {
    try {
      return builder.buildIssuedBy(issuer);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static X509Bundle selfSigned(CertificateBuilder builder) {
    try {
      return builder.buildSelfSigned();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static WorkloadIdentity identity(X509Bundle bundle) {
    return new WorkloadIdentity(
        List.of(bundle.getCertificatePath()), bundle.getKeyPair().getPrivate());
  }

  static TrustBundle trust(X509Bundle... roots) {
    return new TrustBundle(java.util.Arrays.stream(roots).map(X509Bundle::getCertificate).toList());
  }
}
