package dev.outrigger.proxy.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.tls.Pem;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import io.grpc.Status;
import io.netty.pkitesting.CertificateBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateClientTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private record Pair(WorkloadIdentity identity, TrustBundle trust) {}

  /** Stands still: half of a life is a delay of the scheduler's, whatever the time of day. */
  private final InstantSource clock = InstantSource.fixed(Instant.parse("2026-11-21T12:00:00Z"));

  private final List<Pair> given = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private SmallAuthority authority;

  @BeforeEach
  void start() throws Exception {
    authority = new SmallAuthority(clock);
  }

  @AfterEach
  void stop() {
    scheduler.shutdownNow();
    authority.close();
  }

  private CertificateClient client(TrustBundle roots) {
    return CertificateClient.of(
        authority.asSeenByAProxy(roots), scheduler, clock, new SecureRandom());
  }

  private void take(WorkloadIdentity identity, TrustBundle trust) {
    given.add(new Pair(identity, trust));
  }

  @Test
  void theFirstIdentityComesByTokenAndIsRenewedByItselfWithANewKey() {
    authority.lifetime = Duration.ofSeconds(3);
    try (CertificateClient client = client(authority.trust())) {
      assertThat(client.state().problem(clock.instant())).isEqualTo("no identity yet");
      client.start(this::take);
      await().atMost(SOON).until(() -> given.size() >= 2);
      assertThat(client.state().failures()).isZero();
      assertThat(client.state().isUsable(clock.instant())).isTrue();
    }
    assertThat(authority.askedBy.get(0)).isEqualTo("Bearer " + SmallAuthority.TOKEN);
    assertThat(authority.askedBy.get(1)).isEqualTo(SmallAuthority.CHECKOUT.toString());
    assertThat(given.get(0).identity().spiffeId()).isEqualTo(SmallAuthority.CHECKOUT);
    assertThat(given.get(0).identity().chain()).hasSize(1);
    assertThat(given.get(1).identity().key()).isNotEqualTo(given.get(0).identity().key());
    assertThat(given.get(0).trust()).isEqualTo(authority.trust());
  }

  @Test
  void rootsOfAnAnswerAndOfTheReplacedFileAreTrustedFromThenOn() throws Exception {
    authority.lifetime = Duration.ofSeconds(3);
    X509Certificate next = root("CN=next");
    X509Certificate ofFile = root("CN=of the file");
    X509Certificate signing = authority.root.getCertificate();
    List<TrustBundle> asked = new CopyOnWriteArrayList<>();
    try (CertificateClient client =
        new CertificateClient(
            authority.trust(),
            () -> new TrustBundle(List.of(signing, ofFile)),
            Duration.ZERO,
            (pem, _, _, trust) -> {
              asked.add(trust);
              try {
                List<String> answer = new ArrayList<>(authority.issue(pem));
                answer.add(1, Pem.of(next));
                return CompletableFuture.completedFuture(answer);
              } catch (Exception e) {
                return CompletableFuture.failedFuture(e);
              }
            },
            scheduler,
            clock,
            new SecureRandom())) {
      client.start(this::take);
      await().atMost(SOON).until(() -> given.size() >= 2);
    }
    assertThat(asked.get(0).roots()).containsExactly(signing);
    assertThat(given.get(0).trust().roots()).containsExactlyInAnyOrder(signing, ofFile, next);
    assertThat(given.get(0).identity().chain()).as("without roots").hasSize(1);
    assertThat(asked.get(1).roots()).containsExactlyInAnyOrder(signing, ofFile, next);
  }

  private X509Certificate root(String subject) throws Exception {
    return new CertificateBuilder()
        .ecp256()
        .subject(subject)
        .notBefore(clock.instant().minusSeconds(60))
        .notAfter(clock.instant().plusSeconds(3600))
        .setIsCertificateAuthority(true)
        .buildSelfSigned()
        .getCertificate();
  }

  @Test
  void aRefusalIsReportedAndTriedAgain() {
    authority.failWith = Status.UNAUTHENTICATED.withDescription("the join token is not known here");
    try (CertificateClient client = client(authority.trust())) {
      client.start(this::take);
      await().atMost(SOON).until(() -> client.state().failures() >= 2);
      assertThat(client.state().problem(clock.instant()))
          .contains("no identity yet")
          .contains("UNAUTHENTICATED: the join token is not known here");
      assertThat(given).isEmpty();
      authority.failWith = null;
      await().atMost(SOON).until(() -> given.size() == 1);
      assertThat(client.state().problem(clock.instant())).isNull();
    }
  }

  @Test
  void anAuthorityThatFailsByAFaultIsAskedAgainWhenThatIsOverAndTheIdentityGoesOn() {
    authority.lifetime = Duration.ofHours(24);
    try (CertificateClient client = client(authority.trust())) {
      client.start(this::take);
      await().atMost(SOON).until(() -> given.size() == 1);
      client.suffer("by the fault x/f");
      await().atMost(SOON).until(() -> client.state().failures() >= 2);
      assertThat(client.state().lastError()).contains("by the fault x/f");
      assertThat(client.state().isUsable(clock.instant())).isTrue();
      assertThat(authority.askedBy).hasSize(1);
      client.suffer(null);
      await().atMost(SOON).until(() -> given.size() == 2);
      assertThat(client.state().failures()).isZero();
    }
  }

  @Test
  void aTokenThatIsNoneIsReportedWithoutItsText() {
    CertificateClient.Authority seen = authority.asSeenByAProxy(authority.trust());
    CertificateClient.Authority garbled =
        new CertificateClient.Authority(
            seen.host(),
            seen.port(),
            seen.serverName(),
            seen.roots(),
            seen.rule(),
            () -> "secret-token\nand more",
            seen.lifetime());
    try (CertificateClient client =
        CertificateClient.of(garbled, scheduler, clock, new SecureRandom())) {
      client.start(this::take);
      await().atMost(SOON).until(() -> client.state().failures() >= 1);
      assertThat(client.state().lastError())
          .contains("must be one word of printable ASCII")
          .doesNotContain("secret-token");
      assertThat(authority.askedBy).isEmpty();
    }
  }

  @Test
  void anAuthorityOfAnotherRootGetsNoToken() throws Exception {
    TrustBundle other =
        new TrustBundle(
            List.of(
                new CertificateBuilder()
                    .ecp256()
                    .subject("CN=other")
                    .notBefore(clock.instant().minusSeconds(60))
                    .notAfter(clock.instant().plusSeconds(3600))
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned()
                    .getCertificate()));
    try (CertificateClient client = client(other)) {
      client.start(this::take);
      await().atMost(SOON).until(() -> client.state().failures() >= 1);
      assertThat(client.state().lastError()).contains("leads to no trusted root");
      assertThat(authority.askedBy).isEmpty();
    }
  }

  @Test
  void renewalsSpreadAroundHalfOfTheLifeAndBackOffGrowsWithinWhatIsLeft() {
    Duration day = Duration.ofHours(24);
    assertThat(CertificateClient.renewalDelay(day, 0)).isEqualTo(Duration.ofMinutes(648));
    assertThat(CertificateClient.renewalDelay(day, 1)).isEqualTo(Duration.ofMinutes(792));
    assertThat(CertificateClient.backOff(1, day, 1)).isEqualTo(Duration.ofMillis(500));
    assertThat(CertificateClient.backOff(4, day, 1)).isEqualTo(Duration.ofSeconds(4));
    assertThat(CertificateClient.backOff(100, day, 1)).isEqualTo(Duration.ofMinutes(1));
    assertThat(CertificateClient.backOff(100, day, 0)).isEqualTo(Duration.ofSeconds(30));
    assertThat(CertificateClient.backOff(100, Duration.ofSeconds(8), 1))
        .isEqualTo(Duration.ofSeconds(2));
    assertThat(CertificateClient.backOff(100, Duration.ofSeconds(-8), 1))
        .isEqualTo(Duration.ofMillis(200));
  }

  @Test
  void filesAreReadAgainWhenTheyChangeAndAHalfDoneSwapChangesNothing(@TempDir Path folder)
      throws Exception {
    var first = dev.outrigger.tls.SigningRequest.create(new SecureRandom());
    var second = dev.outrigger.tls.SigningRequest.create(new SecureRandom());
    Path chain = folder.resolve("chain.pem");
    Path key = folder.resolve("key.pem");
    Path roots = folder.resolve("roots.pem");
    Files.writeString(chain, authority.issue(first.pem()).getFirst());
    Files.writeString(key, Pem.of(first.keys().getPrivate()));
    Files.writeString(roots, Pem.of(authority.trust().roots()));
    try (FileIdentitySource source =
        new FileIdentitySource(
            new FileIdentitySource.Paths(chain, key, roots),
            Duration.ofMillis(50),
            scheduler,
            clock)) {
      source.start(this::take);
      await().atMost(SOON).until(() -> given.size() == 1);
      Files.writeString(key, Pem.of(second.keys().getPrivate()));
      await().atMost(SOON).until(() -> source.state().failures() > 0);
      assertThat(source.state().lastError()).contains("does not belong to the first certificate");
      assertThat(source.state().isUsable(clock.instant())).isTrue();
      Files.writeString(chain, authority.issue(second.pem()).getFirst());
      await().atMost(SOON).until(() -> given.size() == 2);
      assertThat(given.get(1).identity().key()).isEqualTo(second.keys().getPrivate());
      assertThat(source.state().lastError()).isNull();
    }
  }
}
