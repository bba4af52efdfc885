package dev.outrigger.controlplane.ca;

import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/**
 * Signs X.509-SVIDs with a root of its own, which it makes at its first start and keeps in the
 * state folder, or with what it finds there. Any thread may use it.
 */
public final class CertificateAuthority implements ServingIdentity {
  /** Of a state folder: the private key. */
  public static final String KEY_FILE = "ca.key";

  /** Of a state folder: the certificate of the key, and those between it and the root. */
  public static final String CERTIFICATE_FILE = "ca.crt";

  /** Of a state folder: the roots, where the certificate is not one. */
  public static final String ROOTS_FILE = "ca-roots.crt";

  /** How far a peer's clock may be behind ours. */
  static final Duration BACKDATED = Duration.ofMinutes(1);

  private static final int MAX_REQUEST_CHARACTERS = 16 << 10;
  private static final int MIN_RSA_BITS = 2048;
  private static final int MAX_RSA_BITS = 8192;
  static final String SIGNATURE = "SHA256withECDSA";

  private final StateFolder state;
  private volatile Issuer issuer;
  private final String trustDomain;
  private final Lifetimes lifetimes;
  private final InstantSource clock;
  private final SecureRandom random;

  /**
   * How long certificates live.
   *
   * @param standard where none is asked for, positive
   * @param longest what is asked for is shortened to this
   */
  public record Lifetimes(Duration standard, Duration longest) {
    /** A day each, as in Istio and Linkerd. */
    public static final Lifetimes DAY = new Lifetimes(Duration.ofHours(24), Duration.ofHours(24));

    public Lifetimes {
      if (!standard.isPositive() || longest.compareTo(standard) < 0) {
        throw new IllegalArgumentException(
            "the standard lifetime must be positive and not above the longest");
      }
    }

    Duration granted(Duration asked) {
      if (!asked.isPositive()) {
        return standard;
      }
      return asked.compareTo(longest) > 0 ? longest : asked;
    }
  }

