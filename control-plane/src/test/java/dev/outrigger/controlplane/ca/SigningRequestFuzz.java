package dev.outrigger.controlplane.ca;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.latin1;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/** Requests for certificates: refused, or a leaf for the identity that was proved and no more. */
public final class SigningRequestFuzz {
  private static final SpiffeId CART = SpiffeId.parse("spiffe://mesh.test/ns/shop/sa/cart");
  private static final CertificateAuthority AUTHORITY = authority();

  private SigningRequestFuzz() {}

  private static CertificateAuthority authority() {
    try {
      Path folder = Files.createTempDirectory("fuzz");
      folder.toFile().deleteOnExit();
      return CertificateAuthority.open(
          folder.resolve("state"),
          "mesh.test",
          CertificateAuthority.Lifetimes.DAY,
          InstantSource.fixed(Instant.parse("2026-11-21T08:00:00Z")),
          new SecureRandom());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The input is what a workload sends. */
  public static void fuzzerTestOneInput(byte[] input) throws GeneralSecurityException {
    List<X509Certificate> chain;
    try {
      chain = AUTHORITY.issue(latin1(input), CART, Duration.ofHours(1));
    } catch (RefusedRequestException e) {
      check(!e.getMessage().isBlank(), "refused without a reason");
      return;
    }
    X509Certificate leaf = chain.getFirst();
    leaf.verify(chain.getLast().getPublicKey());
    same(-1, leaf.getBasicConstraints(), "a workload may sign others");
    same(1, leaf.getSubjectAlternativeNames().size(), "a workload has other names too");
    same(CART, new PeerIdentity(leaf).spiffeId(), "a workload is another");
  }
}
