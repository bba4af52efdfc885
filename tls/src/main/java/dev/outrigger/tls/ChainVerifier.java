package dev.outrigger.tls;

import java.math.BigInteger;
import java.security.InvalidAlgorithmParameterException;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Leads a chain of certificates back to a trusted root (RFC 5280). The JDK's PKIX builder does the
 * walk; what it leaves out is added here: the root's own name constraints, dates and extensions,
 * and the strength of every key.
 */
final class ChainVerifier {
  /** Certificates that a peer may show: enough for any real hierarchy, little for an attacker. */
  static final int MAX_CHAIN = 10;

  private static final String BASIC_CONSTRAINTS = "2.5.29.19";
  private static final int KEY_CERT_SIGN = 5;
  private static final int MAX_SERIAL_BITS = 159;
  private static final int MIN_RSA_BITS = 2048;
  private static final int MIN_EC_BITS = 256;

  /**
   * Extensions of a root that are looked at, here or in the JDK; another one may not be critical.
   */
  private static final Set<String> KNOWN =
      Set.of(BASIC_CONSTRAINTS, NameConstraints.OID, "2.5.29.15", "2.5.29.17", "2.5.29.37");

  private final List<X509Certificate> roots;

  ChainVerifier(TrustBundle trust) {
    this.roots = trust.roots();
  }

