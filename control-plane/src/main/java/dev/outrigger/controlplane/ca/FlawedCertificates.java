package dev.outrigger.controlplane.ca;

import dev.outrigger.fault.HandshakeFault.Flaw;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Makes certificates with one thing wrong and all else right. Each has a key of its own, and the
 * keys of the authorities that are made for it are forgotten at once. What is not yet valid never
 * will be, since its root ends before.
 */
final class FlawedCertificates {
  private static final Duration LONG_AGO = Duration.ofHours(25);
  private static final Duration AGO = Duration.ofHours(1);
  private static final Duration AFTER_THE_ROOT = Duration.ofDays(1);
  private static final String NOBODY = "/outrigger-fault/wrong-name";

  /** RFC 6761 keeps it from ever being a real one. */
  private static final String ELSEWHERE = "outrigger-fault.invalid";

  private final WorkloadIdentity root;
  private final SecureRandom random;

  FlawedCertificates(WorkloadIdentity root, SecureRandom random) {
    this.root = root;
    this.random = random;
  }

  WorkloadIdentity make(SpiffeId identity, Flaw flaw, Instant now, Duration lifetime) {
    Instant from = now.minus(CertificateAuthority.BACKDATED);
    Instant rootEnd = root.leaf().getNotAfter().toInstant();
    Instant to = now.plus(lifetime).isAfter(rootEnd) ? rootEnd : now.plus(lifetime);
    return switch (flaw) {
      case EXPIRED -> issued(root, identity, now.minus(LONG_AGO), now.minus(AGO));
      case NOT_YET_VALID ->
          issued(
              root,
              identity,
              rootEnd.plus(AFTER_THE_ROOT),
              rootEnd.plus(AFTER_THE_ROOT).plus(LONG_AGO));
      case WRONG_NAME ->
          issued(root, SpiffeId.parse("spiffe://" + identity.trustDomain() + NOBODY), from, to);
      case WRONG_TRUST_DOMAIN ->
          issued(root, SpiffeId.parse("spiffe://" + ELSEWHERE + identity.path()), from, to);
      case MISSING_INTERMEDIATE -> {
        WorkloadIdentity leaf =
            issued(
                authority("CN=Outrigger missing intermediate", root, from, to), identity, from, to);
        yield new WorkloadIdentity(List.of(leaf.leaf()), leaf.key());
      }
      case UNTRUSTED ->
          issued(authority("CN=Outrigger unknown root", null, from, to), identity, from, to);
    };
  }

  private WorkloadIdentity issued(
      WorkloadIdentity issuer, SpiffeId identity, Instant from, Instant to) {
    try {
      KeyPair keys = CertificateAuthority.newKeys(random);
      X509Certificate leaf =
          CertificateAuthority.sign(
              issuer,
              keys.getPublic(),
              new GeneralNames(CertificateAuthority.uri(identity)),
              from,
              to,
              random);
      return new WorkloadIdentity(List.of(leaf, issuer.leaf()), keys.getPrivate());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no P-256", e);
    }
  }

  /**
   * @param issuer null for one that vouches for itself
   */
  private WorkloadIdentity authority(
      String name, @Nullable WorkloadIdentity issuer, Instant from, Instant to) {
    try {
      KeyPair keys = CertificateAuthority.newKeys(random);
      PrivateKey signing = issuer == null ? keys.getPrivate() : issuer.key();
      X500Name subject = new X500Name(name);
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              issuer == null
                  ? subject
                  : X500Name.getInstance(issuer.leaf().getSubjectX500Principal().getEncoded()),
              CertificateAuthority.serial(random),
              Date.from(from),
              Date.from(to),
              subject,
              keys.getPublic());
      builder
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
          .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      X509Certificate certificate =
          new JcaX509CertificateConverter()
              .getCertificate(
                  builder.build(
                      new JcaContentSignerBuilder(Issuer.signatureOf(signing))
                          .setSecureRandom(random)
                          .build(signing)));
      return new WorkloadIdentity(List.of(certificate), keys.getPrivate());
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("no authority can be made", e);
    }
  }
}
