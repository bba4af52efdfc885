package dev.outrigger.proxy.listen;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the first bytes of a connection say. */
public sealed interface Detection {

  /** Not enough bytes yet. */
  record NeedMore() implements Detection {}

  /**
   * A TLS ClientHello.
   *
   * @param serverName SNI in lower case, or null
   * @param alpn offered protocols, in order
   */
  record Tls(@Nullable String serverName, List<String> alpn) implements Detection {
    public Tls {
      alpn = List.copyOf(alpn);
    }
  }

  /** A request line of HTTP/1.x. */
  record Http1() implements Detection {}

  /** The connection preface of HTTP/2 (RFC 9113, section 3.4). */
  record Http2() implements Detection {}

  /** None of these. */
  record Opaque() implements Detection {}
}
