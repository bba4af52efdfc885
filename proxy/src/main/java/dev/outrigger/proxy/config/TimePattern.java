package dev.outrigger.proxy.config;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A time as {@code strftime} writes it, with {@code %3f} for three digits of the fraction of a
 * second, as in Envoy. Immutable.
 *
 * @param parts in order
 */
public record TimePattern(List<Part> parts) {
  static final String KNOWN =
      "%Y %y %m %d %e %j %H %I %M %S %p %b %B %a %A %F %T %D %R %s %f %1f to %9f %Z %z %t %%";

  private static final String SIMPLE = "YymdejHIMSpbhBaAFTDRsfZzt%";

  public TimePattern {
    parts = List.copyOf(parts);
  }

  /**
   * One part.
   *
   * @param kind the letter after the percent sign; {@code 'l'} for text as it stands
   * @param digits of a fraction
   */
  public record Part(char kind, int digits, String text) {}

  /** The index of the first percent sign that begins nothing known; -1 if all are known. */
  static int firstWrong(String pattern) {
    for (int i = 0; i < pattern.length(); i++) {
      if (pattern.charAt(i) == '%') {
        @Nullable Part part = partAt(pattern, i);
        if (part == null) {
          return i;
        }
        i += part.digits() > 0 && pattern.charAt(i + 1) != 'f' ? 2 : 1;
      }
    }
    return -1;
  }

  /** Of a pattern without a wrong part. */
  public static TimePattern of(String pattern) {
    List<Part> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c != '%') {
        literal.append(c);
        continue;
      }
      @Nullable Part part = partAt(pattern, i);
      if (part == null) {
        throw new IllegalArgumentException(pattern);
      }
      i += part.digits() > 0 && pattern.charAt(i + 1) != 'f' ? 2 : 1;
      switch (part.kind()) {
        case '%' -> literal.append('%');
        case 't' -> literal.append('\t');
        default -> {
          if (!literal.isEmpty()) {
            parts.add(new Part('l', 0, literal.toString()));
            literal.setLength(0);
          }
          parts.add(part);
        }
      }
    }
    if (!literal.isEmpty()) {
      parts.add(new Part('l', 0, literal.toString()));
    }
    return new TimePattern(parts);
  }

  private static @Nullable Part partAt(String pattern, int percent) {
    if (percent + 1 >= pattern.length()) {
      return null;
    }
    char c = pattern.charAt(percent + 1);
    if (c >= '1' && c <= '9') {
      boolean fraction = percent + 2 < pattern.length() && pattern.charAt(percent + 2) == 'f';
      return fraction ? new Part('f', c - '0', "") : null;
    }
    return SIMPLE.indexOf(c) < 0 ? null : new Part(c == 'h' ? 'b' : c, c == 'f' ? 9 : 0, "");
  }
}
