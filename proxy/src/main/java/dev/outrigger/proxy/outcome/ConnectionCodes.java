package dev.outrigger.proxy.outcome;

import java.util.Set;

/**
 * The codes of connections that are closed without an answer to a request; only metrics show them.
 * {@code outrigger explain} has a page for each.
 */
public final class ConnectionCodes {
  public static final Set<String> ALL =
      Set.of(
          "connection_limit",
          "detection_timeout",
          "no_filter_chain",
          "own_listener",
          "proxy_header_rejected");

  private ConnectionCodes() {}

  /** Whether {@code outrigger explain} knows it, alone or as the code of an error. */
  public static boolean known(String code) {
    if (ALL.contains(code)) {
      return true;
    }
    for (ErrorCode error : ErrorCode.values()) {
      if (error.toString().equals(code)) {
        return true;
      }
    }
    return false;
  }
}
