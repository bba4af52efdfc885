package dev.outrigger.proxy.identity;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a proxy's identity stands, for readiness and metrics.
 *
 * @param issued when the present certificate arrived; null before the first
 * @param expires when the present certificate ends; null before the first
 * @param failures how often in a row the next one could not be had
 * @param lastError why, at the last failure in that row; null when there is none
 */
public record IdentityState(
    @Nullable Instant issued, @Nullable Instant expires, int failures, @Nullable String lastError) {
  static final IdentityState NONE = new IdentityState(null, null, 0, null);

  /** Whether there is a certificate that is still valid. */
  public boolean isUsable(Instant now) {
    return expires != null && now.isBefore(expires);
  }

  /** Why there is no usable identity, in words for an operator; null if there is one. */
  public @Nullable String problem(Instant now) {
    if (isUsable(now)) {
      return null;
    }
    String what = expires == null ? "no identity yet" : "the identity expired at " + expires;
    return lastError == null ? what : what + ": " + lastError;
  }

  IdentityState renewed(Instant now, Instant end) {
    return new IdentityState(now, end, 0, null);
  }

  IdentityState failed(String error) {
    return new IdentityState(issued, expires, failures + 1, error);
  }
}
