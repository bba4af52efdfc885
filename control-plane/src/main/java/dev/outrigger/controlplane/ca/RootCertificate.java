package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Roots of our own making. */
final class RootCertificate {
  static final Duration LIFETIME = Duration.ofDays(3650);
  private static final String NAME = "Outrigger root";

  private RootCertificate() {}

  /** The first of a mesh. */
  static WorkloadIdentity first(String trustDomain, Instant now, SecureRandom random)
      throws IOException {
    return make(NAME, trustDomain, now, random);
  }

  /** One that follows another, by another name: some verifiers choose roots by their names. */
  static WorkloadIdentity successor(String trustDomain, Instant now, SecureRandom random)
      throws IOException {
    return make(NAME + " of " + now, trustDomain, now, random);
  }

  /** Whether it is one of ours, in place of one that was given. */
  static boolean isOurs(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal())
        && certificate.getSubjectX500Principal().getName().contains("CN=" + NAME);
  }

  private static WorkloadIdentity make(
      String commonName, String trustDomain, Instant now, SecureRandom random) throws IOException {
    try {
      KeyPair keys = CertificateAuthority.newKeys(random);
      X500Name name =
          new X500NameBuilder(BCStyle.INSTANCE)
              .addRDN(BCStyle.CN, commonName)
              .addRDN(BCStyle.O, trustDomain)
              .build();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              CertificateAuthority.serial(random),
              Date.from(now.minus(CertificateAuthority.BACKDATED)),
              Date.from(now.plus(LIFETIME)),
              name,
              keys.getPublic());
      JcaX509ExtensionUtils ids = new JcaX509ExtensionUtils();
      builder
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
          .addExtension(
              Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
          .addExtension(
              Extension.subjectKeyIdentifier,
              false,
              ids.createSubjectKeyIdentifier(keys.getPublic()))
          .addExtension(
              Extension.subjectAlternativeName,
              false,
              new GeneralNames(CertificateAuthority.uri(new SpiffeId(trustDomain, ""))));
      X509Certificate certificate =
          new JcaX509CertificateConverter()
              .getCertificate(
                  builder.build(
                      new JcaContentSignerBuilder(CertificateAuthority.SIGNATURE)
                          .setSecureRandom(random)
                          .build(keys.getPrivate())));
      return new WorkloadIdentity(List.of(certificate), keys.getPrivate());
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IOException("no authority can be made: " + e.getMessage(), e);
    }
  }
}
