package dev.outrigger.tls;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A certificate chain and its private key: what this proxy shows to its peers.
 *
 * @param chain leaf first, not empty
 * @param key the leaf's private key; never printed
 */
public record WorkloadIdentity(List<X509Certificate> chain, PrivateKey key) {
  public WorkloadIdentity {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("an identity needs a certificate");
    }
  }

  /**
   * Reads a chain, leaf first, and its key from PEM text.
   *
   * @throws PemException if either is malformed, or the key is not that of the first certificate
   */
  public static WorkloadIdentity parse(String chainPem, String keyPem) throws PemException {
    WorkloadIdentity identity =
        new WorkloadIdentity(Pem.certificates(chainPem), Pem.privateKey(keyPem));
    if (!identity.keyMatches()) {
      throw new PemException(
          "the private key does not belong to the first certificate of the chain ("
              + identity.leaf().getSubjectX500Principal()
              + "): expected the leaf first");
    }
    return identity;
  }

  /** The leaf certificate. */
  public X509Certificate leaf() {
    return chain.getFirst();
  }

  /** The leaf's SPIFFE ID, where it has exactly one URI and that is valid. */
  public @Nullable SpiffeId spiffeId() {
    return new PeerIdentity(leaf()).spiffeId();
  }

  @Override
  public String toString() {
    return "WorkloadIdentity[" + leaf().getSubjectX500Principal() + "]";
  }

  boolean keyMatches() {
    PublicKey publicKey = leaf().getPublicKey();
    String algorithm =
        switch (key.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          case String other -> other;
        };
    byte[] message = "key check".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(key);
      signer.update(message);
      byte[] signature = signer.sign();
      signer.initVerify(publicKey);
      signer.update(message);
      return signer.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
