package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One field section of HTTP/2 while HPACK reads it: checked field by field (RFC 9113, section 8.2)
 * and put straight into the {@link Headers} that go on.
 */
public final class Http2Fields extends DefaultHttp2Headers {
  /** Stands for a section that was too large to be kept. */
  static final Http2Fields TOO_MANY = tooLarge();

  private final Headers headers = new Headers(new byte[512], 0, 16);
  private final int maxFields;
  private int fields;
  private boolean tooMany;
  private @Nullable String fault;
  private @Nullable String method;
  private @Nullable String path;
  private @Nullable String scheme;
  private @Nullable String authority;
  private @Nullable String protocol;
  private @Nullable String status;
  private @Nullable StringBuilder cookies;
  private long contentLength = -1;

  Http2Fields(int maxFields) {
    super(false, 2);
    this.maxFields = maxFields;
  }

  private static Http2Fields tooLarge() {
    Http2Fields fields = new Http2Fields(0);
    fields.tooMany = true;
    return fields;
  }

  @Override
  public Http2Headers add(CharSequence name, CharSequence value) {
    if (++fields > maxFields) {
      tooMany = true;
    }
    if (tooMany || fault != null) {
      return this;
    }
    AsciiString nameBytes = AsciiString.of(name);
    AsciiString valueBytes = AsciiString.of(value);
    if (nameBytes.isEmpty()) {
      fault = "a field has no name";
    } else if (!cleanValue(valueBytes)) {
      fault = "the value of " + printable(nameBytes) + " holds what a value cannot hold";
    } else if (nameBytes.byteAt(0) == ':') {
      pseudo(nameBytes.toString(), valueBytes.toString());
    } else {
      regular(nameBytes, valueBytes);
    }
    return this;
  }

  private void pseudo(String name, String value) {
    if (headers.size() > 0 || cookies != null) {
      fault = name + " comes after a regular field";
      return;
    }
    boolean twice;
    switch (name) {
      case ":method" -> {
        twice = method != null;
        method = value;
      }
      case ":path" -> {
        twice = path != null;
        path = value;
      }
      case ":scheme" -> {
        twice = scheme != null;
        scheme = value;
      }
      case ":authority" -> {
        twice = authority != null;
        authority = value;
      }
      case ":protocol" -> {
        twice = protocol != null;
        protocol = value;
      }
      case ":status" -> {
        twice = status != null;
        status = value;
      }
      default -> {
        fault = "a pseudo-header is not known";
        return;
      }
    }
    if (twice) {
      fault = name + " is there twice";
    }
  }

  private void regular(AsciiString name, AsciiString value) {
    byte[] bytes = name.array();
    int at = name.arrayOffset();
    int length = name.length();
    for (int i = at; i < at + length; i++) {
      byte b = bytes[i];
      if (!Grammar.isToken(b) || (b >= 'A' && b <= 'Z')) {
        fault = "the name " + printable(name) + " holds what a name cannot hold";
        return;
      }
    }
    switch (length) {
      case 2 -> {
        if (name.contentEquals("te") && !value.contentEquals("trailers")) {
          fault = "te is not trailers";
          return;
        }
      }
      case 6 -> {
        if (name.contentEquals("cookie")) {
          cookie(value);
          return;
        }
      }
      case 7, 10, 16, 17 -> {
        if (name.contentEquals("upgrade")
            || name.contentEquals("connection")
            || name.contentEquals("keep-alive")
            || name.contentEquals("proxy-connection")
            || name.contentEquals("transfer-encoding")) {
          fault = name + " has no place in HTTP/2";
          return;
        }
      }
      case 14 -> {
        if (name.contentEquals("content-length") && !length(value)) {
          return;
        }
      }
      default -> {}
    }
    headers.add(bytes, at, length, value.array(), value.arrayOffset(), value.length());
  }

  /** Crumbs become one field again, as HTTP/1.1 wants it (RFC 9113, section 8.2.3). */
  private void cookie(AsciiString value) {
    StringBuilder all = cookies;
    if (all == null) {
      cookies = new StringBuilder(value.length()).append(value.toString());
    } else if (!value.isEmpty()) { // an empty crumb would leave a space at the end
      all.append(all.isEmpty() ? "" : "; ").append(value.toString());
    }
  }

  /** Whether the field is to be kept: there is one length, said once. */
  private boolean length(AsciiString value) {
    long said = Grammar.decimal(value.array(), value.arrayOffset(), value.length());
    if (said < 0 || contentLength >= 0) {
      fault = "content-length is not one number";
      return false;
    }
    contentLength = said;
    return true;
  }

