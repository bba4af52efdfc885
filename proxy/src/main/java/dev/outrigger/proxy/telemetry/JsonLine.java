package dev.outrigger.proxy.telemetry;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * JSON objects written one after the other into one array of bytes, UTF-8, one a line. Makes no
 * object of its own but a larger array. Confined to whoever owns it.
 */
final class JsonLine {
  /** Longer text is cut there. */
  static final int MAX_TEXT = 2048;

  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1);

  private byte[] bytes;
  private int at;
  private boolean first;
  private long cachedSecond = Long.MIN_VALUE;
  private final byte[] cachedText = new byte[19];

  JsonLine(int size) {
    this.bytes = new byte[size];
  }

  /** The name of a field, ready to be written. */
  static byte[] name(String name) {
    return ("\"" + name + "\":").getBytes(StandardCharsets.ISO_8859_1);
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

  void begin() {
    reserve(1);
    bytes[at++] = '{';
    first = true;
  }

  void end() {
    reserve(2);
    bytes[at++] = '}';
    bytes[at++] = '\n';
  }

  /** A field of text; absent where there is none. */
  void text(byte[] name, @Nullable String value) {
    if (value == null || value.isEmpty()) {
      return;
    }
    open(name);
    escaped(value);
    bytes[at++] = '"';
  }

  /** A field of text that lies in an array, one byte a character. */
  void text(byte[] name, byte[] from, int offset, int length) {
    open(name);
    int end = offset + Math.min(length, MAX_TEXT);
    reserve((end - offset) * 6 + 1);
    for (int i = offset; i < end; i++) {
      put((char) (from[i] & 0xff));
    }
    bytes[at++] = '"';
  }

  /** A host with its port. */
  void address(byte[] name, String host, int port) {
    open(name);
    boolean brackets = host.indexOf(':') >= 0;
    if (brackets) {
      bytes[at++] = '[';
    }
    escaped(host);
    reserve(16);
    if (brackets) {
      bytes[at++] = ']';
    }
    bytes[at++] = ':';
    digits(port);
    bytes[at++] = '"';
  }

  /** A trace id. */
  void hex(byte[] name, long high, long low) {
    open(name);
    TraceContext.putHex(bytes, at, high);
    TraceContext.putHex(bytes, at + 16, low);
    at += 32;
    bytes[at++] = '"';
  }

  void number(byte[] name, long value) {
    key(name);
    digits(value);
  }

  /** Nanoseconds as milliseconds with three places. */
  void millis(byte[] name, long nanos) {
    key(name);
    long micros = Math.max(0, nanos) / 1000;
    digits(micros / 1000);
    bytes[at++] = '.';
    int rest = (int) (micros % 1000);
    bytes[at++] = (byte) ('0' + rest / 100);
    bytes[at++] = (byte) ('0' + rest / 10 % 10);
    bytes[at++] = (byte) ('0' + rest % 10);
  }

  /** A time in UTC with milliseconds (RFC 3339). */
  void time(byte[] name, long epochMillis) {
    open(name);
    long second = Math.floorDiv(epochMillis, 1000L);
    if (second != cachedSecond) {
      cachedSecond = second;
      String text =
          java.time.LocalDateTime.ofEpochSecond(second, 0, java.time.ZoneOffset.UTC)
              .format(java.time.format.DateTimeFormatter.ISO_LOCAL_DATE_TIME);
      byte[] ascii = text.getBytes(StandardCharsets.ISO_8859_1);
      System.arraycopy(ascii, 0, cachedText, 0, cachedText.length);
    }
    System.arraycopy(cachedText, 0, bytes, at, cachedText.length);
    at += cachedText.length;
    int millis = (int) Math.floorMod(epochMillis, 1000L);
    bytes[at++] = '.';
    bytes[at++] = (byte) ('0' + millis / 100);
    bytes[at++] = (byte) ('0' + millis / 10 % 10);
    bytes[at++] = (byte) ('0' + millis % 10);
    bytes[at++] = 'Z';
    bytes[at++] = '"';
  }

  private void key(byte[] name) {
    reserve(name.length + 64);
    if (!first) {
      bytes[at++] = ',';
    }
    first = false;
    System.arraycopy(name, 0, bytes, at, name.length);
    at += name.length;
  }

  private void open(byte[] name) {
    key(name);
    bytes[at++] = '"';
  }

  private void escaped(String value) {
    int length = Math.min(value.length(), MAX_TEXT);
    reserve(length * 6 + 1);
    for (int i = 0; i < length; i++) {
      put(value.charAt(i));
    }
  }

  private void put(char c) {
    if (c >= 0x20 && c < 0x7f) {
      if (c == '"' || c == '\\') {
        bytes[at++] = '\\';
      }
      bytes[at++] = (byte) c;
    } else if (c >= 0xa0 && c < 0x800) {
      bytes[at++] = (byte) (0xc0 | c >> 6);
      bytes[at++] = (byte) (0x80 | c & 0x3f);
    } else {
      bytes[at++] = '\\';
      bytes[at++] = 'u';
      bytes[at++] = HEX[c >> 12];
      bytes[at++] = HEX[c >> 8 & 15];
      bytes[at++] = HEX[c >> 4 & 15];
      bytes[at++] = HEX[c & 15];
    }
  }

  private void digits(long value) {
    long left = value;
    if (left < 0) {
      bytes[at++] = '-';
      left = -left;
    }
    int count = 1;
    for (long rest = left; rest >= 10; rest /= 10) {
      count++;
    }
    for (int i = at + count - 1; i >= at; i--) {
      bytes[i] = (byte) ('0' + left % 10);
      left /= 10;
    }
    at += count;
  }

  private void reserve(int more) {
    if (at + more > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, at + more));
    }
  }
}
