package dev.outrigger.proxy.http.codec;

import java.util.Arrays;

/**
 * The Huffman code of HPACK (RFC 7541, appendix B), read eight bits at a time. The code is
 * canonical: the lengths of its words say which they are. Stateless; any thread may call it.
 */
final class HuffmanReader {
  private static final int END = 256; // the word that never ends a text
  private static final int LONGEST = 30;
  private static final int LEAF = 1 << 31;
  private static final byte[] LENGTHS = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
    6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23,
    23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22,
    22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26,
    27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
    25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30
  };

  /**
   * Nodes of 256 entries each: where eight bits end a word, {@link #LEAF}, its bits in this node
   * from bit 16 on and the symbol; else the next node.
   */
  private static final int[] NODES = build();

  private HuffmanReader() {}

  private static int[] build() {
    int[] nodes = new int[256 * 64];
    int used = 1;
    int word = 0;
    for (int length = 5; length <= LONGEST; length++) {
      for (int symbol = 0; symbol < LENGTHS.length; symbol++) {
        if (LENGTHS[symbol] != length) {
          continue;
        }
        int node = 0;
        int left = length;
        while (left > 8) {
          int at = node * 256 + ((word >>> (left - 8)) & 0xff);
          if (nodes[at] == 0) {
            nodes[at] = used++;
          }
          node = nodes[at];
          left -= 8;
        }
        int first = node * 256 + ((word << (8 - left)) & 0xff);
        for (int i = 0; i < 1 << (8 - left); i++) {
          nodes[first + i] = LEAF | left << 16 | symbol;
        }
        word++;
      }
      word <<= 1;
    }
    return Arrays.copyOf(nodes, used * 256);
  }

  /** How many bytes so many can become at most. */
  static int mostOf(int length) {
    return (int) (length * 8L / 5);
  }

  /**
   * Reads a text.
   *
   * @param out has room for {@link #mostOf} the length
   * @return how many bytes it became; negative where it is malformed (RFC 7541, section 5.2)
   */
  static int read(byte[] in, int at, int length, byte[] out) {
    long bits = 0;
    int count = 0; // of the bits that are left
    int node = 0;
    int since = 0; // bits of the word under way
    int to = 0;
    for (int i = at, end = at + length; i < end; i++) {
      bits = bits << 8 | (in[i] & 0xff);
      count += 8;
      while (count >= 8) {
        int entry = NODES[node * 256 + (int) (bits >>> (count - 8) & 0xff)];
        if (entry < 0) {
          int symbol = entry & 0xffff;
          if (symbol == END) {
            return -1;
          }
          out[to++] = (byte) symbol;
          count -= entry >>> 16 & 0xf;
          node = 0;
          since = 0;
        } else {
          node = entry;
          count -= 8;
          since += 8;
        }
      }
    }
    // What is left is shorter than eight bits: words, then the beginning of the last one.
    while (count > 0) {
      int entry = NODES[node * 256 + (int) (bits << (8 - count) & 0xff)];
      int used = entry >>> 16 & 0xf;
      if (entry >= 0 || used > count) {
        break;
      }
      int symbol = entry & 0xffff;
      if (symbol == END) {
        return -1;
      }
      out[to++] = (byte) symbol;
      count -= used;
      node = 0;
      since = 0;
    }
    long ones = (1L << count) - 1;
    boolean padded = since == 0 && count < 8 && (bits & ones) == ones;
    return padded ? to : -1;
  }
}
