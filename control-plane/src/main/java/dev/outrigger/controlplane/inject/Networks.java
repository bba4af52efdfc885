package dev.outrigger.controlplane.inject;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** Checks ports and networks of people. */
final class Networks {
  private Networks() {}

  /** What is wrong with {@code 8080} or {@code 8000-8010}; null if nothing is. */
  static @Nullable String portProblem(String text) {
    String[] ends = text.split("-", -1);
    if (ends.length > 2 || !isPort(ends[0]) || !isPort(ends[ends.length - 1])) {
      return PodOptions.quoted(text)
          + ": expected a port from 1 to 65535, or a range such as 8000-8010";
    }
    return Integer.parseInt(ends[0]) > Integer.parseInt(ends[ends.length - 1])
        ? PodOptions.quoted(text) + ": expected the lower port first, as in 8000-8010"
        : null;
  }

  private static boolean isPort(String text) {
    return text.matches("[0-9]{1,5}")
        && Integer.parseInt(text) >= 1
        && Integer.parseInt(text) <= 65535;
  }

  /** What is wrong with {@code 10.0.0.0/8} or {@code fd00::/8}; null if nothing is. */
  static @Nullable String problem(String text) {
    int slash = text.indexOf('/');
    String address = slash < 0 ? text : text.substring(0, slash);
    boolean six = address.indexOf(':') >= 0;
    String length = slash < 0 ? six ? "128" : "32" : text.substring(slash + 1);
    boolean good =
        isLiteral(address, six)
            && length.matches("[0-9]{1,3}")
            && Integer.parseInt(length) <= (six ? 128 : 32);
    return good
        ? null
        : PodOptions.quoted(text) + ": expected a network such as 10.0.0.0/8 or fd00::/8";
  }

  private static boolean isLiteral(String address, boolean six) {
    if (!six && !address.matches("[0-9]{1,3}([.][0-9]{1,3}){3}")) {
      return false;
    }
    try {
      // ofLiteral never asks a name server.
      var _ = InetAddress.ofLiteral(address);
      return true;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }
}
