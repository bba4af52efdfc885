package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How an endpoint broke the protocol; a label of a metric. */
enum Violation {
  /** An answer that is none (RFC 9110, 9112, 9113). */
  MALFORMED,
  /** An answer's head with more fields or bytes than allowed. */
  TOO_LARGE,
  /** Bytes on a connection of HTTP/1.1 that nobody had asked for. */
  UNASKED,
  /** What ends a whole connection of HTTP/2, such as a broken frame. */
  CONNECTION;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }

  /** What an answer's failure was; null if the endpoint broke no rule. */
  static @Nullable Violation of(ProxyError error) {
    if (error instanceof ProxyError.ProtocolViolation violation) {
      return violation.origin() == Origin.UPSTREAM ? MALFORMED : null;
    }
    if (error instanceof ProxyError.TooLarge large) {
      return large.origin() == Origin.UPSTREAM ? TOO_LARGE : null;
    }
    return null;
  }
}
