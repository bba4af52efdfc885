package dev.outrigger.tls;

import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The roots that peers are verified against.
 *
 * @param roots not empty; order does not matter to verification
 */
public record TrustBundle(List<X509Certificate> roots) {
  public TrustBundle {
    roots = List.copyOf(roots);
    if (roots.isEmpty()) {
      throw new IllegalArgumentException("a trust bundle without roots would trust nobody");
    }
  }

  /**
   * Reads roots from PEM text.
   *
   * @throws PemException if there is none, or something is malformed
   */
  public static TrustBundle parse(String pem) throws PemException {
    return new TrustBundle(Pem.certificates(pem));
  }

  /**
   * The trust domain that the roots name by a SPIFFE ID without a path, as an authority of ours
   * does; null where none does, or where they differ.
   */
  public @Nullable String trustDomain() {
    String found = null;
    for (X509Certificate root : roots) {
      SpiffeId id = new PeerIdentity(root).spiffeId();
      if (id != null && !id.hasPath()) {
        if (found != null && !found.equals(id.trustDomain())) {
          return null;
        }
        found = id.trustDomain();
      }
    }
    return found;
  }
}
