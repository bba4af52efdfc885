package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import org.jspecify.annotations.Nullable;

/** A compiled {@link ValueMatch}. */
@FunctionalInterface
interface ValueMatcher {

  /**
   * Whether the value is as wanted.
   *
   * @param value null if there is none
   */
  boolean matches(@Nullable String value);

  static ValueMatcher of(ValueMatch match) {
    return switch (match) {
      case ValueMatch.Present _ -> value -> value != null;
      case ValueMatch.Absent _ -> value -> value == null;
      case ValueMatch.Exact(String wanted) -> wanted::equals;
      case ValueMatch.Prefix(String wanted) -> value -> value != null && value.startsWith(wanted);
      case ValueMatch.Suffix(String wanted) -> value -> value != null && value.endsWith(wanted);
      case ValueMatch.Contains(String wanted) -> value -> value != null && value.contains(wanted);
      case ValueMatch.Regex regex -> {
        BoundedRegex bounded = new BoundedRegex(regex.pattern());
        yield value -> value != null && bounded.matches(value, 0, value.length());
      }
      case ValueMatch.Range(long start, long end) ->
          value -> value != null && inRange(value, start, end);
    };
  }

  private static boolean inRange(String value, long start, long end) {
    // A long has at most 19 digits and a sign; more would only be work for the parser.
    if (value.isEmpty() || value.length() > 20) {
      return false;
    }
    try {
      long number = Long.parseLong(value);
      return number >= start && number < end;
    } catch (NumberFormatException _) {
      return false;
    }
  }
}
