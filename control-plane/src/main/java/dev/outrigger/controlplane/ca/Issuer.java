package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.PemException;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * With what an authority signs: a root of its own, or one that was given to it, which may be an
 * intermediate below roots that others keep.
 *
 * @param signer its certificate first, then those between it and the root
 * @param roots what peers are verified against
 */
record Issuer(WorkloadIdentity signer, TrustBundle roots) {
  private static final int KEY_CERT_SIGN = 5;

  /** One that is its own root. */
  static Issuer ofRoot(WorkloadIdentity root) {
    return new Issuer(root, new TrustBundle(root.chain()));
  }

  /**
   * Reads and checks one.
   *
   * @param where for messages
   * @throws IOException if it cannot be read, is of another trust domain, has ended, may not sign,
   *     or does not lead to the roots
   */
  static Issuer of(KeptAuthority kept, String trustDomain, Instant now, Object where)
      throws IOException {
    try {
      WorkloadIdentity signer = WorkloadIdentity.parse(kept.certificate(), kept.key());
      Issuer issuer =
          kept.roots().isBlank() && kept.former().isBlank()
              ? ofRoot(signer)
              : new Issuer(signer, new TrustBundle(kept.trusted()));
      issuer.check(trustDomain, now, where);
      return issuer;
    } catch (PemException e) {
      throw new IOException("the authority in " + where + " cannot be read: " + e.getMessage(), e);
    }
  }

  private void check(String trustDomain, Instant now, Object where) throws IOException {
    X509Certificate own = signer.leaf();
    SpiffeId id = signer.spiffeId();
    // One of others' making may name no trust domain; one that names another is a mistake.
    boolean ofNone = id == null && own.getBasicConstraints() >= 0;
    if (!ofNone && (id == null || !id.equals(new SpiffeId(trustDomain, "")))) {
      throw new IOException(
          "the authority in "
              + where
              + " is of "
              + id
              + ", but the mesh's trust domain is "
              + trustDomain
              + ": give the right one, or another state folder");
    }
    if (now.isAfter(own.getNotAfter().toInstant())) {
      throw new IOException(
          "the root in " + where + " expired on " + own.getNotAfter().toInstant());
    }
    boolean[] usage = own.getKeyUsage();
    if (own.getBasicConstraints() < 0 || (usage != null && !usage[KEY_CERT_SIGN])) {
      throw new IOException(
          "the certificate in "
              + where
              + " may not sign others, expected a CA (cert-manager: isCA: true)");
    }
    signatureOf(signer.key());
    X509Certificate last = own;
    for (X509Certificate next : between()) {
      if (!isSignedBy(last, next)) {
        throw unrooted(where, last);
      }
      last = next;
    }
    X509Certificate end = last;
    if (!roots.roots().contains(end)
        && roots.roots().stream().noneMatch(root -> isSignedBy(end, root))) {
      throw unrooted(where, end);
    }
  }

  private static IOException unrooted(Object where, X509Certificate certificate) {
    return new IOException(
        "the authority in "
            + where
            + ": "
            + certificate.getSubjectX500Principal()
            + " does not lead to a root in ca.crt");
  }

  private List<X509Certificate> between() {
    return signer.chain().subList(1, signer.chain().size());
  }

  private static boolean isSignedBy(X509Certificate certificate, X509Certificate issuer) {
    try {
      certificate.verify(issuer.getPublicKey());
      return certificate.getIssuerX500Principal().equals(issuer.getSubjectX500Principal());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** A leaf's chain, the root last. */
  List<X509Certificate> chainOf(X509Certificate leaf) {
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(leaf);
    chain.addAll(signer.chain());
    X509Certificate end = chain.getLast();
    if (!roots.roots().contains(end)) {
      roots.roots().stream()
          .filter(root -> isSignedBy(end, root))
          .findFirst()
          .ifPresent(chain::add);
    }
    return chain;
  }

  /** The same with all roots, so that whoever gets it trusts those of tomorrow today. */
  List<X509Certificate> answerWith(X509Certificate leaf) {
    List<X509Certificate> chain = chainOf(leaf);
    List<X509Certificate> answer = new ArrayList<>(chain);
    roots.roots().stream()
        .filter(root -> !chain.contains(root))
        .forEach(root -> answer.add(answer.size() - 1, root));
    return answer;
  }

  /** What this kind of key signs with. */
  static String signatureOf(PrivateKey key) throws IOException {
    return switch (key.getAlgorithm()) {
      case "EC" -> "SHA256withECDSA";
      case "RSA" -> "SHA256withRSA";
      case String other ->
          throw new IOException("an authority with a key " + other + ", expected EC or RSA");
    };
  }
}
