package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.SigningRequest;
import dev.outrigger.tls.SpiffeId;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Authorities that others made, as cert-manager writes them into a Secret. */
class GivenAuthorityTest {
  private static final SpiffeId CART = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/cart");

  private final SecureRandom random = new SecureRandom();
  private final Instant now = Instant.parse("2026-11-21T12:00:00Z");
  private final InstantSource clock = () -> now;
  @TempDir private Path folder;
  private KeyPair rootKeys;
  private X509Certificate root;

  @BeforeEach
  void makeRoot() throws Exception {
    rootKeys = keys("RSA");
    root = certificate("CN=root", rootKeys, "CN=root", rootKeys, true);
  }

  @Test
  void anIntermediateSignsBelowItsRootWhatKindOfKeyItEverHas() throws Exception {
    for (String kind : List.of("EC", "RSA")) {
      KeyPair keys = keys(kind);
      X509Certificate intermediate = certificate("CN=issuing", keys, "CN=root", rootKeys, true);
      CertificateAuthority authority = open(kind, keys, Pem.of(intermediate), Pem.of(root));

      assertThat(authority.trust().roots()).containsExactly(root);
      List<X509Certificate> chain =
          authority.issue(SigningRequest.create(random).pem(), CART, Duration.ZERO);
      assertThat(chain).hasSize(3).endsWith(intermediate, root);
      new PeerVerifier(
              authority.trust(), new PeerRule.MeshMember(Set.of("cluster.local"), Set.of()), clock)
          .verify(
              chain.subList(0, 2).toArray(X509Certificate[]::new), PeerVerifier.Side.CLIENT, CART);
    }
  }

  @Test
  void aRootOfOthersThatNamesNoTrustDomainIsTaken() throws Exception {
    CertificateAuthority authority = open("own", rootKeys, Pem.of(root), Pem.of(root));
    assertThat(authority.issue(SigningRequest.create(random).pem(), CART, Duration.ZERO))
        .hasSize(2)
        .endsWith(root);
  }

  @Test
  void whatMayNotSignOrLeadsNowhereIsRefused() throws Exception {
    KeyPair keys = keys("EC");
    X509Certificate leaf = certificate("CN=leaf", keys, "CN=root", rootKeys, false);
    assertThatIOException()
        .isThrownBy(() -> open("leaf", keys, Pem.of(leaf), Pem.of(root)))
        .withMessageContaining("trust domain");
    KeyPair stranger = keys("EC");
    X509Certificate elsewhere = certificate("CN=issuing", keys, "CN=root", stranger, true);
    assertThatIOException()
        .isThrownBy(() -> open("elsewhere", keys, Pem.of(elsewhere), Pem.of(root)))
        .withMessageContaining("CN=issuing does not lead to a root in ca.crt");
  }

  private CertificateAuthority open(String name, KeyPair keys, String chain, String roots)
      throws Exception {
    StateFolder state = StateFolder.open(folder.resolve(name));
    state.write(CertificateAuthority.KEY_FILE, Pem.of(keys.getPrivate()));
    state.write(CertificateAuthority.CERTIFICATE_FILE, chain);
    state.write(CertificateAuthority.ROOTS_FILE, roots);
    return CertificateAuthority.open(
        folder.resolve(name), "cluster.local", CertificateAuthority.Lifetimes.DAY, clock, random);
  }

  private KeyPair keys(String kind) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
    generator.initialize(kind.equals("RSA") ? 2048 : 256, random);
    return generator.generateKeyPair();
  }

  private X509Certificate certificate(
      String subject, KeyPair keys, String issuer, KeyPair issuerKeys, boolean authority)
      throws Exception {
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            new X500Name(issuer),
            new BigInteger(64, random),
            Date.from(now.minus(Duration.ofDays(1))),
            Date.from(now.plus(Duration.ofDays(100))),
            new X500Name(subject),
            keys.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
    builder.addExtension(
        Extension.keyUsage,
        true,
        new KeyUsage(authority ? KeyUsage.keyCertSign : KeyUsage.digitalSignature));
    String algorithm = issuerKeys.getPrivate().getAlgorithm().equals("EC") ? "ECDSA" : "RSA";
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(
                new JcaContentSignerBuilder("SHA256with" + algorithm)
                    .build(issuerKeys.getPrivate())));
  }
}
