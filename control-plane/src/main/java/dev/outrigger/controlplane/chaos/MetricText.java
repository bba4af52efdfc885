package dev.outrigger.controlplane.chaos;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds series in a page of the Prometheus text format, version 0.0.4. Pure. */
final class MetricText {
  private static final Pattern LINE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})?\\s+(\\S+)(?:\\s+-?[0-9]+)?");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  private MetricText() {}

  /** The sum of all series of that name that bear those labels; empty if there are none. */
  static OptionalDouble sum(String page, String name, Map<String, String> labels) {
    double sum = 0;
    boolean any = false;
    for (String line : page.split("\n", -1)) {
      if (!line.startsWith(name)) {
        continue;
      }
      Matcher series = LINE.matcher(line.strip());
      if (!series.matches() || !series.group(1).equals(name)) {
        continue;
      }
      String given = series.group(2) == null ? "" : series.group(2);
      if (bears(given, labels)) {
        try {
          sum += number(series.group(3));
          any = true;
        } catch (NumberFormatException e) {
          // No number, so no series.
        }
      }
    }
    return any ? OptionalDouble.of(sum) : OptionalDouble.empty();
  }

  private static boolean bears(String given, Map<String, String> labels) {
    int found = 0;
    Matcher label = LABEL.matcher(given);
    while (label.find()) {
      String wanted = labels.get(label.group(1));
      if (wanted != null && wanted.equals(unescape(label.group(2)))) {
        found++;
      }
    }
    return found == labels.size();
  }

  private static String unescape(String value) {
    return value.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
  }

  private static double number(String text) {
    return switch (text) {
      case "+Inf", "Inf" -> Double.POSITIVE_INFINITY;
      case "-Inf" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(text);
    };
  }
}
