package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.Headers;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The name of a field of HTTP/2, checked once for all fields that have it (RFC 9113, sections 8.2
 * and 8.3). Immutable.
 */
final class FieldName {
  /** What a field of this name is. */
  enum Kind {
    REGULAR,
    TE,
    COOKIE,
    CONTENT_LENGTH,
    METHOD,
    PATH,
    SCHEME,
    AUTHORITY,
    PROTOCOL,
    STATUS,
    UNKNOWN_PSEUDO
  }

  private final byte[] bytes;
  private final int hash;
  private final Kind kind;
  private final @Nullable String fault;

  /** Takes the bytes over. */
  FieldName(byte[] bytes) {
    this.bytes = bytes;
    this.hash = Headers.hashOf(bytes);
    boolean pseudo = bytes.length > 0 && bytes[0] == ':';
    String known = bytes.length > 17 ? "" : new String(bytes, StandardCharsets.ISO_8859_1);
    this.kind = pseudo ? pseudo(known) : regular(known);
    this.fault = pseudo ? null : fault(bytes, known);
  }

  static FieldName of(String name) {
    return new FieldName(name.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Not to be changed. */
  byte[] bytes() {
    return bytes;
  }

  int length() {
    return bytes.length;
  }

  /** As {@link Headers} counts it. */
  int hash() {
    return hash;
  }

  Kind kind() {
    return kind;
  }

  /** What is wrong with it, or null. */
  @Nullable String fault() {
    return fault;
  }

  private static Kind pseudo(String name) {
    return switch (name) {
      case ":method" -> Kind.METHOD;
      case ":path" -> Kind.PATH;
      case ":scheme" -> Kind.SCHEME;
      case ":authority" -> Kind.AUTHORITY;
      case ":protocol" -> Kind.PROTOCOL;
      case ":status" -> Kind.STATUS;
      default -> Kind.UNKNOWN_PSEUDO;
    };
  }

  private static Kind regular(String name) {
    return switch (name) {
      case "te" -> Kind.TE;
      case "cookie" -> Kind.COOKIE;
      case "content-length" -> Kind.CONTENT_LENGTH;
      default -> Kind.REGULAR;
    };
  }

  private static @Nullable String fault(byte[] bytes, String name) {
    if (bytes.length == 0) {
      return "a field has no name";
    }
    for (byte b : bytes) {
      if (!Grammar.isToken(b) || (b >= 'A' && b <= 'Z')) {
        return "the name " + printable(bytes) + " holds what a name cannot hold";
      }
    }
    return switch (name) {
      case "upgrade", "connection", "keep-alive", "proxy-connection", "transfer-encoding" ->
          name + " has no place in HTTP/2";
      default -> null;
    };
  }

  private static String printable(byte[] bytes) {
    String name = new String(bytes, 0, Math.min(bytes.length, 60), StandardCharsets.ISO_8859_1);
    String text = bytes.length > 60 ? name + "…" : name;
    return "'" + text.replaceAll("[^!-~]", "?") + "'";
  }

  /** The name as it came. */
  String text() {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /** In quotes, for people. */
  @Override
  public String toString() {
    return printable(bytes);
  }
}
