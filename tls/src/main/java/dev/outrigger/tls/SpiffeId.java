package dev.outrigger.tls;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A SPIFFE ID such as {@code spiffe://cluster.local/ns/shop/sa/checkout}: a trust domain and a
 * path. Two are equal when their trust domains are equal without regard to case and their paths
 * exactly (SPIFFE-ID standard, section 2).
 *
 * @param trustDomain in lower case, not empty, at most 255 characters of a-z, 0-9, dot, dash and
 *     underscore
 * @param path starting with a slash, its segments of letters, digits, dot, dash and underscore; or
 *     empty for the trust domain itself
 */
public record SpiffeId(String trustDomain, String path) {
  /** The longest ID that the standard allows, in bytes. */
  public static final int MAX_LENGTH = 2048;

  private static final int MAX_TRUST_DOMAIN_LENGTH = 255;
  private static final String PREFIX = "spiffe://";

  /**
   * @throws IllegalArgumentException if the two do not make a valid SPIFFE ID; the message says why
   */
  public SpiffeId {
    trustDomain = trustDomain.toLowerCase(Locale.ROOT);
    String wrong = wrongWith(trustDomain, path);
    if (wrong != null) {
      throw new IllegalArgumentException(
          "not a SPIFFE ID: " + abbreviated(PREFIX + trustDomain + path) + ": " + wrong);
    }
  }

  /**
   * Reads an ID in its text form.
   *
   * @throws IllegalArgumentException if the text is not a valid SPIFFE ID; the message says why
   */
  public static SpiffeId parse(String text) {
    if (!text.regionMatches(true, 0, PREFIX, 0, PREFIX.length())) {
      throw new IllegalArgumentException(
          "not a SPIFFE ID: " + abbreviated(text) + ": it must begin with " + PREFIX);
    }
    int slash = text.indexOf('/', PREFIX.length());
    return slash < 0
        ? new SpiffeId(text.substring(PREFIX.length()), "")
        : new SpiffeId(text.substring(PREFIX.length(), slash), text.substring(slash));
  }

  /** The identity that a control plane of ours has in a trust domain. */
  public static SpiffeId ofControlPlane(String trustDomain) {
    return new SpiffeId(trustDomain, "/outrigger/control-plane");
  }

  @Override
  public int hashCode() {
    return 31 * trustDomain.hashCode() + path.hashCode();
  }

  /** Whether this names a workload, not a whole trust domain. */
  public boolean hasPath() {
    return !path.isEmpty();
  }

  @Override
  public String toString() {
    return PREFIX + trustDomain + path;
  }

  private static @Nullable String wrongWith(String trustDomain, String path) {
    if (trustDomain.isEmpty()) {
      return "the trust domain is empty";
    }
    if (PREFIX.length() + trustDomain.length() + path.length() > MAX_LENGTH) {
      return "it is longer than " + MAX_LENGTH + " bytes";
    }
    if (trustDomain.length() > MAX_TRUST_DOMAIN_LENGTH) {
      return "the trust domain is longer than " + MAX_TRUST_DOMAIN_LENGTH + " bytes";
    }
    for (int i = 0; i < trustDomain.length(); i++) {
      char c = trustDomain.charAt(i);
      if (c == ':') {
        return "the trust domain may not have a port";
      }
      if (c == '@') {
        return "the trust domain may not have user information";
      }
      if (!isAllowed(c)) {
        return "the trust domain may not contain " + quoted(c);
      }
    }
    return path.isEmpty() ? null : wrongWithPath(path);
  }

  private static @Nullable String wrongWithPath(String path) {
    if (path.charAt(0) != '/') {
      return "the path must begin with a slash";
    }
    int start = 1;
    while (start <= path.length()) {
      int slash = path.indexOf('/', start);
      int end = slash < 0 ? path.length() : slash;
      String segment = path.substring(start, end);
      if (segment.isEmpty()) {
        return end == path.length()
            ? "the path may not end with a slash"
            : "the path may not have an empty segment";
      }
      if (segment.equals(".") || segment.equals("..")) {
        return "the path may not have the segment " + segment;
      }
      for (int i = 0; i < segment.length(); i++) {
        if (!isAllowed(segment.charAt(i))) {
          return "the path may not contain " + quoted(segment.charAt(i));
        }
      }
      start = end + 1;
    }
    return null;
  }

  private static boolean isAllowed(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '.'
        || c == '-'
        || c == '_';
  }

  private static String quoted(char c) {
    return c > ' ' && c < 0x7f ? "'" + c + "'" : String.format("U+%04X", (int) c);
  }

  private static String abbreviated(String text) {
    String shown = text.length() > 100 ? text.substring(0, 100) + "..." : text;
    StringBuilder printable = new StringBuilder(shown.length());
    for (int i = 0; i < shown.length(); i++) {
      char c = shown.charAt(i);
      printable.append(c >= ' ' && c < 0x7f ? c : '?');
    }
    return printable.toString();
  }
}
