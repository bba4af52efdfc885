package dev.outrigger.proxy.listen;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells protocols apart by their first bytes, without consuming any. Pure: the same bytes give the
 * same answer, however they were cut into segments.
 */
final class ProtocolDetector {
  /** A ClientHello beyond this is none of ours to understand. */
  static final int MAX_BYTES = 16 * 1024;

  private static final byte[] HTTP2_PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_METHOD = 32;
  private static final int MAX_NAME = 255;
  private static final int TLS_HANDSHAKE = 22;
  private static final int CLIENT_HELLO = 1;
  private static final int EXTENSION_SNI = 0;
  private static final int EXTENSION_ALPN = 16;
  private static final Detection NEED_MORE = new Detection.NeedMore();
  private static final Detection HTTP1 = new Detection.Http1();
  private static final Detection HTTP2 = new Detection.Http2();
  private static final Detection OPAQUE = new Detection.Opaque();

  private ProtocolDetector() {}

  /**
   * Looks at the readable bytes.
   *
   * @param seen all that came so far; what is beyond {@link #MAX_BYTES} is not looked at
   * @param tls whether TLS is looked for
   * @param http whether HTTP is looked for
   */
  static Detection detect(ByteBuf seen, boolean tls, boolean http) {
    if (!seen.isReadable()) {
      return NEED_MORE;
    }
    // What lies beyond the bound is not looked at, else the answer would depend on the segments.
    ByteBuf bytes =
        seen.readableBytes() > MAX_BYTES ? seen.slice(seen.readerIndex(), MAX_BYTES) : seen;
    if (tls && bytes.getUnsignedByte(bytes.readerIndex()) == TLS_HANDSHAKE) {
      return clientHello(bytes);
    }
    return http ? http(bytes) : OPAQUE;
  }

  private static Detection http(ByteBuf bytes) {
    int start = bytes.readerIndex();
    int length = bytes.readableBytes();
    int common = Math.min(length, HTTP2_PREFACE.length);
    int same = 0;
    while (same < common && bytes.getByte(start + same) == HTTP2_PREFACE[same]) {
      same++;
    }
    if (same == HTTP2_PREFACE.length) {
      return HTTP2;
    }
    if (same == length) {
      return NEED_MORE;
    }
    // A method, one space, and what begins a target. Its end and the version are the parser's to
    // check: a client of HTTP that gets them wrong is owed an answer in HTTP.
    int i = 0;
    while (i < length && i <= MAX_METHOD && isToken(bytes.getByte(start + i))) {
      i++;
    }
    if (i == length) {
      return i > MAX_METHOD ? OPAQUE : NEED_MORE;
    }
    if (i == 0 || i > MAX_METHOD || bytes.getByte(start + i) != ' ') {
      return OPAQUE;
    }
    if (i + 1 == length) {
      return NEED_MORE;
    }
    byte target = bytes.getByte(start + i + 1);
    boolean plausible = target == '/' || target == '*' || isToken(target) || target == '[';
    if (!plausible) {
      return looksLikeMethod(bytes, start, i) ? HTTP1 : OPAQUE;
    }
    int lineEnd = bytes.indexOf(start, start + length, (byte) '\n');
    if (lineEnd < 0) {
      return length >= MAX_BYTES ? HTTP1 : looksLikeMethod(bytes, start, i) ? HTTP1 : NEED_MORE;
    }
    String line = bytes.toString(start, lineEnd - start, StandardCharsets.ISO_8859_1);
    return line.contains(" HTTP/1.") || looksLikeMethod(bytes, start, i) ? HTTP1 : OPAQUE;
  }

  private static boolean looksLikeMethod(ByteBuf bytes, int start, int length) {
    return switch (bytes.toString(start, length, StandardCharsets.US_ASCII)) {
      case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH" -> true;
      default -> false;
    };
  }

  private static boolean isToken(byte b) {
    return (b >= 'a' && b <= 'z')
        || (b >= 'A' && b <= 'Z')
        || (b >= '0' && b <= '9')
        || b == '-'
        || b == '_'
        || b == '!'
        || b == '.';
  }

