package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.SigningRequest;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
  private Instant now = Instant.parse("2026-11-21T12:00:00Z");
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

  /** A proxy's certificate of this moment, and whom it trusts until it is renewed. */
  private record Proxy(List<X509Certificate> chain, TrustBundle trust) {}

  private Proxy proxy(CertificateAuthority authority) throws Exception {
    List<X509Certificate> answer =
        authority.issue(SigningRequest.create(random).pem(), CART, Duration.ZERO);
    return new Proxy(List.of(answer.getFirst()), new TrustBundle(answer.subList(1, answer.size())));
  }

  private void assertTrust(Proxy one, Proxy other) throws Exception {
    for (Proxy verifier : List.of(one, other)) {
      Proxy shown = verifier == one ? other : one;
      new PeerVerifier(
              verifier.trust(), new PeerRule.MeshMember(Set.of("cluster.local"), Set.of()), clock)
          .verify(shown.chain().toArray(X509Certificate[]::new), PeerVerifier.Side.CLIENT, CART);
    }
  }

  /** What a replica does when it looks at the Secret; null where that is to be left as it is. */
  private KeptAuthority look(CertificateAuthority authority, KeptAuthority secret)
      throws Exception {
    KeptAuthority followed = authority.following(secret);
    authority.adopt(followed);
    KeptAuthority next = authority.succession();
    if (next != null) {
      authority.adopt(next);
      followed = next;
    }
    return KeptAuthority.ofSecret("s", followed.toSecret());
  }

  @Test
  void oneThatIsGivenAnewIsTrustedBeforeItSignsAndTheOldOneUntilNothingOfItIsLeft()
      throws Exception {
    Duration overlap = Duration.ofHours(25);
    CertificateAuthority authority = open("state", rootKeys, Pem.of(root), Pem.of(root));
    CertificateAuthority other = open("other", rootKeys, Pem.of(root), Pem.of(root));
    Proxy before = proxy(authority);
    KeyPair keys = keys("EC");
    X509Certificate next = certificate("CN=root", keys, "CN=root", keys, true);
    KeptAuthority secret = new KeptAuthority(Pem.of(next), Pem.of(keys.getPrivate()), Pem.of(next));

    secret = look(authority, secret);
    assertThat(authority.trust().roots()).containsExactlyInAnyOrder(root, next);
    assertThat(secret.toSecret()).containsEntry("tls.crt", Pem.of(next));
    Proxy during = proxy(authority);
    assertTrust(before, during); // Who has not heard of the next one yet is not shown it.
    now = now.plus(Duration.ofHours(1));
    assertThat(look(other, secret)).as("another replica goes by the same").isEqualTo(secret);
    assertThat(look(authority, secret)).isEqualTo(secret);

    now = now.plus(overlap);
    secret = look(authority, secret);
    Proxy after = proxy(authority);
    after.chain().getFirst().verify(next.getPublicKey());
    assertTrust(proxy(other), after);
    assertThat(look(other, secret)).isEqualTo(secret);
    assertThat(authority.trust().roots()).containsExactlyInAnyOrder(root, next);

    now = now.plus(overlap.dividedBy(2));
    Proxy renewed = proxy(other);
    now = now.plus(overlap.dividedBy(2));
    secret = look(authority, secret);
    assertThat(authority.trust().roots()).containsExactly(next);
    assertThat(secret)
        .isEqualTo(new KeptAuthority(Pem.of(next), Pem.of(keys.getPrivate()), Pem.of(next)));
    assertTrust(renewed, proxy(authority));
    assertThat(look(other, secret)).isEqualTo(secret);
    assertThat(other.trust().roots()).containsExactly(next);
  }

  @Test
  void oneWithTheSameKeySignsAtOnce() throws Exception {
    CertificateAuthority authority = open("state", rootKeys, Pem.of(root), Pem.of(root));
    Proxy before = proxy(authority);
    X509Certificate next = certificate("CN=root", rootKeys, "CN=root", rootKeys, true);
    KeptAuthority secret =
        look(
            authority,
            new KeptAuthority(Pem.of(next), Pem.of(rootKeys.getPrivate()), Pem.of(next)));
    assertThat(secret.nextCertificate()).isEmpty();
    assertThat(authority.trust().roots()).containsExactlyInAnyOrder(root, next);
    assertTrust(before, proxy(authority));
  }

  @Test
  void anIntermediateBelowTheSameRootSignsAtOnce() throws Exception {
    CertificateAuthority authority = open("state", rootKeys, Pem.of(root), Pem.of(root));
    KeyPair keys = keys("EC");
    X509Certificate next = certificate("CN=issuing", keys, "CN=root", rootKeys, true);
    KeptAuthority secret = new KeptAuthority(Pem.of(next), Pem.of(keys.getPrivate()), Pem.of(root));
    assertThat(look(authority, secret)).isEqualTo(secret);
    assertThat(authority.trust().roots()).containsExactly(root);
  }

  @Test
  void oneThatIsGivenWhileAnotherIsOnItsWayIsAnnouncedToo() throws Exception {
    CertificateAuthority authority = open("state", rootKeys, Pem.of(root), Pem.of(root));
    List<X509Certificate> given = new ArrayList<>();
    KeptAuthority secret = authority.kept();
    for (int i = 0; i < 2; i++) {
      KeyPair keys = keys("EC");
      given.add(certificate("CN=next", keys, "CN=next", keys, true));
      // As cert-manager writes its own three, and leaves the others.
      Map<String, String> texts = new HashMap<>(i == 0 ? Map.of() : secret.toSecret());
      texts.put("tls.crt", Pem.of(given.getLast()));
      texts.put("tls.key", Pem.of(keys.getPrivate()));
      texts.put("ca.crt", Pem.of(given.getLast()));
      now = now.plus(Duration.ofHours(20));
      secret = look(authority, KeptAuthority.ofSecret("s", texts));
    }
    now = now.plus(Duration.ofHours(20));
    assertThat(look(authority, secret)).as("the time of the second counts").isEqualTo(secret);
    assertThat(authority.trust().roots())
        .containsExactlyInAnyOrder(root, given.getFirst(), given.getLast());
    assertThat(proxy(authority).chain().getFirst().getIssuerX500Principal())
        .isEqualTo(root.getSubjectX500Principal());
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
