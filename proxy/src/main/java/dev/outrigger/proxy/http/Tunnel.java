package dev.outrigger.proxy.http;

import org.jspecify.annotations.Nullable;

/**
 * What both ways of an exchange are to become once the endpoint agrees: bytes of another protocol.
 *
 * @param protocol that is changed to, in lower case; null for CONNECT
 * @param terminated whether a CONNECT ends here, so that the endpoint gets its bytes and no head
 */
public record Tunnel(@Nullable String protocol, boolean terminated) {
  private static final Tunnel CONNECT = new Tunnel(null, false);
  private static final Tunnel CONNECT_ENDS = new Tunnel(null, true);

  static Tunnel connect(boolean terminated) {
    return terminated ? CONNECT_ENDS : CONNECT;
  }
}