  private static boolean cleanValue(AsciiString value) {
    byte[] bytes = value.array();
    int at = value.arrayOffset();
    int end = at + value.length();
    if (at == end) {
      return true;
    }
    if (blank(bytes[at]) || blank(bytes[end - 1])) {
      return false;
    }
    for (int i = at; i < end; i++) {
      byte b = bytes[i];
      if ((b >= 0 && b < 0x20 && b != '\t') || b == 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static boolean blank(byte b) {
    return b == ' ' || b == '\t';
  }

  private static String printable(AsciiString name) {
    String text = name.length() > 60 ? name.subSequence(0, 60) + "…" : name.toString();
    return "'" + text.replaceAll("[^!-~]", "?") + "'";
  }

  private Headers done() {
    StringBuilder all = cookies;
    if (all != null) {
      headers.add("cookie", all.toString());
      cookies = null;
    }
    return headers;
  }

  /** Whether there were more fields than allowed; they are not all here. */
  public boolean tooMany() {
    return tooMany;
  }

  /** The protocol that an extended CONNECT asks for (RFC 8441), in lower case, or null. */
  public @Nullable String protocol() {
    String asked = protocol;
    return asked == null ? null : asked.toLowerCase(Locale.ROOT);
  }

  /** What {@code content-length} says, or -1. */
  public long contentLength() {
    return contentLength;
  }

  /** What is wrong with these as a request's head, or null. */
  public @Nullable String requestFault() {
    if (fault != null) {
      return fault;
    }
    if (status != null) {
      return ":status has no place in a request";
    }
    String verb = method;
    if (verb == null || !Grammar.isToken(verb)) {
      return ":method is missing or malformed";
    }
    if (verb.length() > Grammar.MAX_METHOD_BYTES) {
      return ":method is longer than " + Grammar.MAX_METHOD_BYTES + " bytes";
    }
    String host = headers.get(HeaderName.HOST);
    if (headers.count(HeaderName.HOST) > 1) {
      return "host is there twice";
    }
    if (authority != null && host != null && !authority.equalsIgnoreCase(host)) {
      return ":authority and host differ";
    }
    String named = authority == null ? host : authority;
    if (named == null || named.isEmpty() || !Grammar.isAuthority(named)) {
      return "no valid :authority or host";
    }
    if (protocol != null) {
      if (!verb.equals("CONNECT") || authority == null || !isProtocol(protocol)) {
        return ":protocol is malformed, or without CONNECT and :authority";
      }
    } else if (verb.equals("CONNECT")) {
      return path != null || scheme != null || authority == null || !Grammar.hasPort(authority)
          ? "CONNECT has :authority with a port, and neither :scheme nor :path"
          : null;
    }
    if (scheme == null || !(scheme.equals("http") || scheme.equals("https"))) {
      return ":scheme is missing or neither http nor https";
    }
    String target = path;
    if (target == null || target.isEmpty()) {
      return ":path is missing or empty";
    }
    if (target.charAt(0) != '/' && !(target.equals("*") && verb.equals("OPTIONS"))) {
      return ":path does not begin with /";
    }
    for (int i = 0; i < target.length(); i++) {
      char c = target.charAt(i);
      if (c <= ' ' || c >= 0x7f || c == '#') {
        return ":path holds what a path cannot hold";
      }
    }
    return null;
  }

  private static boolean isProtocol(String text) {
    int slash = text.indexOf('/');
    return slash < 0
        ? Grammar.isToken(text)
        : Grammar.isToken(text.substring(0, slash)) && Grammar.isToken(text.substring(slash + 1));
  }

  /**
   * The request's head; only where {@link #requestFault} found nothing. An extended CONNECT is a
   * GET with a {@link #protocol}, as it is in HTTP/1.1.
   */
  public RequestHead request(String spokenScheme) {
    Headers all = done();
    String host = all.get(HeaderName.HOST);
    String named = authority == null ? String.valueOf(host) : authority;
    if (host == null) {
      all.add(HeaderName.HOST, named);
    }
    return new RequestHead(
        protocol == null ? String.valueOf(method) : "GET",
        path == null ? named : path,
        named,
        spokenScheme,
        HttpVersion.HTTP_2,
        all);
  }

  /** What is wrong with these as a response's head, or null. */
  public @Nullable String responseFault() {
    if (fault != null) {
      return fault;
    }
    if (method != null || path != null || scheme != null || authority != null || protocol != null) {
      return "a pseudo-header of requests has no place in a response";
    }
    String code = status;
    if (code == null
        || code.length() != 3
        || code.charAt(0) < '1'
        || code.charAt(0) > '9'
        || !Character.isDigit(code.charAt(1))
        || !Character.isDigit(code.charAt(2))) {
      return ":status is missing or malformed";
    }
    if (code.charAt(0) == '1' && contentLength >= 0) {
      return "an interim answer has a content-length";
    }
    return code.equals("101") ? "101 has no place in HTTP/2" : null;
  }

  /** Whether this answer has no body, whatever its length says (RFC 9110, section 6.4.1). */
  boolean bodiless() {
    return "204".equals(status) || "304".equals(status);
  }

  /** Whether this is an interim answer (1xx). */
  boolean interim() {
    String code = status;
    return code != null && code.startsWith("1");
  }

  /** Whether this is an answer that makes a CONNECT a tunnel (2xx). */
  boolean agrees() {
    String code = status;
    return code != null && code.startsWith("2");
  }

  /** The response's head; only where {@link #responseFault} found nothing. */
  public ResponseHead response() {
    return new ResponseHead(Integer.parseInt(String.valueOf(status)), HttpVersion.HTTP_2, done());
  }

  /** What is wrong with these as trailers, or null. */
  public @Nullable String trailerFault() {
    if (fault != null) {
      return fault;
    }
    if (tooMany) {
      return "too many trailers";
    }
    if (method != null
        || path != null
        || scheme != null
        || authority != null
        || protocol != null
        || status != null) {
      return "a pseudo-header has no place in trailers";
    }
    return Trailers.refused(headers);
  }

  /** The trailers, or null where there are none. */
  public @Nullable Headers trailers() {
    Headers all = done();
    return all.size() == 0 ? null : all;
  }
}
