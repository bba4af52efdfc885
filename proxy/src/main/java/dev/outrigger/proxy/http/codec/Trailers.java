package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The fields after the last chunk (RFC 9112, section 7.1.2), complete and in one array. */
final class Trailers {
  /** What decides framing, routing or trust cannot come late (RFC 9110, section 6.5.1). */
  private static final List<HeaderName> REFUSED =
      List.of(
          HeaderName.CONTENT_LENGTH,
          HeaderName.TRANSFER_ENCODING,
          HeaderName.HOST,
          HeaderName.CONNECTION,
          HeaderName.TE,
          HeaderName.UPGRADE,
          HeaderName.EXPECT,
          HeaderName.X_FORWARDED_CLIENT_CERT,
          HeaderName.X_FORWARDED_FOR);

  private final Origin origin;
  private final int maxFields;
  private @Nullable Headers headers;

  Trailers(Origin origin, int maxFields) {
    this.origin = origin;
    this.maxFields = maxFields;
  }

  @Nullable Headers headers() {
    return headers;
  }

  /** Takes the array over; returns what is wrong, or null. */
  @Nullable ProxyError parse(byte[] bytes, int length) {
    Headers all = new Headers(bytes, length, 4);
    int start = 0;
    while (start < length - 2) {
      int end = start;
      while (bytes[end] != '\r') {
        byte b = bytes[end];
        if ((b >= 0 && b < 0x20 && b != '\t') || b == 0x7f) {
          return violation("a trailer holds the control character " + b);
        }
        end++;
      }
      if (bytes[end + 1] != '\n') {
        return violation("a trailer holds a CR without LF");
      }
      int colon = start;
      while (Grammar.isToken(bytes[colon])) {
        colon++;
      }
      if (colon == start || bytes[colon] != ':') {
        return violation("a trailer does not begin with a name and a colon");
      }
      if (all.size() == maxFields) {
        return new ProxyError.TooLarge(origin, What.HEADER_COUNT, maxFields);
      }
      int from = colon + 1;
      int to = end;
      while (from < to && (bytes[from] == ' ' || bytes[from] == '\t')) {
        from++;
      }
      while (to > from && (bytes[to - 1] == ' ' || bytes[to - 1] == '\t')) {
        to--;
      }
      all.addSlice(start, colon - start, from, to - from);
      start = end + 2;
    }
    String refused = refused(all);
    if (refused != null) {
      return violation(refused);
    }
    headers = all;
    return null;
  }

  /** What is there that cannot come late, or null. */
  static @Nullable String refused(Headers all) {
    for (HeaderName refused : REFUSED) {
      if (all.contains(refused)) {
        return "the trailer " + refused + " is not allowed";
      }
    }
    return null;
  }

  private ProxyError violation(String what) {
    return new ProxyError.ProtocolViolation(origin, what);
  }
}
