package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One field section of HTTP/2 while HPACK reads it: checked field by field (RFC 9113, section 8.2)
 * and put straight into the {@link Headers} that go on.
 */
public final class Http2Fields {
  /** Stands for a section that was too large to be kept. */
  static final Http2Fields TOO_MANY = tooLarge();

  private final Headers headers;
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

  /**
   * None yet.
   *
   * @param block how many bytes of HPACK hold them: each is a field at most
   */
  Http2Fields(int maxFields, int block) {
    this.maxFields = maxFields;
    // Trailers are two or three bytes in most calls, and have no more fields.
    this.headers =
        new Headers(new byte[Math.min(512, 64 + 32 * block)], 0, Math.min(16, 2 + block));
  }

  private static Http2Fields tooLarge() {
    Http2Fields fields = new Http2Fields(0, 0);
    fields.tooMany = true;
    return fields;
  }

  /** Adds a field of a table. */
  void add(HpackField field) {
    FieldName name = field.name();
    if (!takes(name, field.clean())) {
      return;
    }
    if (name.kind() == FieldName.Kind.REGULAR) {
      headers.add(name.hash(), name.bytes(), field.value(), 0, field.value().length);
    } else {
      special(name, field.text());
    }
  }

  /** Adds a field whose value is copied from an array. */
  void add(FieldName name, byte[] value, int at, int length) {
    if (!takes(name, HpackField.isClean(value, at, length))) {
      return;
    }
    if (name.kind() == FieldName.Kind.REGULAR) {
      headers.add(name.hash(), name.bytes(), value, at, length);
    } else {
      special(name, new String(value, at, length, StandardCharsets.ISO_8859_1));
    }
  }

  /** Whether a field is looked at; where it is not, it is known why. */
  private boolean takes(FieldName name, boolean clean) {
    if (++fields > maxFields) {
      tooMany = true;
    }
    if (tooMany || fault != null) {
      return false;
    }
    if (name.length() > 0 && !clean) {
      fault = "the value of " + name + " holds what a value cannot hold";
    } else {
      fault = name.fault();
    }
    return fault == null;
  }

  private void special(FieldName name, String value) {
    switch (name.kind()) {
      case REGULAR -> headers.add(name.text(), value);
      case TE -> {
        if (value.equals("trailers")) {
          headers.add(name.text(), value);
        } else {
          fault = "te is not trailers";
        }
      }
      case CONTENT_LENGTH -> length(name, value);
      case COOKIE -> cookie(value);
      case METHOD -> method = pseudo(name, method, value);
      case PATH -> path = pseudo(name, path, value);
      case SCHEME -> scheme = pseudo(name, scheme, value);
      case AUTHORITY -> authority = pseudo(name, authority, value);
      case PROTOCOL -> protocol = pseudo(name, protocol, value);
      case STATUS -> status = pseudo(name, status, value);
      case UNKNOWN_PSEUDO -> {
        var _ = pseudo(name, null, value);
        if (fault == null) {
          fault = "a pseudo-header is not known";
        }
      }
    }
  }

  private String pseudo(FieldName name, @Nullable String before, String value) {
    if (headers.size() > 0 || cookies != null) {
      fault = name.text() + " comes after a regular field";
    } else if (before != null) {
      fault = name.text() + " is there twice";
    }
    return value;
  }

  /** Crumbs become one field again, as HTTP/1.1 wants it (RFC 9113, section 8.2.3). */
  private void cookie(String value) {
    StringBuilder all = cookies;
    if (all == null) {
      cookies = new StringBuilder(value.length()).append(value);
    } else if (!value.isEmpty()) { // an empty crumb would leave a space at the end
      all.append(all.isEmpty() ? "" : "; ").append(value);
    }
  }

  /** There is one length, said once. */
  private void length(FieldName name, String value) {
    byte[] digits = value.getBytes(StandardCharsets.ISO_8859_1);
    long said = Grammar.decimal(digits, 0, digits.length);
    if (said < 0 || contentLength >= 0) {
      fault = "content-length is not one number";
      return;
    }
    contentLength = said;
    headers.add(name.text(), value);
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
