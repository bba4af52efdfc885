package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is said about the connection rather than about the message (RFC 9110, section 7.6.1). */
public final class Connections {

  /** What a peer may not have removed by naming it in {@code connection}. */
  private static final Set<String> KEPT =
      Set.of(
          "host",
          "content-length",
          "content-type",
          "authorization",
          "cookie",
          "forwarded",
          "x-forwarded-for",
          "x-forwarded-proto",
          "x-forwarded-host",
          "x-forwarded-client-cert",
          "x-request-id",
          "traceparent",
          "tracestate",
          "baggage");

  /** What routes a request or says who sent it; whoever names it here is up to no good. */
  private static final List<HeaderName> STAYS =
      List.of(
          HeaderName.HOST,
          HeaderName.X_FORWARDED_FOR,
          HeaderName.X_FORWARDED_PROTO,
          HeaderName.X_FORWARDED_CLIENT_CERT,
          HeaderName.of("x-forwarded-host"));

  private Connections() {}

  /** What {@code connection} names that no client may have removed, or null. */
  static @Nullable HeaderName namesWhatStays(Headers headers) {
    if (headers.indexOf(HeaderName.CONNECTION, 0) >= 0) {
      for (HeaderName name : STAYS) {
        if (names(headers, name.toString())) {
          return name;
        }
      }
    }
    return null;
  }

  /** Whether the sender means to go on with the connection. */
  public static boolean keepAlive(Headers headers, HttpVersion version) {
    if (headers.indexOf(HeaderName.CONNECTION, 0) < 0) {
      return version != HttpVersion.HTTP_1_0;
    }
    if (names(headers, "close")) {
      return false;
    }
    return version != HttpVersion.HTTP_1_0 || names(headers, "keep-alive");
  }

  /** Whether {@code connection} names an option; lower case. */
  public static boolean names(Headers headers, String option) {
    for (int i = headers.indexOf(HeaderName.CONNECTION, 0);
        i >= 0;
        i = headers.indexOf(HeaderName.CONNECTION, i + 1)) {
      for (String token : headers.valueAt(i).split(",", -1)) {
        if (token.strip().equalsIgnoreCase(option)) {
          return true;
        }
      }
    }
    return false;
  }

  /** The one protocol that the sender would like to change to, in lower case, or null. */
  public static @Nullable String upgrade(Headers headers) {
    int index = headers.indexOf(HeaderName.UPGRADE, 0);
    if (index < 0
        || headers.indexOf(HeaderName.UPGRADE, index + 1) >= 0
        || !names(headers, "upgrade")) {
      return null;
    }
    return headers.valueAt(index).toLowerCase(Locale.ROOT);
  }

  /**
   * Removes all that is meant for this connection only, framing included; {@code te: trailers} is
   * kept, for trailers pass.
   */
  public static void strip(Headers headers) {
    int connection = headers.indexOf(HeaderName.CONNECTION, 0);
    if (connection >= 0) {
      for (String value : headers.all(HeaderName.CONNECTION)) {
        for (String token : value.split(",", -1)) {
          String name = token.strip().toLowerCase(Locale.ROOT);
          if (!name.isEmpty()
              && !name.equals("close")
              && !name.equals("keep-alive")
              && !name.equals("te")
              && !KEPT.contains(name)) {
            headers.remove(HeaderName.of(name));
          }
        }
      }
      headers.remove(HeaderName.CONNECTION);
      headers.remove(HeaderName.HTTP2_SETTINGS); // RFC 7540, section 3.2.1
    }
    headers.remove(HeaderName.KEEP_ALIVE);
    headers.remove(HeaderName.PROXY_CONNECTION);
    headers.remove(HeaderName.TRANSFER_ENCODING);
    headers.remove(HeaderName.UPGRADE);
    int te = headers.indexOf(HeaderName.TE, 0);
    if (te >= 0) {
      boolean trailers = false;
      for (String value : headers.all(HeaderName.TE)) {
        for (String token : value.split(",", -1)) {
          trailers |= token.strip().equalsIgnoreCase("trailers");
        }
      }
      headers.remove(HeaderName.TE);
      if (trailers) {
        headers.add(HeaderName.TE, "trailers");
      }
    }
  }
}
