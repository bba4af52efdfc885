package dev.outrigger.proxy.http.codec;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A field of an HPACK table, checked once for all heads that refer to it. */
final class HpackField {
  private static final int OVERHEAD = 32; // RFC 7541, section 4.1

  private final FieldName name;
  private final byte[] value;
  private final boolean clean;
  private @Nullable String text;

  /** Takes the value over. */
  HpackField(FieldName name, byte[] value) {
    this.name = name;
    this.value = value;
    this.clean = isClean(value, 0, value.length);
  }

  /** What a field counts for. */
  static int size(int nameLength, int valueLength) {
    return nameLength + valueLength + OVERHEAD;
  }

  FieldName name() {
    return name;
  }

  /** Not to be changed. */
  byte[] value() {
    return value;
  }

  /** Whether the value holds what a value can hold. */
  boolean clean() {
    return clean;
  }

  int size() {
    return size(name.length(), value.length);
  }

  /** The value; made when it is first asked for. */
  String text() {
    String made = text;
    if (made == null) {
      made = new String(value, StandardCharsets.ISO_8859_1);
      text = made;
    }
    return made;
  }

  /** Whether these bytes can be a value (RFC 9113, section 8.2.1). */
  static boolean isClean(byte[] bytes, int at, int length) {
    if (length == 0) {
      return true;
    }
    int end = at + length;
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
}
