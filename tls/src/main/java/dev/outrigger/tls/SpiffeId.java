package dev.outrigger.tls;

import java.util.Locale;

/**
 * A SPIFFE ID such as {@code spiffe://cluster.local/ns/shop/sa/checkout}: a trust domain and a
 * path. Two are equal when their trust domains are equal without regard to case and their paths
 * exactly (SPIFFE-ID standard, section 2).
 *
 * @param trustDomain in lower case, not empty
 * @param path starting with a slash, or empty for the trust domain itself
 */
public record SpiffeId(String trustDomain, String path) {
  public SpiffeId {
    trustDomain = trustDomain.toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return "spiffe://" + trustDomain + path;
  }
}
