package dev.outrigger.controlplane.source;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.latin1;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.OptionalDouble;

/** Values with units: what is understood is in range and as a second reader understands it. */
public final class UnitsFuzz {
  private UnitsFuzz() {}

  /** The input is one value. */
  public static void fuzzerTestOneInput(byte[] input) {
    String text = latin1(input);
    Duration duration = Units.duration(text);
    if (duration != null) {
      check(!duration.isNegative(), "a negative time");
      same(plainly(text), duration, "a second reader finds another time");
      long nanos = duration.toNanos(); // what the data plane is told
      check(nanos >= 0, "a time that cannot be told");
    }
    OptionalDouble percent = Units.percent(text);
    if (percent.isPresent()) {
      double value = percent.getAsDouble();
      check(value >= 0 && value <= 100, "a share of " + value);
      check(text.endsWith("%"), "a share without its unit");
      same(
          0,
          new BigDecimal(text.substring(0, text.length() - 1))
              .compareTo(new BigDecimal("" + value)),
          "a second reader finds another share");
    }
  }

  private static Duration plainly(String text) {
    Duration sum = Duration.ZERO;
    int at = 0;
    while (at < text.length()) {
      int unit = at;
      while (Character.isDigit(text.charAt(unit))) {
        unit++;
      }
      long count = Long.parseLong(text.substring(at, unit));
      at = unit;
      while (at < text.length() && !Character.isDigit(text.charAt(at))) {
        at++;
      }
      sum =
          switch (text.substring(unit, at)) {
            case "h" -> sum.plusSeconds(count * 3600);
            case "m" -> sum.plusSeconds(count * 60);
            case "s" -> sum.plusSeconds(count);
            case "ms" -> sum.plusMillis(count);
            case "us" -> sum.plusNanos(count * 1000);
            default -> throw new AssertionError("a unit that there is not was understood: " + text);
          };
    }
    return sum;
  }
}
