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
      case ValueMatch.Exact(String wanted, boolean anyCase) ->
          anyCase ? wanted::equalsIgnoreCase : wanted::equals;
      case ValueMatch.Prefix(String wanted, boolean anyCase) ->
          value -> value != null && value.regionMatches(anyCase, 0, wanted, 0, wanted.length());
      case ValueMatch.Suffix(String wanted, boolean anyCase) ->
          value ->
              value != null
                  && value.regionMatches(
                      anyCase, value.length() - wanted.length(), wanted, 0, wanted.length());
      case ValueMatch.Contains(String wanted, boolean anyCase) ->
          value -> value != null && contains(value, wanted, anyCase);
      case ValueMatch.Regex regex -> {
        BoundedRegex bounded = new BoundedRegex(regex.pattern());
        yield value -> value != null && bounded.matches(value, 0, value.length());
      }
      case ValueMatch.Range(long start, long end) ->
          value -> value != null && inRange(value, start, end);
    };
  }

  private static boolean contains(String value, String wanted, boolean anyCase) {
    if (!anyCase) {
      return value.contains(wanted);
    }
    for (int at = 0; at + wanted.length() <= value.length(); at++) {
      if (value.regionMatches(true, at, wanted, 0, wanted.length())) {
        return true;
      }
    }
    return false;
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
