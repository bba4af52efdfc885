package dev.outrigger.proxy.resolve;

import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/**
 * An answer to a name.
 *
 * @param addresses of both families, in no particular order; may be empty
 * @param ttl how long the answer holds; {@link #UNKNOWN_TTL} where nobody said
 */
public record ResolvedName(List<InetAddress> addresses, Duration ttl) {
  /** From a hosts file, for one. */
  public static final Duration UNKNOWN_TTL = Duration.ofSeconds(30);

  public ResolvedName {
    addresses = List.copyOf(addresses);
  }
}
