package dev.outrigger.controlplane.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What a fuzz target says when something does not hold. */
public final class Oracle {
  private Oracle() {}

  /** Fails unless the condition holds. */
  public static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  /** Fails unless the two are equal. */
  public static void same(Object expected, Object actual, String what) {
    if (!Objects.equals(expected, actual)) {
      throw new AssertionError(what + "\n  one:   " + expected + "\n  other: " + actual);
    }
  }

  /** Bytes as characters, one each. */
  public static String latin1(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