  /** Puts the handshake message together from its records (RFC 8446, section 5.1) and reads it. */
  private static Detection clientHello(ByteBuf bytes) {
    byte[] message = new byte[Math.min(bytes.readableBytes(), MAX_BYTES)];
    int have = 0;
    int at = bytes.readerIndex();
    int end = bytes.writerIndex();
    int wanted = 4;
    while (true) {
      if (end - at < 5) {
        // The version byte tells TLS from a protocol that happens to begin with 22.
        return end - at >= 2 && bytes.getByte(at + 1) != 3 ? OPAQUE : moreOrOpaque(bytes);
      }
      if (bytes.getUnsignedByte(at) != TLS_HANDSHAKE || bytes.getByte(at + 1) != 3) {
        return OPAQUE;
      }
      int record = bytes.getUnsignedShort(at + 3);
      int there = Math.min(record, end - at - 5);
      int taken = Math.min(there, message.length - have);
      bytes.getBytes(at + 5, message, have, taken);
      have += taken;
      if (have >= 1 && message[0] != CLIENT_HELLO) {
        return OPAQUE;
      }
      if (have >= 4) {
        wanted = 4 + ((message[1] & 0xff) << 16 | (message[2] & 0xff) << 8 | (message[3] & 0xff));
        if (wanted > MAX_BYTES) {
          return OPAQUE;
        }
      }
      if (have >= wanted) {
        return extensions(message, wanted);
      }
      if (there < record) {
        return moreOrOpaque(bytes);
      }
      at += 5 + record;
    }
  }

  private static Detection moreOrOpaque(ByteBuf bytes) {
    return bytes.readableBytes() >= MAX_BYTES ? OPAQUE : NEED_MORE;
  }

  private static Detection extensions(byte[] m, int end) {
    try {
      int at = 4 + 2 + 32;
      at += 1 + (m[at] & 0xff);
      at += 2 + unsignedShort(m, at);
      at += 1 + (m[at] & 0xff);
      boolean named = false;
      String serverName = null;
      @Nullable List<String> alpn = null;
      if (at > end || (at < end && at + 2 + unsignedShort(m, at) != end)) {
        return OPAQUE; // the message's own lengths disagree
      }
      if (at < end) {
        at += 2;
        while (at + 4 <= end) {
          int type = unsignedShort(m, at);
          int length = unsignedShort(m, at + 2);
          at += 4;
          if (at + length > end) {
            return OPAQUE;
          }
          if ((type == EXTENSION_SNI && named) || (type == EXTENSION_ALPN && alpn != null)) {
            return OPAQUE; // RFC 8446, section 4.2: which of the two counts is anyone's guess
          }
          if (type == EXTENSION_SNI) {
            named = true;
            serverName = serverName(m, at, length);
          } else if (type == EXTENSION_ALPN) {
            alpn = protocols(m, at, length);
          }
          at += length;
        }
      }
      return new Detection.Tls(serverName, alpn == null ? List.of() : alpn);
    } catch (IndexOutOfBoundsException e) {
      return OPAQUE;
    }
  }

  private static @Nullable String serverName(byte[] m, int at, int length) {
    if (length < 5 || m[at + 2] != 0) {
      return null;
    }
    int size = unsignedShort(m, at + 3);
    if (size == 0 || size > MAX_NAME || size > length - 5) {
      return null;
    }
    for (int i = at + 5; i < at + 5 + size; i++) {
      if (m[i] <= ' ' || m[i] == 0x7f) {
        return null; // beyond printable ASCII, which no host name has
      }
    }
    return new String(m, at + 5, size, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
  }

  private static List<String> protocols(byte[] m, int at, int length) {
    List<String> protocols = new ArrayList<>();
    int end = at + length;
    for (int i = at + 2; i < end; ) {
      int size = m[i] & 0xff;
      if (size == 0 || i + 1 + size > end) {
        break;
      }
      protocols.add(new String(m, i + 1, size, StandardCharsets.ISO_8859_1));
      i += 1 + size;
    }
    return protocols;
  }

  private static int unsignedShort(byte[] m, int at) {
    return (m[at] & 0xff) << 8 | (m[at + 1] & 0xff);
  }
}
