package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.fault.HandshakeFault.Flaw;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.WorkloadIdentity;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FlawedCertificatesTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final SpiffeId WEB = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/web");
  private static final Duration TEN_MINUTES = Duration.ofMinutes(10);

  /** What a peer of ours says of each, whose rule asks for the workload. */
  private static final Map<Flaw, String> REASONS =
      new EnumMap<>(
          Map.of(
              Flaw.EXPIRED, "NotAfter",
              Flaw.NOT_YET_VALID, "NotBefore",
              Flaw.WRONG_NAME, "expected spiffe://cluster.local/ns/shop/sa/web",
              Flaw.WRONG_TRUST_DOMAIN, "the trust domain of spiffe://outrigger-fault.invalid",
              Flaw.MISSING_INTERMEDIATE, "leads to no trusted root",
              Flaw.UNTRUSTED, "leads to no trusted root"));

  @TempDir private Path folder;
  private CertificateAuthority authority;

  @BeforeEach
  void opens() throws Exception {
    authority =
        CertificateAuthority.open(
            folder.resolve("state"),
            "cluster.local",
            CertificateAuthority.Lifetimes.DAY,
            InstantSource.fixed(NOW),
            new SecureRandom());
  }

  private void verify(WorkloadIdentity shown, Instant at, PeerVerifier.Side peer)
      throws CertificateException {
    new PeerVerifier(
            authority.trust(),
            new PeerRule.MeshMember(Set.of("cluster.local"), Set.of()),
            InstantSource.fixed(at))
        .verify(shown.chain().toArray(X509Certificate[]::new), peer, WEB);
  }

  @ParameterizedTest
  @EnumSource(Flaw.class)
  void peersRefuseEachForItsOwnReasonOnBothSides(Flaw flaw) {
    WorkloadIdentity shown = authority.flawed(WEB, flaw, TEN_MINUTES);
    for (PeerVerifier.Side side : PeerVerifier.Side.values()) {
      assertThatThrownBy(() -> verify(shown, NOW, side))
          .isInstanceOf(CertificateException.class)
          .hasMessageContaining(REASONS.get(flaw));
    }
  }

  @ParameterizedTest
  @EnumSource(Flaw.class)
  void noneIsEverAcceptedLater(Flaw flaw) {
    WorkloadIdentity shown = authority.flawed(WEB, flaw, TEN_MINUTES);
    X509Certificate leaf = shown.leaf();
    for (Instant at :
        Set.of(
            leaf.getNotBefore().toInstant().plusSeconds(1),
            leaf.getNotAfter().toInstant().minusSeconds(1),
            NOW.plus(Duration.ofDays(3649)))) {
      if (flaw != Flaw.EXPIRED || at.isAfter(NOW)) {
        assertThatThrownBy(() -> verify(shown, at, PeerVerifier.Side.SERVER))
            .isInstanceOf(CertificateException.class);
      }
    }
  }

  @Test
  void everyKeyIsItsOwnAndNothingElseIsWrong() throws Exception {
    Set<Object> keys = new HashSet<>();
    keys.add(authority.trust().roots().getFirst().getPublicKey());
    for (Flaw flaw : Flaw.values()) {
      assertThat(keys.add(authority.flawed(WEB, flaw, TEN_MINUTES).leaf().getPublicKey())).isTrue();
    }
    // What expired was good before it did.
    WorkloadIdentity expired = authority.flawed(WEB, Flaw.EXPIRED, TEN_MINUTES);
    assertThat(expired.leaf().getNotAfter().toInstant()).isBefore(NOW);
    expired.leaf().verify(authority.trust().roots().getFirst().getPublicKey());
    assertThat(expired.spiffeId()).isEqualTo(WEB);
    assertThatCode(
            () ->
                authority
                    .flawed(WEB, Flaw.NOT_YET_VALID, TEN_MINUTES)
                    .leaf()
                    .verify(authority.trust().roots().getFirst().getPublicKey()))
        .doesNotThrowAnyException();
  }
}
