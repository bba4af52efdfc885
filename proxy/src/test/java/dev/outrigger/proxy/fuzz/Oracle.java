package dev.outrigger.proxy.fuzz;

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

  /** Fails where text would end a line or a message in the protocols that we write. */
  public static void oneLine(String text, String what) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      check((c >= 0x20 || c == '\t') && c != 0x7f, what + " holds the character " + (int) c);
    }
  }
}
