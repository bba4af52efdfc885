package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.SigningRequest;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How roots follow each other, by a clock that the test moves. */
class SuccessionTest {
  private static final SpiffeId CART = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/cart");
  private static final Duration OVERLAP = Duration.ofHours(25);

  private final SecureRandom random = new SecureRandom();
  private Instant now = Instant.parse("2026-11-21T12:00:00Z");
  private final InstantSource clock = () -> now;
  @TempDir private Path folder;
  private CertificateAuthority authority;
  private X509Certificate old;

  @BeforeEach
  void open() throws Exception {
    authority = opened();
    old = authority.trust().roots().getFirst();
  }

  private CertificateAuthority opened() throws IOException {
    return CertificateAuthority.open(
        folder.resolve("state"),
        "cluster.local",
        CertificateAuthority.Lifetimes.DAY,
        clock,
        random);
  }

  private void pass(Duration time) {
    now = now.plus(time);
  }

  /** Takes the step that is due. */
  private boolean step() throws IOException {
    KeptAuthority next = authority.succession();
    return next != null && authority.adopt(next);
  }

  /** A proxy's certificate of this moment, whom it trusts, and until when it uses them. */
  private record Proxy(List<X509Certificate> chain, TrustBundle trust, Instant until) {}

  private Proxy proxy() throws Exception {
    List<X509Certificate> answer =
        authority.issue(SigningRequest.create(random).pem(), CART, Duration.ZERO);
    List<X509Certificate> chain = new ArrayList<>(answer);
    chain.removeIf(authority.trust().roots()::contains);
    return new Proxy(
        chain,
        new TrustBundle(answer.subList(1, answer.size())),
        answer.getFirst().getNotAfter().toInstant());
  }

  private boolean verifies(Proxy verifier, Proxy shown) {
    try {
      new PeerVerifier(
              verifier.trust(), new PeerRule.MeshMember(Set.of("cluster.local"), Set.of()), clock)
          .verify(shown.chain().toArray(X509Certificate[]::new), PeerVerifier.Side.CLIENT, CART);
      return true;
    } catch (CertificateException e) {
      return false;
    }
  }

  @Test
  void aRootThatIsYoungIsFollowedByNone() throws Exception {
    assertThat(step()).isFalse();
    pass(Duration.ofDays(3650 - 366));
    assertThat(step()).isFalse();
    assertThat(authority.trust().roots()).containsExactly(old);
  }

  @Test
  void theNextIsTrustedThenSignsThenTheOldIsForgotten() throws Exception {
    pass(Duration.ofDays(3650 - 364));
    assertThat(step()).isTrue();
    X509Certificate next = authority.trust().roots().getLast();
    assertThat(authority.trust().roots()).containsExactly(old, next);
    assertThat(next.getSubjectX500Principal()).isNotEqualTo(old.getSubjectX500Principal());
    assertThat(proxy().chain().getFirst().getIssuerX500Principal())
        .as("the old one signs still")
        .isEqualTo(old.getSubjectX500Principal());
    pass(OVERLAP.minusSeconds(1));
    assertThat(step()).as("nobody is hurried").isFalse();

    pass(Duration.ofSeconds(1));
    assertThat(step()).isTrue();
    assertThat(proxy().chain().getFirst().getIssuerX500Principal())
        .isEqualTo(next.getSubjectX500Principal());
    assertThat(authority.trust().roots()).containsExactlyInAnyOrder(old, next);
    pass(OVERLAP.minusSeconds(1));
    assertThat(step()).isFalse();

    pass(Duration.ofSeconds(1));
    assertThat(step()).isTrue();
    assertThat(authority.trust().roots()).containsExactly(next);
    assertThat(step()).isFalse();
  }

  @Test
  void proxiesThatRenewInTimeTrustEachOtherAtEveryMoment() throws Exception {
    pass(Duration.ofDays(3650 - 366));
    List<Proxy> proxies = new ArrayList<>();
    Set<X509Certificate> seen = new HashSet<>();
    int steps = 0;
    for (int hour = 0; hour < 24 * 7; hour += 4) {
      steps += step() ? 1 : 0;
      seen.addAll(authority.trust().roots());
      // Each uses what it has for all of its life: the latest that any renews.
      Instant at = now;
      proxies.removeIf(proxy -> !proxy.until().isAfter(at));
      proxies.add(proxy());
      for (Proxy one : proxies) {
        for (Proxy other : proxies) {
          assertThat(verifies(one, other)).as("hour %d, %s", hour, other.until()).isTrue();
        }
      }
      pass(Duration.ofHours(4));
    }
    assertThat(steps).isEqualTo(3);
    assertThat(seen).hasSize(2);
    assertThat(authority.trust().roots()).doesNotContain(old);
  }

  @Test
  void aRestartAtAnyStepGoesOnWhereItWas() throws Exception {
    pass(Duration.ofDays(3650 - 364));
    for (int i = 0; i < 3; i++) {
      assertThat(step()).isTrue();
      TrustBundle trust = authority.trust();
      authority = opened();
      assertThat(authority.trust()).isEqualTo(trust);
      assertThat(step()).as("not hurried by it").isFalse();
      pass(OVERLAP);
    }
    assertThat(authority.trust().roots()).hasSize(1).doesNotContain(old);
  }

  @Test
  void aSuccessionWhoseWritingWasCutShortIsFinished() throws Exception {
    pass(Duration.ofDays(3650 - 364));
    assertThat(step()).isTrue();
    X509Certificate next = authority.trust().roots().getLast();
    Path state = folder.resolve("state");
    // As if the power had gone after the key.
    Files.copy(
        state.resolve("ca-next.key"), state.resolve("ca.key"), StandardCopyOption.REPLACE_EXISTING);

    authority = opened();

    assertThat(proxy().chain().getFirst().getIssuerX500Principal())
        .isEqualTo(next.getSubjectX500Principal());
    assertThat(authority.trust().roots()).containsExactly(old, next);
  }

  @Test
  void whatOthersGaveIsFollowedByOthers() throws Exception {
    KeptAuthority kept = authority.kept();
    X509Certificate given = authority.servingIdentity(List.of(), List.of(), OVERLAP).leaf();
    KeptAuthority others = new KeptAuthority(Pem.of(given), kept.key(), kept.certificate());
    pass(Duration.ofDays(3650 - 1));
    assertThat(new Succession("cluster.local", OVERLAP, random).step(others, now)).isNull();
    assertThat(kept.toString()).doesNotContain("PRIVATE");
  }
}
