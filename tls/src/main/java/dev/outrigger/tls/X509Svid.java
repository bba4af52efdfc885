package dev.outrigger.tls;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An X.509-SVID as the SPIFFE Workload API gives it, checked as our own peers would check it.
 *
 * @param id the workload's
 * @param identity chain and key
 * @param trust the roots of the workload's own trust domain
 */
public record X509Svid(SpiffeId id, WorkloadIdentity identity, TrustBundle trust) {
  private static final Pattern ENDPOINT = Pattern.compile("unix:(?://)?(/(?!/)[^\\x00?#]+)");

  /**
   * What the Workload API sends of one identity, with the names of its message.
   *
   * @param spiffeId in text form
   * @param svid the chain, leaf first, each certificate in DER, one behind the other
   * @param key PKCS#8 in DER
   * @param bundle the trust domain's roots as the chain is
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  public record Encoded(String spiffeId, byte[] svid, byte[] key, byte[] bundle) {
    @Override
    public String toString() {
      return "Encoded[" + spiffeId + "]"; // The key is in it.
    }
  }

  /**
   * Reads and checks it.
   *
   * @throws CertificateException with a reason for an operator: something is malformed, does not
   *     fit the rest, or our peers would refuse it
   */
  public static X509Svid of(Encoded encoded, InstantSource clock) throws CertificateException {
    SpiffeId id;
    try {
      id = SpiffeId.parse(encoded.spiffeId());
    } catch (IllegalArgumentException e) {
      throw new CertificateException(e.getMessage(), e);
    }
    List<X509Certificate> chain = certificates("the chain", encoded.svid());
    TrustBundle trust = new TrustBundle(certificates("the bundle", encoded.bundle()));
    WorkloadIdentity identity = new WorkloadIdentity(chain, key(encoded.key()));
    if (!id.equals(identity.spiffeId())) {
      throw new CertificateException(
          "it is said to be of " + id + ", but its certificate is of " + identity.spiffeId());
    }
    if (!identity.keyMatches()) {
      throw new CertificateException("its key does not belong to the certificate of " + id);
    }
    new PeerVerifier(trust, new PeerRule.MeshMember(Set.of(id.trustDomain()), Set.of(id)), clock)
        .verify(chain.toArray(X509Certificate[]::new), PeerVerifier.Side.CLIENT, id);
    return new X509Svid(id, identity, trust);
  }

  /**
   * Where the Workload API is, of {@code SPIFFE_ENDPOINT_SOCKET}.
   *
   * @throws IllegalArgumentException if it is not {@code unix:} and an absolute path
   */
  public static Path socketOf(String endpoint) {
    Matcher matcher = ENDPOINT.matcher(endpoint);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + endpoint + "': expected a Unix socket such as unix:///run/spire/agent.sock");
    }
    return Path.of(matcher.group(1));
  }

  /** When the leaf ends. */
  public Instant end() {
    return identity.leaf().getNotAfter().toInstant();
  }

  private static PrivateKey key(byte[] pkcs8) throws CertificateException {
    try {
      return Pem.pkcs8(pkcs8);
    } catch (Der.MalformedException | GeneralSecurityException e) {
      // The cause is not kept: its message might quote the key.
      throw new CertificateException("its private key is not a usable PKCS#8 key");
    }
  }

  private static List<X509Certificate> certificates(String what, byte[] der)
      throws CertificateException {
    List<X509Certificate> found = new ArrayList<>();
    try {
      for (Certificate one :
          Pem.certificateFactory().generateCertificates(new ByteArrayInputStream(der))) {
        found.add((X509Certificate) one);
      }
    } catch (CertificateException e) {
      throw new CertificateException(what + " is malformed: " + e.getMessage(), e);
    }
    if (found.isEmpty()) {
      throw new CertificateException(what + " has no certificate");
    }
    return found;
  }
}
