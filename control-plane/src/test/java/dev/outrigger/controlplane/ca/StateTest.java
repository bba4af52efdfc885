package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateTest {
  private static final SpiffeId CHECKOUT = SpiffeId.parse("spiffe://cluster.local/checkout");

  private final SecureRandom random = new SecureRandom();
  private Instant now = Instant.parse("2026-11-21T12:00:00Z");
  private final InstantSource clock = () -> now;
  @TempDir private Path folder;
  private Path state;

  @BeforeEach
  void name() {
    state = folder.resolve("deep/state");
  }

  @Test
  void theRootOutlivesARestartAndIsForItsOwnerOnly() throws Exception {
    CertificateAuthority first = open("cluster.local");
    assertThat(open("Cluster.Local").trust()).isEqualTo(first.trust());
    assertThat(first.trust().trustDomain()).isEqualTo("cluster.local");
    assertThat(permissions(state)).isEqualTo("rwx------");
    try (Stream<Path> files = Files.list(state)) {
      assertThat(files).allSatisfy(file -> assertThat(permissions(file)).isEqualTo("rw-------"));
    }
  }

  @Test
  void aKeyThatOthersCanReadIsRefusedWithTheRepair() throws Exception {
    open("cluster.local");
    Files.setPosixFilePermissions(
        state.resolve("ca.key"), PosixFilePermissions.fromString("rw-r--r--"));
    assertThatIOException()
        .isThrownBy(() -> open("cluster.local"))
        .withMessageContaining("chmod 600")
        .withMessageContaining("ca.key");
  }

  @Test
  void anotherTrustDomainAndAMissingKeyAreRefused() throws Exception {
    open("cluster.local");
    assertThatIOException()
        .isThrownBy(() -> open("other.test"))
        .withMessageContaining("spiffe://cluster.local");
    Files.delete(state.resolve("ca.key"));
    assertThatIOException()
        .isThrownBy(() -> open("cluster.local"))
        .withMessageContaining("restore the key");
  }

  @Test
  void tokensAreKeptAsHashesAndCountTheirUses() throws Exception {
    JoinTokens tokens = JoinTokens.open(state, clock, random);
    String twice = tokens.mint(CHECKOUT, Duration.ofHours(1), 2);
    String forever = tokens.mint(CHECKOUT, Duration.ofHours(1), JoinTokens.UNLIMITED);
    assertThat(Files.readString(state.resolve("join-tokens")))
        .doesNotContain(twice.substring(32))
        .doesNotContain(forever.substring(32));
    JoinTokens restarted = JoinTokens.open(state, clock, random);
    assertThat(restarted.verify(twice)).isEqualTo(new JoinTokens.Verdict.Accepted(CHECKOUT));
    for (int i = 0; i < 2; i++) {
      assertThat(restarted.redeem(twice)).isEqualTo(new JoinTokens.Verdict.Accepted(CHECKOUT));
    }
    assertThat(tokens.redeem(twice)).isInstanceOf(JoinTokens.Verdict.Refused.class);
    for (int i = 0; i < 5; i++) {
      assertThat(tokens.redeem(forever)).isInstanceOf(JoinTokens.Verdict.Accepted.class);
    }
    now = now.plus(Duration.ofHours(1));
    assertThat(tokens.redeem(forever)).isInstanceOf(JoinTokens.Verdict.Refused.class);
  }

  private CertificateAuthority open(String trustDomain) throws IOException {
    return CertificateAuthority.open(
        state, trustDomain, CertificateAuthority.Lifetimes.DAY, clock, random);
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
