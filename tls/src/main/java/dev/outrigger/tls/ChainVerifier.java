package dev.outrigger.tls;

import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.PublicKey;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
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
  private static final String NAME_CONSTRAINTS = "2.5.29.30";
  private static final int KEY_CERT_SIGN = 5;
  private static final int MIN_RSA_BITS = 2048;
  private static final int MIN_EC_BITS = 256;

  /** Extensions of a root that are looked at, here or in the JDK; another one may not be critical. */
  private static final Set<String> KNOWN =
      Set.of(BASIC_CONSTRAINTS, NAME_CONSTRAINTS, "2.5.29.15", "2.5.29.17", "2.5.29.37");

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
    try {
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors(date), target(leaf));
      parameters.setRevocationEnabled(false);
      parameters.setDate(date);
      parameters.setMaxPathLength(MAX_CHAIN);
      parameters.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(List.of(chain))));
      PKIXCertPathBuilderResult result =
          (PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX").build(parameters);
      for (Certificate certificate : result.getCertPath().getCertificates()) {
        checkKey((X509Certificate) certificate);
      }
    } catch (CertPathBuilderException e) {
      throw new CertificateException("the chain leads to no trusted root: " + reason(e), e);
    } catch (GeneralSecurityException e) {
      if (e instanceof CertificateException refused) {
        throw refused;
      }
      throw new CertificateException("the chain cannot be verified: " + e.getMessage(), e);
    }
  }

  private static X509CertSelector target(X509Certificate leaf) {
    X509CertSelector selector = new X509CertSelector();
    selector.setCertificate(leaf);
    return selector;
  }

  /** The roots that may vouch for anybody today. */
  private Set<TrustAnchor> anchors(Date date)
      throws CertificateException, InvalidAlgorithmParameterException {
    Set<TrustAnchor> anchors = new HashSet<>();
    List<String> refused = new ArrayList<>();
    for (X509Certificate root : roots) {
      try {
        checkRoot(root, date);
        anchors.add(new TrustAnchor(root, nameConstraints(root)));
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

  /** The root's name constraints without the octet string around them, or null. */
  private static byte @org.jspecify.annotations.Nullable [] nameConstraints(X509Certificate root)
      throws CertificateException {
    byte[] extension = root.getExtensionValue(NAME_CONSTRAINTS);
    if (extension == null) {
      return null;
    }
    try {
      return Der.reader(extension).next(Der.OCTET_STRING).rest();
    } catch (Der.MalformedException e) {
      throw new CertificateException("its name constraints are malformed", e);
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
