package dev.outrigger.proxy.telemetry;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a log written one after the other into one array of bytes, UTF-8. What peers sent is
 * escaped, so that it neither ends a line nor leaves its place: as JSON does it, or as {@code \xNN}
 * in plain text. Makes no object of its own but a larger array. Confined to whoever owns it.
 */
final class LogLine {
  /** Longer text is cut there. */
  static final int MAX_TEXT = 2048;

  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1);

  private byte[] bytes;
  private int at;
  private boolean json = true;
  private int maxText = MAX_TEXT;

  LogLine(int size) {
    this.bytes = new byte[size];
  }

  /** Something that stands in a line as it is. */
  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  int length() {
    return at;
  }

  byte[] bytes() {
    return bytes;
  }

  /** Goes on in another array, from its beginning. */
  void continueIn(byte[] next) {
    bytes = next;
    at = 0;
  }

  void clear() {
    at = 0;
  }

  /** Takes back what was written behind a place. */
  void backTo(int place) {
    at = place;
  }

  /** Escapes as JSON does from now on. */
  void asJson() {
    json = true;
  }

  /** Escapes as plain text needs it from now on. */
  void asText() {
    json = false;
  }

  boolean isJson() {
    return json;
  }

  /** Cuts text there; 0 is the usual bound. */
  void maxText(int characters) {
    maxText = characters == 0 ? MAX_TEXT : Math.min(characters, MAX_TEXT);
  }

  /** As it stands. */
  void raw(byte[] more) {
    reserve(more.length);
    System.arraycopy(more, 0, bytes, at, more.length);
    at += more.length;
  }

  void raw(char ascii) {
    reserve(1);
    bytes[at++] = (byte) ascii;
  }

  /** Text; returns whether there was any. */
  boolean text(@Nullable String value) {
    if (value == null || value.isEmpty()) {
      return false;
    }
    int length = Math.min(value.length(), maxText);
    reserve(length * 6);
    for (int i = 0; i < length; i++) {
      put(value.charAt(i));
    }
    return true;
  }

  /** Text that lies in an array, one byte a character. */
  boolean text(byte[] from, int offset, int length) {
    int end = offset + Math.min(length, maxText);
    reserve((end - offset) * 6);
    for (int i = offset; i < end; i++) {
      put((char) (from[i] & 0xff));
    }
    return true;
  }

  /** A host with its port. */
  boolean address(@Nullable String host, int port) {
    if (host == null) {
      return false;
    }
    boolean brackets = host.indexOf(':') >= 0;
    if (brackets) {
      raw('[');
    }
    text(host);
    if (brackets) {
      raw(']');
    }
    raw(':');
    number(port);
    return true;
  }

  /** 128 bits as 32 digits. */
  void hex(long high, long low) {
    reserve(32);
    TraceContext.putHex(bytes, at, high);
    TraceContext.putHex(bytes, at + 16, low);
    at += 32;
  }

  void number(long value) {
    reserve(20);
    long left = value;
    if (left < 0) {
      bytes[at++] = '-';
      left = -left;
    }
    int count = 1;
    for (long rest = left; rest >= 10; rest /= 10) {
      count++;
    }
    padded(left, count);
  }

  /** The last digits of a number that is not negative, with zeros before them. */
  void padded(long value, int count) {
    reserve(count);
    long left = value;
    for (int i = at + count - 1; i >= at; i--) {
      bytes[i] = (byte) ('0' + left % 10);
      left /= 10;
    }
    at += count;
  }

  private void put(char c) {
    if (c >= 0x20 && c < 0x7f) {
      if (json && (c == '"' || c == '\\')) {
        bytes[at++] = '\\';
      }
      bytes[at++] = (byte) c;
    } else if (c >= 0xa0 && c < 0x800) {
      bytes[at++] = (byte) (0xc0 | c >> 6);
      bytes[at++] = (byte) (0x80 | c & 0x3f);
    } else if (json || c > 0xff) {
      bytes[at++] = '\\';
      bytes[at++] = 'u';
      bytes[at++] = HEX[c >> 12];
      bytes[at++] = HEX[c >> 8 & 15];
      bytes[at++] = HEX[c >> 4 & 15];
      bytes[at++] = HEX[c & 15];
    } else {
      bytes[at++] = '\\';
      bytes[at++] = 'x';
      bytes[at++] = HEX[c >> 4 & 15];
      bytes[at++] = HEX[c & 15];
    }
  }

  private void reserve(int more) {
    if (at + more > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, at + more));
    }
  }
}
