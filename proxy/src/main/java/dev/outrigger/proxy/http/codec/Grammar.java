package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HttpVersion;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The small pieces of RFC 9110 and 9112, on bytes. */
final class Grammar {
  /** Of either protocol; the longest that is registered has 17. */
  static final int MAX_METHOD_BYTES = 64;

  private static final boolean[] TOKEN = new boolean[256];
  private static final boolean[] HOST = new boolean[128];
  private static final String[] METHODS = {
    "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"
  };

  static {
    for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
      TOKEN[c] = true;
    }
    for (char c : "-._~!$&'()*+;=%".toCharArray()) {
      HOST[c] = true;
    }
    for (int c = 0; c < 128; c++) {
      boolean alphanumeric =
          (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      TOKEN[c] |= alphanumeric;
      HOST[c] |= alphanumeric;
    }
  }

  private Grammar() {}

  /** RFC 9110, section 5.6.2. */
  static boolean isToken(byte b) {
    return TOKEN[b & 0xff];
  }

  /** Whether a whole text is a token. */
  static boolean isToken(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0x7f || !TOKEN[text.charAt(i)]) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  /** HTTP/1.1 or HTTP/1.0 in the eight bytes from an offset on; null for all else. */
  static @Nullable HttpVersion version(byte[] array, int at) {
    if (array[at] != 'H'
        || array[at + 1] != 'T'
        || array[at + 2] != 'T'
        || array[at + 3] != 'P'
        || array[at + 4] != '/'
        || array[at + 5] != '1'
        || array[at + 6] != '.') {
      return null;
    }
    return switch (array[at + 7]) {
      case '1' -> HttpVersion.HTTP_1_1;
      case '0' -> HttpVersion.HTTP_1_0;
      default -> null;
    };
  }

  /** The method, without a new string for the usual ones. */
  static String method(byte[] array, int at, int length) {
    for (String known : METHODS) {
      if (known.length() == length && matches(array, at, known)) {
        return known;
      }
    }
    return new String(array, at, length, StandardCharsets.ISO_8859_1);
  }

  private static boolean matches(byte[] array, int at, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (array[at + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** A number of 1 to 18 digits, or -1. */
  static long decimal(byte[] array, int at, int length) {
    if (length < 1 || length > 18) {
      return -1;
    }
    long value = 0;
    for (int i = at; i < at + length; i++) {
      int digit = array[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  /** Whether an authority has a host and a port that can be connected to. */
  static boolean hasPort(String authority) {
    int colon = authority.lastIndexOf(':');
    if (colon < 1 || colon == authority.length() - 1 || authority.indexOf(']') > colon) {
      return false;
    }
    for (int i = colon + 1; i < authority.length(); i++) {
      if (authority.charAt(i) != '0') {
        return true;
      }
    }
    return false;
  }

  /** {@code uri-host [":" port]} of RFC 9110, section 7.2; empty is allowed, a user is not. */
  static boolean isAuthority(String text) {
    int end = text.length();
    int at = 0;
    if (end > 0 && text.charAt(0) == '[') {
      int close = text.indexOf(']');
      if (close < 2) {
        return false;
      }
      for (int i = 1; i < close; i++) {
        char c = text.charAt(i);
        if (Character.digit(c, 16) < 0 && c != ':' && c != '.') {
          return false;
        }
      }
      at = close + 1;
    } else {
      while (at < end && text.charAt(at) < 128 && HOST[text.charAt(at)]) {
        at++;
      }
      if (at == 0 && end > 0) {
        return false;
      }
    }
    if (at == end) {
      return true;
    }
    if (text.charAt(at) != ':' || end - at > 6) {
      return false;
    }
    int port = 0;
    for (int i = at + 1; i < end; i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return false;
      }
      port = port * 10 + c - '0';
    }
    return port <= 65535;
  }
}
