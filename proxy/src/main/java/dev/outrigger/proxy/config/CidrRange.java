package dev.outrigger.proxy.config;

import java.net.InetAddress;

/**
 * A range of IP addresses.
 *
 * @param address any address of the range
 * @param prefixLength 0 to 32 or 0 to 128
 */
public record CidrRange(InetAddress address, int prefixLength) {
  public CidrRange {
    if (prefixLength < 0 || prefixLength > address.getAddress().length * 8) {
      throw new IllegalArgumentException(
          "prefix length " + prefixLength + " does not fit " + address);
    }
  }

  /** Whether the range holds the address; another family never matches. */
  public boolean contains(InetAddress candidate) {
    byte[] ours = address.getAddress();
    byte[] theirs = candidate.getAddress();
    if (ours.length != theirs.length) {
      return false;
    }
    int whole = prefixLength / 8;
    for (int i = 0; i < whole; i++) {
      if (ours[i] != theirs[i]) {
        return false;
      }
    }
    int rest = prefixLength % 8;
    return rest == 0 || ((ours[whole] ^ theirs[whole]) & (0xff00 >> rest) & 0xff) == 0;
  }
}
