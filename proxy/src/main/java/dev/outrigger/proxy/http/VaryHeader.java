package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;

/** {@code vary} (RFC 9110, section 12.5.5). */
public final class VaryHeader {
  private static final HeaderName VARY = HeaderName.of("vary");

  private VaryHeader() {}

  /** Has it name a request header, in lower case, if it does not yet. */
  public static void add(Headers headers, String name) {
    if (!headers.contains(VARY)) {
      headers.add(VARY, name);
      return;
    }
    for (String value : headers.all(VARY)) {
      for (String token : value.split(",", -1)) {
        String named = token.strip();
        if (named.equals("*") || named.equalsIgnoreCase(name)) {
          return;
        }
      }
    }
    headers.set(VARY, String.join(", ", headers.all(VARY)) + ", " + name);
  }
}
