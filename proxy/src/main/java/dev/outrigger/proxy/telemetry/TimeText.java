package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.TimePattern;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes times in UTC after a pattern. Counts the calendar itself (days to civil date, with eras of
 * 400 years), so that a line costs no object.
 */
public final class TimeText {
  static final TimeText RFC_3339 = new TimeText(TimePattern.of("%Y-%m-%dT%H:%M:%S.%3fZ"));

  private static final String[] DAYS = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"
  };
  private static final String[] MONTHS = {
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December"
  };
  private static final long[] POWERS = {
    1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000
  };

  private final char[] kinds;
  private final int[] digits;
  private final byte[][] literals;
  private final byte[][] quoted;

  TimeText(TimePattern pattern) {
    List<TimePattern.Part> parts = pattern.parts();
    kinds = new char[parts.size()];
    digits = new int[kinds.length];
    literals = new byte[kinds.length][];
    quoted = new byte[kinds.length][];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = parts.get(i).kind();
      digits[i] = parts.get(i).digits();
      literals[i] = parts.get(i).text().getBytes(StandardCharsets.UTF_8);
      quoted[i] = LogLine.ascii(LogText.quoted(parts.get(i).text()));
    }
  }

  /**
   * A time as text.
   *
   * @param epochMillis since 1970, UTC
   */
  public static String of(TimePattern pattern, long epochMillis) {
    LogLine line = new LogLine(64);
    line.asText();
    new TimeText(pattern).write(line, epochMillis);
    return new String(line.bytes(), 0, line.length(), StandardCharsets.UTF_8);
  }

  void write(LogLine out, long epochMillis) {
    long epochSecond = Math.floorDiv(epochMillis, 1000L);
    long nanos = Math.floorMod(epochMillis, 1000L) * 1_000_000;
    long epochDay = Math.floorDiv(epochSecond, 86_400L);
    int secondOfDay = (int) Math.floorMod(epochSecond, 86_400L);
    long shifted = epochDay + 719_468; // days since 0000-03-01
    long era = Math.floorDiv(shifted, 146_097L);
    int dayOfEra = (int) (shifted - era * 146_097);
    int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfShiftedYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int shiftedMonth = (5 * dayOfShiftedYear + 2) / 153;
    int day = dayOfShiftedYear - (153 * shiftedMonth + 2) / 5 + 1;
    int month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
    long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    int hour = secondOfDay / 3600;
    int minute = secondOfDay / 60 % 60;
    int second = secondOfDay % 60;
    int weekday = (int) Math.floorMod(epochDay + 4, 7L);
    for (int i = 0; i < kinds.length; i++) {
      switch (kinds[i]) {
        case 'l' -> out.raw(out.isJson() ? quoted[i] : literals[i]);
        case 'Y' -> out.padded(year, 4);
        case 'y' -> out.padded(year % 100, 2);
        case 'm' -> out.padded(month, 2);
        case 'd' -> out.padded(day, 2);
        case 'e' -> {
          if (day < 10) {
            out.raw(' ');
          }
          out.number(day);
        }
        case 'j' -> out.padded(dayOfYear(year, month, day), 3);
        case 'H' -> out.padded(hour, 2);
        case 'I' -> out.padded(hour % 12 == 0 ? 12 : hour % 12, 2);
        case 'M' -> out.padded(minute, 2);
        case 'S' -> out.padded(second, 2);
        case 'p' -> {
          out.raw(hour < 12 ? 'A' : 'P');
          out.raw('M');
        }
        case 'b' -> abbreviated(out, MONTHS[month - 1]);
        case 'B' -> out.text(MONTHS[month - 1]);
        case 'a' -> abbreviated(out, DAYS[weekday]);
        case 'A' -> out.text(DAYS[weekday]);
        case 'F' -> date(out, year, month, day);
        case 'T' -> clock(out, hour, minute, second);
        case 'D' -> {
          out.padded(month, 2);
          out.raw('/');
          out.padded(day, 2);
          out.raw('/');
          out.padded(year % 100, 2);
        }
        case 'R' -> {
          out.padded(hour, 2);
          out.raw(':');
          out.padded(minute, 2);
        }
        case 's' -> out.number(epochSecond);
        case 'f' -> out.padded(nanos / POWERS[9 - digits[i]], digits[i]);
        case 'Z' -> {
          out.raw('U');
          out.raw('T');
          out.raw('C');
        }
        case 'z' -> {
          out.raw('+');
          out.padded(0, 4);
        }
        default -> throw new IllegalStateException("part " + kinds[i]);
      }
    }
  }

  private static void date(LogLine out, long year, int month, int day) {
    out.padded(year, 4);
    out.raw('-');
    out.padded(month, 2);
    out.raw('-');
    out.padded(day, 2);
  }

  private static void clock(LogLine out, int hour, int minute, int second) {
    out.padded(hour, 2);
    out.raw(':');
    out.padded(minute, 2);
    out.raw(':');
    out.padded(second, 2);
  }

  private static void abbreviated(LogLine out, String name) {
    out.raw(name.charAt(0));
    out.raw(name.charAt(1));
    out.raw(name.charAt(2));
  }

  private static int dayOfYear(long year, int month, int day) {
    boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int before = (367 * month - 362) / 12;
    return before - (month <= 2 ? 0 : leap ? 1 : 2) + day;
  }
}
