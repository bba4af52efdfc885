package dev.outrigger.controlplane.ca;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.latin1;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import dev.outrigger.tls.SpiffeId;
import java.util.Arrays;

/** Identities in text: refused, or of one form that is safe to log, compare and forward. */
public final class SpiffeIdFuzz {
  private SpiffeIdFuzz() {}

  /** The input is one identity. */
  public static void fuzzerTestOneInput(byte[] input) {
    SpiffeId id;
    try {
      id = SpiffeId.parse(latin1(input));
    } catch (IllegalArgumentException e) {
      check(e.getMessage().length() < 300, "the reason is as long as the sender likes");
      check(e.getMessage().chars().allMatch(c -> c >= ' ' && c < 0x7f), "the reason is no text");
      return;
    }
    String text = id.toString();
    same(id, SpiffeId.parse(text), "an identity is written as another");
    check(text.length() <= SpiffeId.MAX_LENGTH, "an identity of any length");
    check(
        text.startsWith("spiffe://" + id.trustDomain())
            && id.trustDomain().matches("[a-z0-9._-]+")
            && (id.path().isEmpty() || segments(id.path())),
        "an identity of any form: " + text);
    check(!(id.path() + "/").matches(".*/\\.\\.?/.*"), "a dot segment in an identity: " + text);
    same(
        latin1(input).substring(9).toLowerCase(java.util.Locale.ROOT),
        text.substring(9).toLowerCase(java.util.Locale.ROOT),
        "something was dropped");
  }

  /** Segment by segment: one expression for all of them would need a stack as deep. */
  private static boolean segments(String path) {
    return path.startsWith("/")
        && Arrays.stream(path.substring(1).split("/", -1))
            .allMatch(segment -> segment.matches("[A-Za-z0-9._-]+"));
  }
}
