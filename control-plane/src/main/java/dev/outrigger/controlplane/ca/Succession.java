package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How one root follows another while nobody is distrusted: near the end of the root that signs a
 * new one is made and trusted; an overlap later, when every proxy has renewed its certificate and
 * so has heard of the new one, that signs; another overlap later, when no certificate of the old
 * one is left, the old one is trusted no more. Only roots of our own making are followed. Pure but
 * for chance.
 */
final class Succession {
  /** Of a root's life, when its successor is made. */
  private static final Duration BEFORE_ITS_END = Duration.ofDays(365);

  /** For clocks that differ, and for what takes a while to be told. */
  private static final Duration MARGIN = Duration.ofHours(1);

  private final String trustDomain;
  private final Duration overlap;
  private final SecureRandom random;

  /**
   * @param longest that a certificate lives
   */
  Succession(String trustDomain, Duration longest, SecureRandom random) {
    this.trustDomain = trustDomain;
    this.overlap = longest.plus(MARGIN);
    this.random = random;
  }

  /**
   * The next step, where it is due.
   *
   * @return what is to be kept from now on; null for the same as before
   * @throws IOException if what is kept cannot be read
   */
  @Nullable KeptAuthority step(KeptAuthority kept, Instant now) throws IOException {
    try {
      List<X509Certificate> own = Pem.certificates(kept.certificate());
      X509Certificate signer = own.getFirst();
      if (own.size() != 1 || !RootCertificate.isOurs(signer)) {
        return null; // Those who gave it follow it by another.
      }
      List<X509Certificate> roots = kept.roots().isBlank() ? own : Pem.certificates(kept.roots());
      if (!kept.nextCertificate().isEmpty()) {
        X509Certificate next = Pem.certificates(kept.nextCertificate()).getFirst();
        if (!roots.contains(next)) {
          return announced(kept, roots, next, kept.nextKey(), now);
        }
        return isOver(kept, now) ? succeeded(kept, roots, next, now) : null;
      }
      if (roots.size() > 1) {
        boolean leaves = !kept.since().isBlank() && roots.contains(signer) && isOver(kept, now);
        return leaves
            ? new KeptAuthority(kept.certificate(), kept.key(), Pem.of(signer), "", "", "")
            : null;
      }
      if (now.isBefore(signer.getNotAfter().toInstant().minus(BEFORE_ITS_END))) {
        return null;
      }
      WorkloadIdentity next = RootCertificate.successor(trustDomain, now, random);
      return announced(kept, roots, next.leaf(), Pem.of(next.key()), now);
    } catch (PemException | DateTimeParseException e) {
      throw new IOException("what is kept of the authority cannot be read: " + e.getMessage(), e);
    }
  }

  private boolean isOver(KeptAuthority kept, Instant now) {
    return !now.isBefore(Instant.parse(kept.since().strip()).plus(overlap));
  }

  private static KeptAuthority announced(
      KeptAuthority kept,
      List<X509Certificate> roots,
      X509Certificate next,
      String nextKey,
      Instant now) {
    List<X509Certificate> both = new ArrayList<>(roots);
    both.add(next);
    return new KeptAuthority(
        kept.certificate(), kept.key(), Pem.of(both), Pem.of(next), nextKey, now.toString());
  }

  private static KeptAuthority succeeded(
      KeptAuthority kept, List<X509Certificate> roots, X509Certificate next, Instant now) {
    return new KeptAuthority(Pem.of(next), kept.nextKey(), Pem.of(roots), "", "", now.toString());
  }
}
