package dev.outrigger.proxy.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Ways in which a network may cut what a peer sends; always the same for the same bytes. */
public final class Cuts {
  private static final int MAX_SINGLE_BYTES = 512;
  private static final int MANY = 3;

  private Cuts() {}

  /** The bytes in pieces: one at a time (the first of them, for long ones), and some other ways. */
  public static List<List<byte[]>> of(byte[] input) {
    List<List<byte[]>> ways = new ArrayList<>();
    List<byte[]> single = new ArrayList<>();
    int singles = Math.min(input.length, MAX_SINGLE_BYTES);
    for (int i = 0; i < singles; i++) {
      single.add(new byte[] {input[i]});
    }
    if (singles < input.length) {
      single.add(Arrays.copyOfRange(input, singles, input.length));
    }
    ways.add(single);
    SplittableRandom random = new SplittableRandom(Arrays.hashCode(input));
    for (int way = 0; way < MANY; way++) {
      int largest = 1 + random.nextInt(Math.max(1, input.length));
      List<byte[]> pieces = new ArrayList<>();
      for (int at = 0; at < input.length; ) {
        int end = Math.min(input.length, at + 1 + random.nextInt(largest));
        pieces.add(Arrays.copyOfRange(input, at, end));
        at = end;
      }
      ways.add(pieces);
    }
    return ways;
  }
}
