package dev.outrigger.tls;

import java.security.cert.X509Certificate;
import java.util.List;

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
}
