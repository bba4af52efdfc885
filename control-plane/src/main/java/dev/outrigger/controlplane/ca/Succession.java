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
 * one is left, the old one is trusted no more. One that others give, as by cert-manager, goes the
 * same way once it is there; only roots of our own making are followed by themselves. Pure but for
 * chance.
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
   * What is to be kept where others may have given another authority.
   *
   * @param before what is kept until now
   * @param there what was found where it is given
   * @return {@code there}, where nobody would be distrusted by it or somebody took care of that
   * @throws IOException if one of them cannot be read
   */
  KeptAuthority follow(KeptAuthority before, KeptAuthority there, Instant now) throws IOException {
    try {
      X509Certificate given = Pem.certificates(target(there)).getFirst();
      List<X509Certificate> trusted = before.trusted();
      List<X509Certificate> roots =
          Pem.certificates(there.roots().isBlank() ? target(there) : there.roots());
      if (RootCertificate.isOurs(given)
          || given.equals(Pem.certificates(target(before)).getFirst())
          || trusted.containsAll(roots)
          // Another replica was faster.
          || (!there.former().isBlank() && there.trusted().containsAll(trusted))) {
        return there;
      }
      String former = Pem.of(trusted);
      X509Certificate signer = Pem.certificates(before.certificate()).getFirst();
      String key = there.nextKey().isBlank() ? there.key() : there.nextKey();
      // By the same key and name its certificates lead to the root of before as well.
      boolean same =
          signer.getPublicKey().equals(given.getPublicKey())
              && signer.getSubjectX500Principal().equals(given.getSubjectX500Principal());
      return same || hasEnded(signer, now)
          ? new KeptAuthority(target(there), key, Pem.of(roots), "", "", now.toString(), former)
          : new KeptAuthority(
              before.certificate(),
              before.key(),
              Pem.of(roots),
              target(there),
              key,
              now.toString(),
              former);
    } catch (PemException e) {
      throw new IOException("what is kept of the authority cannot be read: " + e.getMessage(), e);
    }
  }

  /** By which it is going to sign. */
  private static String target(KeptAuthority kept) {
    return kept.nextCertificate().isBlank() ? kept.certificate() : kept.nextCertificate();
  }

  private static boolean hasEnded(X509Certificate signer, Instant now) {
    return !now.isBefore(signer.getNotAfter().toInstant());
  }

  private @Nullable KeptAuthority stepOfGiven(
      KeptAuthority kept, X509Certificate signer, Instant now) {
    if (!isOver(kept, now) && !hasEnded(signer, now)) {
      return null;
    }
    return kept.nextKey().isBlank()
        ? new KeptAuthority(kept.certificate(), kept.key(), kept.roots())
        : new KeptAuthority(
            kept.nextCertificate(),
            kept.nextKey(),
            kept.roots(),
            "",
            "",
            now.toString(),
            kept.former());
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
      if (!kept.former().isBlank()) {
        return stepOfGiven(kept, signer, now);
      }
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
        return leaves ? new KeptAuthority(kept.certificate(), kept.key(), Pem.of(signer)) : null;
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
        kept.certificate(), kept.key(), Pem.of(both), Pem.of(next), nextKey, now.toString(), "");
  }

  private static KeptAuthority succeeded(
      KeptAuthority kept, List<X509Certificate> roots, X509Certificate next, Instant now) {
    return new KeptAuthority(
        Pem.of(next), kept.nextKey(), Pem.of(roots), "", "", now.toString(), "");
  }
}
