package dev.outrigger.controlplane.source;

import java.time.Duration;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Values that carry their unit. */
final class Units {
  private static final Pattern DURATION = Pattern.compile("(?:[0-9]{1,9}(?:h|ms|us|m|s))+");
  private static final Pattern PART = Pattern.compile("([0-9]{1,9})(h|ms|us|m|s)");
  private static final Pattern PERCENT = Pattern.compile("([0-9]{1,3}(?:\\.[0-9]{1,4})?)%");

  private static final Pattern BYTES = Pattern.compile("([0-9]{1,12})(Ki|Mi|Gi|k|M|G)?");

  /** Longer ones are refused: in nanoseconds they would overflow. The Gateway API's bound. */
  static final Duration LONGEST = Duration.ofHours(99_999);

  private Units() {}

  /** Reads {@code 300ms}, {@code 1m30s}; null where it is none, or above {@link #LONGEST}. */
  static @Nullable Duration duration(String text) {
    if (text.length() > 40 || !DURATION.matcher(text).matches()) {
      return null;
    }
    Duration sum = Duration.ZERO;
    Matcher parts = PART.matcher(text);
    while (parts.find()) {
      long count = Long.parseLong(parts.group(1));
      sum =
          sum.plus(
              switch (parts.group(2)) {
                case "h" -> Duration.ofHours(count);
                case "m" -> Duration.ofMinutes(count);
                case "s" -> Duration.ofSeconds(count);
                case "ms" -> Duration.ofMillis(count);
                default -> Duration.ofNanos(count * 1000);
              });
    }
    return sum.compareTo(LONGEST) > 0 ? null : sum;
  }

  /** Reads {@code 20%} or {@code 0.5%}, from 0 to 100; empty where it is none. */
  static OptionalDouble percent(String text) {
    Matcher match = PERCENT.matcher(text);
    if (!match.matches()) {
      return OptionalDouble.empty();
    }
    double value = Double.parseDouble(match.group(1));
    return value <= 100 ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  /** Reads {@code 1000}, {@code 64Ki} or {@code 1M}, in bytes; empty where it is none. */
  static OptionalLong bytes(String text) {
    Matcher match = BYTES.matcher(text);
    if (!match.matches()) {
      return OptionalLong.empty();
    }
    @Nullable String unit = match.group(2);
    long factor =
        switch (unit == null ? "" : unit) {
          case "Ki" -> 1L << 10;
          case "Mi" -> 1L << 20;
          case "Gi" -> 1L << 30;
          case "k" -> 1_000;
          case "M" -> 1_000_000;
          case "G" -> 1_000_000_000;
          default -> 1;
        };
    try {
      return OptionalLong.of(Math.multiplyExact(Long.parseLong(match.group(1)), factor));
    } catch (ArithmeticException _) {
      return OptionalLong.empty();
    }
  }
}
