package dev.outrigger.controlplane.ca;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.latin1;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Join tokens: nothing but the token itself is good. */
public final class JoinTokenFuzz {
  private static final SpiffeId CART = SpiffeId.parse("spiffe://mesh.test/ns/shop/sa/cart");
  private static final int ID_END = "outrigger-join-".length() + 16;
  private static final JoinTokens TOKENS;
  private static final String GOOD;

  static {
    try {
      Path folder = Files.createTempDirectory("fuzz");
      folder.toFile().deleteOnExit();
      TOKENS =
          JoinTokens.open(
              folder.resolve("state"),
              InstantSource.fixed(Instant.parse("2026-11-21T08:00:00Z")),
              new SecureRandom());
      GOOD = TOKENS.mint(CART, Duration.ofHours(1), JoinTokens.UNLIMITED);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JoinTokenFuzz() {}

  /** What is put in the place of the token's last part, in that of all of it, and behind it. */
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    String text = latin1(input);
    refused(text);
    refused(GOOD.substring(0, ID_END) + text);
    refused(GOOD.substring(0, ID_END + 1) + text);
    refused(GOOD + text);
    same(new JoinTokens.Verdict.Accepted(CART), TOKENS.verify(GOOD), "the token itself is refused");
  }

  private static void refused(String text) throws IOException {
    if (!text.equals(GOOD)) {
      check(
          TOKENS.verify(text) instanceof JoinTokens.Verdict.Refused reason
              && !reason.reason().isBlank()
              && !reason.reason().contains(GOOD.substring(ID_END)),
          "a token that is none is good: " + text);
    }
  }
}
