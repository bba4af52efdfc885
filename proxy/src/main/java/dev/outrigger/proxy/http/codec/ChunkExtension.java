package dev.outrigger.proxy.http.codec;

import org.jspecify.annotations.Nullable;

/**
 * The extensions of one chunk, read byte by byte and thrown away (RFC 9112, section 7.1.1): names
 * with or without a value, which is a token or a quoted string. What others might read otherwise is
 * refused. Confined to its connection's event loop.
 */
final class ChunkExtension {
  /** Longest of all extensions of a chunk, in bytes. */
  static final int MAX_BYTES = 256;

  private enum At {
    BEFORE_NAME,
    NAME,
    AFTER_NAME,
    BEFORE_VALUE,
    VALUE,
    QUOTED,
    ESCAPED,
    AFTER_VALUE,
    BEFORE_SEMICOLON
  }

  private At at = At.BEFORE_NAME;
  private int length;

  /** A semicolon was read behind a chunk's size. */
  void begin() {
    at = At.BEFORE_NAME;
    length = 0;
  }

  /** Whether the line may end here. */
  boolean mayEnd() {
    return switch (at) {
      case NAME, VALUE, AFTER_VALUE -> true;
      case BEFORE_NAME, AFTER_NAME, BEFORE_VALUE, QUOTED, ESCAPED, BEFORE_SEMICOLON -> false;
    };
  }

  /** Takes a byte that is no carriage return; what is wrong with it, or null. */
  @Nullable String read(byte b) {
    if (++length > MAX_BYTES) {
      return "a chunk extension is longer than " + MAX_BYTES + " bytes";
    }
    boolean space = b == ' ' || b == '\t';
    if ((b < 0x20 && b >= 0 && !space) || b == 0x7f) {
      return "a chunk extension holds a control character";
    }
    At next =
        switch (at) {
          case BEFORE_NAME -> space ? At.BEFORE_NAME : token(b, At.NAME);
          case NAME -> space ? At.AFTER_NAME : afterName(b, token(b, At.NAME));
          case AFTER_NAME -> space ? At.AFTER_NAME : afterName(b, null);
          case BEFORE_VALUE -> space ? At.BEFORE_VALUE : b == '"' ? At.QUOTED : token(b, At.VALUE);
          case VALUE -> space || b == ';' ? afterValue(b) : token(b, At.VALUE);
          case QUOTED -> b == '"' ? At.AFTER_VALUE : b == '\\' ? At.ESCAPED : At.QUOTED;
          case ESCAPED -> At.QUOTED;
          case AFTER_VALUE, BEFORE_SEMICOLON -> space || b == ';' ? afterValue(b) : null;
        };
    if (next == null) {
      return "a chunk extension is malformed";
    }
    at = next;
    return null;
  }

  private static @Nullable At token(byte b, At state) {
    return Grammar.isToken(b) ? state : null;
  }

  private static @Nullable At afterName(byte b, @Nullable At otherwise) {
    return b == '=' ? At.BEFORE_VALUE : b == ';' ? At.BEFORE_NAME : otherwise;
  }

  private static At afterValue(byte b) {
    return b == ';' ? At.BEFORE_NAME : At.BEFORE_SEMICOLON;
  }
}
