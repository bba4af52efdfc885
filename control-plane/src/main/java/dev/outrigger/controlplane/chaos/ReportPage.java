package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;

/** A report as one HTML file that needs nothing else: styles and plots are in it. Pure. */
public final class ReportPage {
  private static final int WIDTH = 860;
  private static final int HEIGHT = 180;
  private static final int LEFT = 60;

  private static final String STYLE =
      """
      body{font:15px/1.5 system-ui,sans-serif;max-width:920px;margin:2em auto;padding:0 1em;\
      color:#1b2733;background:#fff}
      h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.1em;margin-top:2em}
      table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em;\
      border-bottom:1px solid #dde3e8;vertical-align:top}td.n,th.n{text-align:right}
      .v{display:inline-block;padding:.1em .7em;border-radius:1em;color:#fff;background:#6b7885}
      .Passed{background:#1f7a3d}.Failed{background:#b3261e}.Abstained{background:#9a6700}
      pre{background:#f4f6f8;padding:1em;overflow:auto}svg{width:100%;height:auto}
      .a{stroke:#b3261e}.u{stroke:#1f5fa8}.ka{color:#b3261e}.ku{color:#1f5fa8}
      """;

  private ReportPage() {}

  /** The page of a report as the API gives it. */
  public static String of(JsonObject report) {
    StringBuilder page = new StringBuilder(8192);
    String name = text(report, "experiment");
    page.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .append("<meta name=\"viewport\" content=\"width=device-width\"><title>")
        .append(escaped(name))
        .append("</title><style>\n")
        .append(STYLE)
        .append("</style></head><body>\n<h1>")
        .append(escaped(name))
        .append("</h1>\n<p><span class=\"v ")
        .append(escaped(text(report, "verdict")))
        .append("\">")
        .append(escaped(text(report, "verdict")))
        .append("</span> ")
        .append(escaped(text(report, "reason")))
        .append("</p>\n<p><b>Hypothesis.</b> ")
        .append(escaped(text(report, "hypothesis")))
        .append("<br><b>Owner.</b> ")
        .append(escaped(text(report, "owner")))
        .append("<br><b>Run.</b> ")
        .append(escaped(text(report, "startedAt") + " to " + text(report, "endedAt")))
        .append("</p>\n");
    page.append("<h2>Affected and unaffected</h2>\n");
    traffic(page, report);
    plots(page, report);
    guards(page, report.getAsJsonArray("guards"));
    edges(page, report.getAsJsonArray("edges"));
    faults(page, report.getAsJsonArray("faults"));
    timeline(page, report.getAsJsonArray("timeline"));
    page.append("<h2>To repeat it</h2>\n<p>seed ")
        .append(escaped(text(report, "seed")))
        .append(", fingerprint ")
        .append(escaped(text(report, "fingerprint")))
        .append("</p>\n");
    if (report.has("document")) {
      page.append("<pre>").append(escaped(text(report, "document"))).append("</pre>\n");
    }
    return page.append("</body></html>\n").toString();
  }

  private static void head(StringBuilder page, String... names) {
    page.append("<table><tr>");
    for (String name : names) {
      boolean number = name.startsWith("#");
      page.append(number ? "<th class=\"n\">" : "<th>")
          .append(escaped(number ? name.substring(1) : name))
          .append("</th>");
    }
    page.append("</tr>\n");
  }

  private static void row(StringBuilder page, List<String> cells, int numbersFrom) {
    page.append("<tr>");
    for (int i = 0; i < cells.size(); i++) {
      page.append(i >= numbersFrom ? "<td class=\"n\">" : "<td>")
          .append(escaped(cells.get(i)))
          .append("</td>");
    }
    page.append("</tr>\n");
  }

  private static List<String> cells(String what, JsonObject of) {
    return List.of(
        what,
        text(of, "requests"),
        text(of, "errors"),
        number(of, "successPercent", "%"),
        number(of, "p50Millis", " ms"),
        number(of, "p90Millis", " ms"),
        number(of, "p95Millis", " ms"),
        number(of, "p99Millis", " ms"));
  }

  private static void traffic(StringBuilder page, JsonObject report) {
    head(page, "", "#requests", "#errors", "#success", "#p50", "#p90", "#p95", "#p99");
    for (String when : List.of("baseline", "during")) {
      for (String which : List.of("affected", "unaffected")) {
        JsonObject of = report.getAsJsonObject(when).getAsJsonObject(which);
        if (when.equals("during") || of.get("requests").getAsLong() > 0) {
          row(page, cells(when + ", " + which, of), 1);
        }
      }
    }
    page.append("</table>\n");
  }

