package dev.outrigger.tls;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

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

  /** The leaf certificate. */
  public X509Certificate leaf() {
    return chain.getFirst();
  }

  @Override
  public String toString() {
    return "WorkloadIdentity[" + leaf().getSubjectX500Principal() + "]";
  }
}