  private CertificateAuthority(
      StateFolder state,
      Issuer issuer,
      String trustDomain,
      Lifetimes lifetimes,
      InstantSource clock,
      SecureRandom random) {
    this.state = state;
    this.issuer = issuer;
    this.trustDomain = trustDomain;
    this.lifetimes = lifetimes;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Opens the authority of a state folder, and makes it if there is none.
   *
   * @param folder made for its owner only, if it does not exist
   * @throws IOException if the folder or the key is open to others, belongs to another trust
   *     domain, is incomplete or cannot be used; the message says how to repair it
   */
  public static CertificateAuthority open(
      Path folder,
      String trustDomain,
      Lifetimes lifetimes,
      InstantSource clock,
      SecureRandom random)
      throws IOException {
    StateFolder state = StateFolder.open(folder);
    String domain = new SpiffeId(trustDomain, "").trustDomain();
    // Two control planes that start at once on one folder must end up with one root.
    try (var _ = state.lock("ca.lock")) {
      // The key is written first: a key alone is a first start that was cut short.
      if (state.has(CERTIFICATE_FILE) && !state.has(KEY_FILE)) {
        throw new IOException(
            folder + " has " + CERTIFICATE_FILE + " but no " + KEY_FILE + ": restore the key");
      }
      if (!state.has(CERTIFICATE_FILE)) {
        WorkloadIdentity root = RootCertificate.first(domain, clock.instant(), random);
        state.write(KEY_FILE, Pem.of(root.key()));
        state.write(CERTIFICATE_FILE, Pem.of(root.leaf()));
      }
      return new CertificateAuthority(
          state,
          Issuer.of(KeptAuthority.read(state), domain, clock.instant(), state),
          domain,
          lifetimes,
          clock,
          random);
    }
  }

  /** What is kept at present. */
  public KeptAuthority kept() throws IOException {
    return KeptAuthority.read(state);
  }

  /**
   * Keeps something else, and signs with that from now on.
   *
   * @return whether it is something else than before
   * @throws IOException if it is of no use, or cannot be kept; then all goes on as before
   */
  public boolean adopt(KeptAuthority next) throws IOException {
    Issuer now = Issuer.of(next, trustDomain, clock.instant(), state);
    if (!next.equals(kept())) {
      next.write(state);
    }
    boolean differs = !now.equals(issuer);
    issuer = now;
    return differs;
  }

  /**
   * What is to be kept where somebody may have given another authority: what is there, or how it
   * follows the present one without anybody being distrusted.
   *
   * @throws IOException if it is of no use
   */
  public KeptAuthority following(KeptAuthority there) throws IOException {
    return newSuccession().follow(kept(), there, clock.instant());
  }

  /**
   * What is to be kept from now on, where a step is due by which one root follows another; null
   * otherwise.
   *
   * @throws IOException if what is kept cannot be read
   */
  public @Nullable KeptAuthority succession() throws IOException {
    return newSuccession().step(kept(), clock.instant());
  }

  private Succession newSuccession() {
    Duration serving = Duration.ofHours(24); // Of the control plane's own certificates.
    Duration longest = lifetimes.longest().compareTo(serving) > 0 ? lifetimes.longest() : serving;
    return new Succession(trustDomain, longest, random);
  }

  @Override
  public SpiffeId id() {
    return SpiffeId.ofControlPlane(trustDomain);
  }

  @Override
  public TrustBundle trust() {
    return issuer.roots();
  }

  /** Of every identity that this authority vouches for; in lower case. */
  public String trustDomain() {
    return trustDomain;
  }

  /**
   * Certifies the key of a request for an identity that the caller has verified.
   *
   * @param requestPem PKCS#10; its key counts and its proof of possession must hold, every name or
   *     extension in it is ignored
   * @param identity with a path, in this authority's trust domain
   * @param asked the lifetime asked for; zero or less takes the standard
   * @return leaf first, the root last; between them also what else is to be trusted
   * @throws RefusedRequestException if the request is malformed, its key weak or its proof wrong
   */
  public List<X509Certificate> issue(String requestPem, SpiffeId identity, Duration asked)
      throws RefusedRequestException {
    if (!identity.hasPath() || !identity.trustDomain().equals(trustDomain)) {
      throw new RefusedRequestException(
          identity + " is not a workload of the trust domain " + trustDomain);
    }
    PublicKey key = certifiableKey(requestPem);
    Issuer signing = issuer;
    return signing.answerWith(
        sign(signing, key, new GeneralNames(uri(identity)), lifetimes.granted(asked)));
  }

  @Override
  public WorkloadIdentity servingIdentity(
      List<String> dnsNames, List<InetAddress> addresses, Duration lifetime) {
    try {
      KeyPair keys = newKeys(random);
      List<GeneralName> names = new ArrayList<>();
      names.add(uri(id()));
      for (String dns : dnsNames) {
        names.add(new GeneralName(GeneralName.dNSName, dns));
      }
      for (InetAddress address : addresses) {
        names.add(new GeneralName(GeneralName.iPAddress, withoutScope(address)));
      }
      Issuer signing = issuer;
      X509Certificate leaf =
          sign(
              signing,
              keys.getPublic(),
              new GeneralNames(names.toArray(GeneralName[]::new)),
              lifetime);
      return new WorkloadIdentity(signing.chainOf(leaf), keys.getPrivate());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no P-256", e);
    }
  }

  /** Checks the whole of a request and gives its key. */
  PublicKey certifiableKey(String requestPem) throws RefusedRequestException {
    if (requestPem.length() > MAX_REQUEST_CHARACTERS) {
      throw new RefusedRequestException(
          "the request is longer than " + MAX_REQUEST_CHARACTERS + " characters");
    }
    try {
      JcaPKCS10CertificationRequest request =
          new JcaPKCS10CertificationRequest(content(requestPem));
      PublicKey key = request.getPublicKey();
      boolean strong =
          switch (key) {
            case ECPublicKey ec -> {
              int bits = ec.getParams().getOrder().bitLength();
              yield bits >= 256 && bits <= 521;
            }
            case RSAPublicKey rsa -> {
              int bits = rsa.getModulus().bitLength();
              yield bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
            }
            default -> false;
          };
      if (!strong) {
        throw new RefusedRequestException(
            "the key is "
                + key.getAlgorithm()
                + " of a kind or size that is not certified, expected EC P-256 or RSA 2048");
      }
      if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
        throw new RefusedRequestException("the request is not signed by its own key");
      }
      return key;
    } catch (PemException e) {
      throw new RefusedRequestException("the request is not PEM: " + e.getMessage());
    } catch (IOException
        | GeneralSecurityException
        | OperatorCreationException
        | PKCSException
        | RuntimeException e) {
      // BouncyCastle reports malformed input by runtime exceptions of many kinds.
      throw new RefusedRequestException("the request is not a usable PKCS#10 request");
    }
  }

