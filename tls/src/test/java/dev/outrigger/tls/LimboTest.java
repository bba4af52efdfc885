package dev.outrigger.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outrigger.tls.PeerRule.NameComparison;
import dev.outrigger.tls.PeerRule.NameKind;
import dev.outrigger.tls.PeerRule.NameMatcher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * Chains with known verdicts (C2SP/x509-limbo) against the verifier that handshakes use. Runs where
 * {@code x509-limbo.json} lies in {@code ../shared/vectors} beside the repository, or where the
 * system property {@code outrigger.vectors} points to its folder.
 */
class LimboTest {
  /**
   * Of 208, which no verifier agrees with in all; OpenSSL agrees with 145, the bare JDK with 121.
   */
  private static final int AGREED_AT_LEAST = 159;

  @Test
  void verdictsAgreeAsOftenAsThoseOfMatureVerifiers() throws Exception {
    Path file =
        Path.of(System.getProperty("outrigger.vectors", "../../shared/vectors"), "x509-limbo.json");
    assumeTrue(Files.exists(file), () -> file.toAbsolutePath() + " is not here: skipped");
    Map<?, ?> all =
        (Map<?, ?>)
            new Load(LoadSettings.builder().setCodePointLimit(1 << 28).build())
                .loadFromString(Files.readString(file));
    Set<String> wronglyAccepted = new TreeSet<>();
    Set<String> wronglyRefused = new TreeSet<>();
    int agreed = 0;
    for (Object each : list(all, "testcases")) {
      Map<?, ?> test = (Map<?, ?>) each;
      boolean expected = text(test, "expected_result").equals("SUCCESS");
      String refusal = refusal(test);
      if (expected == (refusal == null)) {
        agreed++;
      } else if (expected) {
        wronglyRefused.add(text(test, "id") + ": " + refusal);
      } else {
        wronglyAccepted.add(text(test, "id"));
      }
    }
    assertThat(agreed)
        .as("wrongly accepted: %s%nwrongly refused: %s", wronglyAccepted, wronglyRefused)
        .isGreaterThanOrEqualTo(AGREED_AT_LEAST);
    assertThat(wronglyRefused).hasSizeLessThanOrEqualTo(2);
  }

  /** Why the chain is refused, or null if it is accepted. */
  private static @Nullable String refusal(Map<?, ?> test) {
    try {
      List<X509Certificate> chain = new ArrayList<>(certificates(text(test, "peer_certificate")));
      for (Object pem : list(test, "untrusted_intermediates")) {
        chain.addAll(certificates(pem.toString()));
      }
      List<X509Certificate> roots = new ArrayList<>();
      for (Object pem : list(test, "trusted_certs")) {
        roots.addAll(certificates(pem.toString()));
      }
      InstantSource clock =
          test.get("validation_time") == null
              ? Certificates.CLOCK
              : InstantSource.fixed(
                  OffsetDateTime.parse(text(test, "validation_time")).toInstant());
      PeerVerifier.Side peer =
          text(test, "validation_kind").equals("SERVER")
              ? PeerVerifier.Side.SERVER
              : PeerVerifier.Side.CLIENT;
      new PeerVerifier(new TrustBundle(roots), rule(test), clock)
          .verify(chain.toArray(X509Certificate[]::new), peer, null);
      return null;
    } catch (CertificateException | PemException | IllegalArgumentException e) {
      return e.getMessage();
    }
  }

  private static PeerRule rule(Map<?, ?> test) {
    List<NameMatcher> names = new ArrayList<>();
    if (test.get("expected_peer_name") instanceof Map<?, ?> name) {
      names.add(matcher(name));
    }
    for (Object name : list(test, "expected_peer_names")) {
      names.add(matcher((Map<?, ?>) name));
    }
    return names.isEmpty() ? new PeerRule.AnyTrusted() : new PeerRule.NamedBy(names);
  }

  private static NameMatcher matcher(Map<?, ?> name) {
    NameKind kind =
        switch (text(name, "kind")) {
          case "IP" -> NameKind.IP;
          case "RFC822" -> NameKind.EMAIL;
          default -> NameKind.DNS;
        };
    return new NameMatcher(kind, NameComparison.EXACT, text(name, "value"));
  }

  private static List<X509Certificate> certificates(String pem) throws PemException {
    return Pem.certificates(pem);
  }

  private static String text(Map<?, ?> map, String key) {
    return String.valueOf(map.get(key));
  }

  private static List<?> list(Map<?, ?> map, String key) {
    return (List<?>) Objects.requireNonNull(map.get(key), key);
  }
}
