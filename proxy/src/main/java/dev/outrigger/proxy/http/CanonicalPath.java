package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import org.jspecify.annotations.Nullable;

/**
 * A request's path as everything behind sees it. Pure; what is canonical already is the same string
 * afterwards, and what comes out is canonical.
 */
final class CanonicalPath {
  private CanonicalPath() {}

  /**
   * The path as it goes on, or why it does not.
   *
   * @param path with its query, which stays as it is
   * @param unescaped whether an escaped slash was undone
   * @param refusal what is wrong with it, or null
   */
  record Result(String path, boolean unescaped, @Nullable String refusal) {}

  /**
   * Applies the rules.
   *
   * @param path with its query; what does not begin with a slash has no segments and stays
   * @return null if nothing changes
   */
  static @Nullable Result of(String path, RequestRules rules) {
    if (path.isEmpty() || path.charAt(0) != '/') {
      return null;
    }
    if (!suspicious(path)) {
      return null;
    }
    StringBuilder text = new StringBuilder(path.length());
    boolean unescaped = false;
    int query = path.indexOf('?');
    int stop = query < 0 ? path.length() : query;
    int bare = -3; // a '%' that escapes nothing, and must not come to escape something
    for (int i = 0; i < stop; i++) {
      char c = path.charAt(i);
      if (c == '\\' && rules.normalizePath()) {
        text.append('/');
        continue;
      }
      int value = c == '%' ? escaped(path, i, stop) : -1;
      if (value < 0) {
        bare = c == '%' ? text.length() : bare;
        text.append(c);
        continue;
      }
      if (value == 0 && rules.normalizePath()) {
        return new Result(path, false, "the path holds an escaped NUL");
      }
      if (value == '/' || value == '\\') {
        switch (rules.escapedSlashes()) {
          case KEEP -> text.append(path, i, i + 3);
          case REJECT -> {
            return new Result(path, false, "the path holds an escaped slash");
          }
          case REDIRECT, UNESCAPE -> {
            unescaped = true;
            text.append(value == '/' || rules.normalizePath() ? '/' : '\\');
          }
        }
      } else if (rules.normalizePath() && unreserved(value) && !completes(text, bare, value)) {
        text.append((char) value);
      } else {
        text.append(path, i, i + 3);
      }
      i += 2;
    }
    if (rules.normalizePath()) {
      resolveDots(text);
    }
    if (rules.mergeSlashes()) {
      merge(text);
    }
    if (query >= 0) {
      text.append(path, query, path.length());
    }
    String changed = text.toString();
    return changed.equals(path)
        ? null
        : new Result(changed, unescaped && rules.escapedSlashes() == EscapedSlashes.REDIRECT, null);
  }

  /** Whether there is anything to look at more closely. */
  private static boolean suspicious(String path) {
    char before = 0;
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      switch (c) {
        case '?' -> {
          return false;
        }
        case '%', '\\' -> {
          return true;
        }
        case '.', '/' -> {
          if (before == '/') {
            return true;
          }
        }
        default -> {}
      }
      before = c;
    }
    return false;
  }

  /** The value of an escape, or -1 where there is none. */
  private static int escaped(String path, int at, int stop) {
    if (at + 2 >= stop) {
      return -1;
    }
    int high = hex(path.charAt(at + 1));
    int low = hex(path.charAt(at + 2));
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }

  private static int hex(char c) {
    return c < 0x80 ? Character.digit(c, 16) : -1;
  }

  /** Whether a digit, put behind the text, would help a bare '%' to escape something. */
  private static boolean completes(StringBuilder text, int bare, int value) {
    int behind = text.length() - bare;
    return hex((char) value) >= 0
        && (behind == 1 || (behind == 2 && hex(text.charAt(bare + 1)) >= 0));
  }

  private static boolean unreserved(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '.'
        || c == '_'
        || c == '~';
  }

  /** RFC 3986, section 5.2.4, in place; the root has no parent. */
  private static void resolveDots(StringBuilder text) {
    int end = text.length();
    int out = 0; // what is kept so far; it ends before a slash
    int at = 0;
    while (at < end) {
      int next = at + 1; // behind the slash at which the segment begins
      while (next < end && text.charAt(next) != '/') {
        next++;
      }
      int length = next - at - 1;
      boolean last = next == end;
      boolean one = length == 1 && text.charAt(at + 1) == '.';
      boolean two = length == 2 && text.charAt(at + 1) == '.' && text.charAt(at + 2) == '.';
      if (one || two) {
        if (two) {
          while (out > 0 && text.charAt(--out) != '/') {}
        }
        if (last) {
          text.setCharAt(out++, '/');
        }
      } else {
        for (int i = at; i < next; i++) {
          text.setCharAt(out++, text.charAt(i));
        }
      }
      at = next;
    }
    text.setLength(out);
  }

  private static void merge(StringBuilder text) {
    int out = 1;
    for (int i = 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '/' || text.charAt(out - 1) != '/') {
        text.setCharAt(out++, c);
      }
    }
    text.setLength(out);
  }
}
