package dev.outrigger.e2e.harness;

import java.util.Arrays;
import java.util.Random;

/**
 * An endless stream of bytes of which each place is known, so that one that is lost, doubled or
 * moved is found. Its period is a prime, and so no multiple of any buffer's size.
 */
public final class KnownBytes {
  private static final int PERIOD = 1_048_573;
  private static final byte[] TWICE = new byte[2 * PERIOD];

  static {
    byte[] once = new byte[PERIOD];
    new Random(20_261_121).nextBytes(once);
    System.arraycopy(once, 0, TWICE, 0, PERIOD);
    System.arraycopy(once, 0, TWICE, PERIOD, PERIOD);
  }

  private KnownBytes() {}

  /** Writes what comes at a place of the stream. At most a million bytes. */
  public static void fill(long at, byte[] to, int length) {
    System.arraycopy(TWICE, (int) (at % PERIOD), to, 0, length);
  }

  /** Where the first byte is that is not the stream's; -1 where there is none. */
  public static long wrongAt(long at, byte[] bytes, int length) {
    int from = (int) (at % PERIOD);
    int found = Arrays.mismatch(bytes, 0, length, TWICE, from, from + length);
    return found < 0 ? -1 : at + found;
  }
}