  private static void edges(StringBuilder page, JsonArray edges) {
    page.append("<h2>What was hit</h2>\n");
    head(page, "edge", "#requests", "#errors", "#success", "#p50", "#p90", "#p95", "#p99");
    for (JsonElement element : edges) {
      JsonObject edge = element.getAsJsonObject();
      for (String which : List.of("affected", "unaffected")) {
        row(page, cells(text(edge, "edge") + ", " + which, edge.getAsJsonObject(which)), 1);
      }
    }
    page.append("</table>\n");
  }

  private static void guards(StringBuilder page, JsonArray guards) {
    page.append("<h2>Guards</h2>\n");
    head(page, "guard", "state", "at", "bound", "breach");
    for (JsonElement element : guards) {
      JsonObject guard = element.getAsJsonObject();
      row(
          page,
          List.of(
              text(guard, "name"),
              text(guard, "state"),
              text(guard, "at") + ", " + text(guard, "of"),
              text(guard, "bound"),
              text(guard, "breach")),
          9);
    }
    page.append("</table>\n");
  }

  private static void faults(StringBuilder page, JsonArray faults) {
    page.append("<h2>Faults</h2>\n");
    head(page, "fault", "where", "share", "what");
    for (JsonElement element : faults) {
      JsonObject fault = element.getAsJsonObject();
      row(
          page,
          List.of(
              text(fault, "name"),
              text(fault, "where"),
              fault.get("chancePpm").getAsInt() / 10_000.0 + "%",
              text(fault, "action")),
          9);
    }
    page.append("</table>\n");
  }

  private static void timeline(StringBuilder page, JsonArray events) {
    page.append("<h2>Timeline</h2>\n");
    head(page, "time", "event", "who", "from", "why");
    for (JsonElement element : events) {
      JsonObject event = element.getAsJsonObject();
      row(
          page,
          List.of(
              text(event, "at"),
              text(event, "event"),
              text(event, "who"),
              text(event, "from"),
              text(event, "why")),
          9);
    }
    page.append("</table>\n");
  }

  private static void plots(StringBuilder page, JsonObject report) {
    JsonArray points = report.getAsJsonArray("points");
    if (points.isEmpty()) {
      page.append("<p>Nothing was measured.</p>\n");
      return;
    }
    page.append("<p><span class=\"ka\">&#9644; affected</span> ")
        .append("<span class=\"ku\">&#9644; unaffected</span></p>\n");
    plot(page, report, "success, %", "successPercent");
    plot(page, report, "p50, ms", "p50Millis");
    plot(page, report, "p99, ms", "p99Millis");
  }

  private static void plot(StringBuilder page, JsonObject report, String title, String member) {
    JsonArray points = report.getAsJsonArray("points");
    double most = member.endsWith("Percent") ? 100 : 0;
    long last = 1;
    for (JsonElement element : points) {
      JsonObject point = element.getAsJsonObject();
      last = Math.max(last, point.get("second").getAsLong());
      for (String which : List.of("affected", "unaffected")) {
        JsonObject of = point.getAsJsonObject(which);
        if (of.has(member)) {
          most = Math.max(most, of.get(member).getAsDouble());
        }
      }
    }
    page.append(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" fill=\"none\">\n"
            .formatted(WIDTH, HEIGHT + 30, escaped(title)));
    page.append(
        "<path stroke=\"#aab4bd\" d=\"M%d 10V%dH%d\"/>\n".formatted(LEFT, HEIGHT, WIDTH - 10));
    label(page, 4, 18, format(most));
    label(page, 4, HEIGHT, "0");
    label(page, LEFT + 8, 18, title);
    label(page, WIDTH - 60, HEIGHT + 20, last + " s");
    for (String which : List.of("affected", "unaffected")) {
      StringBuilder line = new StringBuilder();
      for (JsonElement element : points) {
        JsonObject point = element.getAsJsonObject();
        JsonObject of = point.getAsJsonObject(which);
        if (of.has(member)) {
          double x = LEFT + (WIDTH - 10.0 - LEFT) * point.get("second").getAsLong() / last;
          double share = most == 0 ? 0 : of.get(member).getAsDouble() / most;
          double y = HEIGHT - (HEIGHT - 10) * share;
          line.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
        }
      }
      page.append(
          "<polyline class=\"%s\" stroke-width=\"1.6\" points=\"%s\"/>\n"
              .formatted(which.substring(0, 1), line.toString().strip()));
    }
    page.append("</svg>\n");
  }

  private static void label(StringBuilder page, int x, int y, String text) {
    page.append(
        "<text x=\"%d\" y=\"%d\" font-size=\"12\" fill=\"#54616e\">%s</text>\n"
            .formatted(x, y, escaped(text)));
  }

  private static String number(JsonObject of, String member, String unit) {
    return of.has(member) ? format(of.get(member).getAsDouble()) + unit : "-";
  }

  private static String format(double value) {
    return String.format(Locale.ROOT, value >= 100 ? "%.0f" : "%.2f", value);
  }

  private static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }

  /** Names and words are what somebody wrote. */
  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
