package dev.outrigger.controlplane.chaos;

import static dev.outrigger.controlplane.chaos.ReportPage.escaped;
import static dev.outrigger.controlplane.chaos.ReportPage.format;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The plots of a report, as SVG. Pure. */
final class ReportPlots {
  private static final int WIDTH = 460;
  private static final int HEIGHT = 170;
  private static final int LEFT = 52;
  private static final int TOP = 24;
  private static final List<String> WHICH = List.of("affected", "unaffected");

  private ReportPlots() {}

  static void of(StringBuilder page, JsonObject report) {
    if (report.getAsJsonArray("points").isEmpty()) {
      page.append("<p>Nothing was measured.</p>\n");
      return;
    }
    page.append("<p><span class=\"ka\">&#9644; affected</span> ")
        .append("<span class=\"ku\">&#9644; unaffected</span></p>\n<div class=\"p\">\n");
    double step = report.get("pointSeconds").getAsDouble();
    plot(page, report, "requests per second", of -> of.get("requests").getAsDouble() / step);
    plot(page, report, "success, %", of -> member(of, "successPercent"));
    plot(page, report, "p50, ms", of -> member(of, "p50Millis"));
    plot(page, report, "p99, ms", of -> member(of, "p99Millis"));
    plot(page, report, "retries per request", of -> member(of, "retriesPerRequest"));
    quantiles(page, report);
    page.append("</div>\n");
  }

  /** Not a number where there is none. */
  private static double member(JsonObject of, String name) {
    return of.has(name) ? of.get(name).getAsDouble() : Double.NaN;
  }

  private static void plot(
      StringBuilder page, JsonObject report, String title, ToDoubleFunction<JsonObject> value) {
    JsonArray points = report.getAsJsonArray("points");
    double most = title.endsWith("%") ? 100 : 0;
    long last = 1;
    for (JsonElement element : points) {
      JsonObject point = element.getAsJsonObject();
      last = Math.max(last, point.get("second").getAsLong());
      for (String which : WHICH) {
        double one = value.applyAsDouble(point.getAsJsonObject(which));
        most = Double.isNaN(one) ? most : Math.max(most, one);
      }
    }
    begin(page, title, most, "0", last + " s");
    begins(page, report, last);
    for (String which : WHICH) {
      StringBuilder line = new StringBuilder();
      for (JsonElement element : points) {
        JsonObject point = element.getAsJsonObject();
        double one = value.applyAsDouble(point.getAsJsonObject(which));
        if (!Double.isNaN(one)) {
          add(line, (double) point.get("second").getAsLong() / last, most == 0 ? 0 : one / most);
        }
      }
      line(page, which.substring(0, 1), line);
    }
    page.append("</svg>\n");
  }

  /** Where the baseline ends. */
  private static void begins(StringBuilder page, JsonObject report, long last) {
    double baseline = report.getAsJsonObject("baseline").get("seconds").getAsDouble();
    if (baseline > 0 && baseline < last) {
      double x = x(baseline / last);
      page.append(
          String.format(Locale.ROOT, "<path class=\"x d\" d=\"M%.1f %dV%d\"/>\n", x, TOP, HEIGHT));
      label(page, (int) x + 4, TOP + 12, "faults act");
    }
  }

  private static void quantiles(StringBuilder page, JsonObject report) {
    double most = 0;
    for (String when : List.of("baseline", "during")) {
      for (String which : WHICH) {
        for (JsonElement element : curve(report, when, which)) {
          most = Math.max(most, element.getAsJsonObject().get("millis").getAsDouble());
        }
      }
    }
    begin(page, "latency by quantile, ms (dashed: before)", most, "p10", "p99.9");
    for (String when : List.of("baseline", "during")) {
      for (String which : WHICH) {
        JsonArray curve = curve(report, when, which);
        StringBuilder line = new StringBuilder();
        int last = Math.max(1, curve.size() - 1);
        for (int i = 0; i < curve.size(); i++) {
          double millis = curve.get(i).getAsJsonObject().get("millis").getAsDouble();
          add(line, (double) i / last, most == 0 ? 0 : millis / most);
        }
        line(page, which.substring(0, 1) + (when.equals("baseline") ? " d" : ""), line);
      }
    }
    page.append("</svg>\n");
  }

  private static JsonArray curve(JsonObject report, String when, String which) {
    return report.getAsJsonObject(when).getAsJsonObject(which).get("quantiles")
            instanceof JsonArray curve
        ? curve
        : new JsonArray();
  }

  private static void begin(
      StringBuilder page, String title, double most, String first, String last) {
    page.append(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" fill=\"none\">\n"
            .formatted(WIDTH, HEIGHT + 24, escaped(title)));
    page.append(
        "<path class=\"x\" d=\"M%d %dV%dH%d\"/>\n".formatted(LEFT, TOP, HEIGHT, WIDTH - 10));
    label(page, LEFT, 14, title);
    label(page, 2, TOP + 10, format(most));
    label(page, 2, HEIGHT, "0");
    label(page, LEFT, HEIGHT + 18, first);
    label(page, WIDTH - 44, HEIGHT + 18, last);
  }

  private static double x(double share) {
    return LEFT + (WIDTH - 10.0 - LEFT) * share;
  }

  private static void add(StringBuilder line, double along, double up) {
    double y = HEIGHT - (HEIGHT - TOP) * up;
    line.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(along), y));
  }

  private static void line(StringBuilder page, String classes, StringBuilder points) {
    if (!points.isEmpty()) {
      page.append(
          "<polyline class=\"%s\" stroke-width=\"1.8\" points=\"%s\"/>\n"
              .formatted(classes, points.toString().strip()));
    }
  }

  private static void label(StringBuilder page, int x, int y, String text) {
    page.append("<text x=\"%d\" y=\"%d\">%s</text>\n".formatted(x, y, escaped(text)));
  }
}