  /**
   * Verifies a chain.
   *
   * @param chain leaf first, the rest in any order
   * @throws CertificateException saying why it leads to no trusted root
   */
  void verify(X509Certificate[] chain, Instant now) throws CertificateException {
    if (chain.length == 0) {
      throw new CertificateException("the peer showed no certificate");
    }
    if (chain.length > MAX_CHAIN) {
      throw new CertificateException(
          "the peer showed " + chain.length + " certificates, at most " + MAX_CHAIN);
    }
    X509Certificate leaf = chain[0];
    Date date = Date.from(now);
    leaf.checkValidity(date);
    checkKey(leaf);
    if (roots.contains(leaf)) {
      return; // Trusted itself, such as a self-signed certificate pinned by a user.
    }
    Set<TrustAnchor> anchors = anchors(date);
    try {
      CertStore shown =
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(List.of(chain)));
      CertificateException refusal = null;
      while (!anchors.isEmpty()) {
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, target(leaf));
        parameters.setRevocationEnabled(false);
        parameters.setDate(date);
        parameters.setMaxPathLength(MAX_CHAIN);
        parameters.addCertStore(shown);
        PKIXCertPathBuilderResult found;
        try {
          found = (PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX").build(parameters);
        } catch (CertPathBuilderException e) {
          throw refusal != null
              ? refusal
              : new CertificateException("the chain leads to no trusted root: " + reason(e), e);
        }
        try {
          checkPath(found, date);
          return;
        } catch (CertificateException e) {
          // Another root may vouch for the same chain without this one's constraints.
          refusal = e;
          anchors.remove(found.getTrustAnchor());
        }
      }
      throw refusal != null ? refusal : new CertificateException("no root can be used");
    } catch (UnsupportedOperationException e) {
      // The JDK's answer to name constraints over kinds of name that it does not know.
      throw new CertificateException("the chain cannot be verified: " + e.getMessage(), e);
    } catch (NoSuchAlgorithmException | InvalidAlgorithmParameterException e) {
      throw new IllegalStateException("this JDK has no PKIX", e);
    }
  }

  /** What the builder leaves out: the strength of the keys, and the root's name constraints. */
  private static void checkPath(PKIXCertPathBuilderResult found, Date date)
      throws CertificateException, NoSuchAlgorithmException, InvalidAlgorithmParameterException {
    List<X509Certificate> path = new ArrayList<>();
    for (Certificate certificate : found.getCertPath().getCertificates()) {
      checkKey((X509Certificate) certificate);
      checkSerial((X509Certificate) certificate);
      path.add((X509Certificate) certificate);
    }
    X509Certificate root = found.getTrustAnchor().getTrustedCert();
    X509Certificate leaf = path.getFirst();
    checkLeaf(leaf);
    for (X509Certificate authority : path.subList(1, path.size())) {
      checkWildcards(leaf, authority);
    }
    checkWildcards(leaf, root);
    if (root.getExtensionValue(NameConstraints.OID) == null) {
      return;
    }
    // The JDK heeds constraints only of certificates within the path, so the root goes into it,
    // vouched for by its own name and key.
    path.add(root);
    PKIXParameters parameters =
        new PKIXParameters(
            Set.of(new TrustAnchor(root.getSubjectX500Principal(), root.getPublicKey(), null)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(date);
    try {
      CertPathValidator.getInstance("PKIX")
          .validate(Pem.certificateFactory().generateCertPath(path), parameters);
    } catch (CertPathValidatorException e) {
      throw new CertificateException(
          "the chain breaks the name constraints of its root: " + reason(e), e);
    }
  }

  /** What only an authority may have. */
  private static void checkLeaf(X509Certificate leaf) throws CertificateException {
    boolean[] usage = leaf.getKeyUsage();
    if (leaf.getBasicConstraints() < 0 && usage != null && usage[KEY_CERT_SIGN]) {
      throw new CertificateException(
          "the peer's key may sign certificates, but the peer is not an authority");
    }
    if (leaf.getBasicConstraints() < 0 && leaf.getExtensionValue(NameConstraints.OID) != null) {
      throw new CertificateException("the peer constrains names, but is not an authority");
    }
  }

  private static void checkWildcards(X509Certificate leaf, X509Certificate authority)
      throws CertificateException {
    NameConstraints constraints = NameConstraints.of(authority);
    if (constraints == null) {
      return;
    }
    for (String name : SubjectNames.of(leaf).all(PeerRule.NameKind.DNS)) {
      if (constraints.excludesWildcard(name)) {
        throw new CertificateException(
            "the name "
                + name
                + " covers what "
                + authority.getSubjectX500Principal()
                + " excludes");
      }
    }
  }

  /** RFC 5280, 4.1.2.2. */
  private static void checkSerial(X509Certificate certificate) throws CertificateException {
    BigInteger serial = certificate.getSerialNumber();
    if (serial.signum() <= 0 || serial.bitLength() > MAX_SERIAL_BITS) {
      throw new CertificateException("a serial number is not positive or longer than 20 bytes");
    }
  }

  private static X509CertSelector target(X509Certificate leaf) {
    X509CertSelector selector = new X509CertSelector();
    selector.setCertificate(leaf);
    return selector;
  }

  /** The roots that may vouch for anybody today. */
  private Set<TrustAnchor> anchors(Date date) throws CertificateException {
    Set<TrustAnchor> anchors = new HashSet<>();
    List<String> refused = new ArrayList<>();
    for (X509Certificate root : roots) {
      try {
        checkRoot(root, date);
        anchors.add(new TrustAnchor(root, null));
      } catch (CertificateException e) {
        refused.add(e.getMessage());
      }
    }
    if (anchors.isEmpty()) {
      throw new CertificateException("no root can be used: " + String.join("; ", refused));
    }
    return anchors;
  }

  private static void checkRoot(X509Certificate root, Date date) throws CertificateException {
    root.checkValidity(date);
    checkKey(root);
    if (root.getVersion() >= 3 && root.getBasicConstraints() < 0) {
      throw new CertificateException("it is not a certificate authority");
    }
    boolean[] usage = root.getKeyUsage();
    if (usage != null && !usage[KEY_CERT_SIGN]) {
      throw new CertificateException("its key may not sign certificates");
    }
    Set<String> critical = root.getCriticalExtensionOIDs();
    if (critical != null && !KNOWN.containsAll(critical)) {
      throw new CertificateException("it has a critical extension that is not understood");
    }
  }

  private static void checkKey(X509Certificate certificate) throws CertificateException {
    PublicKey key = certificate.getPublicKey();
    boolean strong =
        switch (key) {
          case RSAPublicKey rsa -> rsa.getModulus().bitLength() >= MIN_RSA_BITS;
          case ECPublicKey ec -> ec.getParams().getOrder().bitLength() >= MIN_EC_BITS;
          default -> key.getAlgorithm().equals("EdDSA") || key.getAlgorithm().equals("Ed25519");
        };
    if (!strong) {
      throw new CertificateException(
          "a key of the chain is too weak or of an unknown kind: " + key.getAlgorithm());
    }
  }

  /** The innermost message that says something: the builder's own is always the same. */
  private static String reason(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      if (cause.getMessage() != null) {
        message = cause.getMessage();
      }
    }
    return message;
  }
}