  private static byte[] content(String requestPem) throws PemException {
    return requestPem.contains("BEGIN NEW CERTIFICATE REQUEST")
        ? Pem.content(requestPem, "NEW CERTIFICATE REQUEST")
        : Pem.content(requestPem, "CERTIFICATE REQUEST");
  }

  /**
   * Makes a certificate that peers must refuse, with a key of its own: for faults. None of them can
   * ever be mistaken for a good one.
   *
   * @param identity of the workload that will show it
   * @param lifetime of those that are not wrong by their dates
   */
  public WorkloadIdentity flawed(SpiffeId identity, HandshakeFault.Flaw flaw, Duration lifetime) {
    return new FlawedCertificates(issuer.signer(), random)
        .make(identity, flaw, clock.instant(), lifetime);
  }

  private X509Certificate sign(
      Issuer issuer, PublicKey key, GeneralNames names, Duration lifetime) {
    Instant now = clock.instant();
    Instant rootEnd = issuer.signer().leaf().getNotAfter().toInstant();
    Instant end = now.plus(lifetime).isAfter(rootEnd) ? rootEnd : now.plus(lifetime);
    return sign(issuer.signer(), key, names, now.minus(BACKDATED), end, random);
  }

  /** What an authority says of a workload's key. */
  static X509Certificate sign(
      WorkloadIdentity issuer,
      PublicKey key,
      GeneralNames names,
      Instant from,
      Instant to,
      SecureRandom random) {
    try {
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              issuer.leaf().getSubjectX500Principal(),
              serial(random),
              Date.from(from),
              Date.from(to),
              new javax.security.auth.x500.X500Principal(""),
              key);
      JcaX509ExtensionUtils ids = new JcaX509ExtensionUtils();
      List<ASN1Encodable> purposes =
          List.of(KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth);
      builder
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
          .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
          .addExtension(
              Extension.extendedKeyUsage,
              false,
              new ExtendedKeyUsage(purposes.toArray(KeyPurposeId[]::new)))
          .addExtension(
              Extension.authorityKeyIdentifier,
              false,
              ids.createAuthorityKeyIdentifier(issuer.leaf().getPublicKey()))
          // Critical, because the subject is empty (RFC 5280, 4.2.1.6).
          .addExtension(Extension.subjectAlternativeName, true, names);
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder(Issuer.signatureOf(issuer.key()))
                      .setSecureRandom(random)
                      .build(issuer.key())));
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("the authority cannot sign", e);
    }
  }

  static KeyPair newKeys(SecureRandom random) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"), random);
    return generator.generateKeyPair();
  }

  /** 127 random bits: positive, and not zero for all that chance can do. */
  static BigInteger serial(SecureRandom random) {
    return new BigInteger(127, random).setBit(126);
  }

  static GeneralName uri(SpiffeId id) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, id.toString());
  }

  private static String withoutScope(InetAddress address) {
    String text = address.getHostAddress();
    int scope = text.indexOf('%');
    return scope < 0 ? text : text.substring(0, scope);
  }
}
