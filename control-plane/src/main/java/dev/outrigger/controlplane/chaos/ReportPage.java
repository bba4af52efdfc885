package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/** A report as one HTML file that needs nothing else: styles and plots are in it. Pure. */
public final class ReportPage {
  private static final String STYLE =
      """
      :root{color-scheme:light dark;--text:#1b2733;--soft:#54616e;--back:#fff;--box:#f4f6f8;\
      --line:#dde3e8;--affected:#b3261e;--unaffected:#1f5fa8;--good:#1f7a3d;--bad:#b3261e;\
      --warn:#8a5d00;--plain:#5c6873}
      @media(prefers-color-scheme:dark){:root{--text:#e4e9ee;--soft:#a5b1bc;--back:#12181e;\
      --box:#1c242c;--line:#33404b;--affected:#ff8a80;--unaffected:#7db8ff;--good:#2c8a4b;\
      --bad:#c23a31;--warn:#946600}}
      body{font:15px/1.5 system-ui,sans-serif;max-width:980px;margin:2em auto;padding:0 1em;\
      color:var(--text);background:var(--back)}
      h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.1em;margin-top:2em}
      table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em;\
      border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right;\
      font-variant-numeric:tabular-nums}th{color:var(--soft);font-weight:600}
      .t{overflow-x:auto}.v{display:inline-block;padding:.1em .7em;border-radius:1em;color:#fff;\
      background:var(--plain)}.Passed{background:var(--good)}.Failed{background:var(--bad)}\
      .Abstained,.w{background:var(--warn)}
      .s{font-size:2em;font-weight:600}.f{color:var(--soft);font-size:.9em}
      pre{background:var(--box);padding:1em;overflow:auto}
      .p{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1em}
      svg{width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
      .x{stroke:var(--line)}.a{stroke:var(--affected)}.u{stroke:var(--unaffected)}
      .d{stroke-dasharray:5 4;opacity:.8}.ka{color:var(--affected)}.ku{color:var(--unaffected)}
      @media print{body{max-width:none}}
      """;

  private ReportPage() {}

  /** How the resilience score of a report is made. */
  public static String scoreFormula() {
    return ResilienceScore.FORMULA;
  }

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
        .append("</p>")
        .append(incomplete(report))
        .append("\n<p><b>Hypothesis.</b> ")
        .append(escaped(text(report, "hypothesis")))
        .append("<br><b>Owner.</b> ")
        .append(escaped(text(report, "owner")))
        .append("<br><b>Run.</b> ")
        .append(escaped(time(report, "startedAt") + " to " + time(report, "endedAt")))
        .append("</p>\n");
    score(page, report);
    findings(page, report);
    page.append("<h2>Affected and unaffected</h2>\n");
    traffic(page, report);
    ReportPlots.of(page, report);
    reactions(page, report);
    guards(page, report.getAsJsonArray("guards"));
    edges(page, report.getAsJsonArray("edges"));
    faults(page, report.getAsJsonArray("faults"));
    steps(page, report);
    probes(page, report);
    timeline(page, report.getAsJsonArray("timeline"));
    repeat(page, report);
    return page.append("</body></html>\n").toString();
  }

  private static String incomplete(JsonObject report) {
    String because = text(report, "incompleteBecause");
    return because.isEmpty()
        ? ""
        : "<p><span class=\"v w\">Incomplete</span> " + escaped(because) + "</p>";
  }

  private static void score(StringBuilder page, JsonObject report) {
    if (!(report.get("score") instanceof JsonObject score)) {
      return;
    }
    String value = text(score, "value");
    page.append("<h2>Resilience score</h2>\n<p><span class=\"s\">")
        .append(value.isEmpty() ? "none" : escaped(value))
        .append("</span>")
        .append(value.isEmpty() ? " nothing could be measured" : " of 100")
        .append("</p>\n");
    head(page, "part", "#weight", "#share", "measured");
    for (JsonElement element : score.getAsJsonArray("parts")) {
      JsonObject part = element.getAsJsonObject();
      page.append(
          "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n"
              .formatted(
                  escaped(text(part, "name")),
                  escaped(text(part, "weight")),
                  number(part, "share", ""),
                  escaped(text(part, "text"))));
    }
    page.append("</table></div>\n<p class=\"f\">")
        .append(escaped(text(score, "formula")))
        .append("</p>\n");
  }

  private static void findings(StringBuilder page, JsonObject report) {
    if (report.get("findings") instanceof JsonArray findings && !findings.isEmpty()) {
      page.append("<h2>What stands out</h2>\n<ul>\n");
      findings.forEach(
          one -> page.append("<li>").append(escaped(one.getAsString())).append("</li>\n"));
      page.append("</ul>\n");
    }
  }

  /** What the proxies did about it, against before. */
  private static void reactions(StringBuilder page, JsonObject report) {
    page.append("<h2>Retries, circuit breakers, ejections</h2>\n");
    head(page, "where", "#before", "#while faults acted");
    JsonObject before = report.getAsJsonObject("baseline");
    boolean measured = requests(before, "affected") + requests(before, "unaffected") > 0;
    for (String what : List.of("retries", "overflows")) {
      for (JsonElement element : report.getAsJsonArray("edges")) {
        JsonObject edge = element.getAsJsonObject();
        if (edge.get("baseline") instanceof JsonObject then) {
          long during =
              count(edge.getAsJsonObject("affected"), what)
                  + count(edge.getAsJsonObject("unaffected"), what);
          row(
              page,
              List.of(
                  (what.equals("retries") ? "retries, " : "refused by a circuit breaker, ")
                      + text(edge, "edge"),
                  measured ? Long.toString(count(then, what)) : "not measured",
                  Long.toString(during)),
              1);
        }
      }
    }
    if (report.get("ejections") instanceof JsonArray ejections) {
      for (JsonElement element : ejections) {
        JsonObject one = element.getAsJsonObject();
        row(
            page,
            List.of(
                "endpoints of " + text(one, "service") + " taken out by outlier detection",
                measured ? text(one, "baseline") : "not measured",
                text(one, "during")),
            1);
      }
    }
    page.append("</table></div>\n");
  }

  private static long requests(JsonObject both, String which) {
    return count(both.getAsJsonObject(which), "requests");
  }

  private static long count(JsonObject of, String member) {
    return of.has(member) ? of.get(member).getAsLong() : 0;
  }

  private static void repeat(StringBuilder page, JsonObject report) {
    page.append("<h2>To repeat it</h2>\n<p>Seed ")
        .append(escaped(text(report, "seed")))
        .append(", fingerprint ")
        .append(escaped(text(report, "fingerprint")))
        .append(". With this text and the same request ids the same requests are hit.</p>\n");
    if (report.has("document")) {
      page.append("<pre>")
          .append(escaped(text(report, "document").strip()))
          .append("</pre>\n<pre>outrigger experiment run experiment.yaml --yes</pre>\n");
    }
  }

  private static void head(StringBuilder page, String... names) {
    page.append("<div class=\"t\"><table><tr>");
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
        number(of, "perSecond", ""),
        text(of, "errors"),
        number(of, "successPercent", "%"),
        number(of, "p50Millis", " ms"),
        number(of, "p90Millis", " ms"),
        number(of, "p95Millis", " ms"),
        number(of, "p99Millis", " ms"));
  }

  private static void traffic(StringBuilder page, JsonObject report) {
    head(page, "", "#requests", "#per s", "#errors", "#success", "#p50", "#p90", "#p95", "#p99");
    for (String when : List.of("baseline", "during")) {
      for (String which : List.of("affected", "unaffected")) {
        JsonObject of = report.getAsJsonObject(when).getAsJsonObject(which);
        if (when.equals("during") || of.get("requests").getAsLong() > 0) {
          row(page, cells(when + ", " + which, of), 1);
        }
      }
    }
    page.append("</table></div>\n");
  }

  private static void edges(StringBuilder page, JsonArray edges) {
    page.append("<h2>What was hit</h2>\n");
    head(
        page, "edge", "#requests", "#per s", "#errors", "#success", "#p50", "#p90", "#p95", "#p99");
    for (JsonElement element : edges) {
      JsonObject edge = element.getAsJsonObject();
      for (String which : List.of("affected", "unaffected")) {
        row(page, cells(text(edge, "edge") + ", " + which, edge.getAsJsonObject(which)), 1);
      }
    }
    page.append("</table></div>\n");
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
    page.append("</table></div>\n");
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
    page.append("</table></div>\n");
  }

  /** Where they are written; without, all faults act from the first moment to the last. */
  private static void steps(StringBuilder page, JsonObject report) {
    if (!(report.get("steps") instanceof JsonArray steps) || steps.isEmpty()) {
      return;
    }
    page.append("<h2>Steps</h2>\n");
    head(page, "step", "faults", "#from", "#until");
    for (JsonElement element : steps) {
      JsonObject step = element.getAsJsonObject();
      StringJoiner faults = new StringJoiner(", ");
      step.getAsJsonArray("faults").forEach(fault -> faults.add(fault.getAsString()));
      row(
          page,
          List.of(
              text(step, "name"),
              faults.length() == 0 ? "none: a pause" : faults.toString(),
              step.get("fromMillis").getAsLong() / 1000.0 + " s",
              step.get("untilMillis").getAsLong() / 1000.0 + " s"),
          2);
    }
    page.append("</table></div>\n");
  }

  private static void probes(StringBuilder page, JsonObject report) {
    if (!(report.get("probes") instanceof JsonArray probes) || probes.isEmpty()) {
      return;
    }
    page.append("<h2>Probes</h2>\n");
    head(page, "probe", "kind", "state", "asked", "#passed", "#failed", "#abstained", "latest");
    for (JsonElement element : probes) {
      JsonObject probe = element.getAsJsonObject();
      for (JsonElement asked : probe.getAsJsonArray("parts")) {
        JsonObject part = asked.getAsJsonObject();
        page.append("<tr>");
        for (String cell :
            List.of(
                text(probe, "name"),
                text(probe, "kind"),
                text(probe, "state"),
                text(part, "when"))) {
          page.append("<td>").append(escaped(cell)).append("</td>");
        }
        for (String count : List.of("passed", "failed", "abstained")) {
          page.append("<td class=\"n\">").append(escaped(text(part, count))).append("</td>");
        }
        page.append("<td>").append(escaped(text(part, "latest"))).append("</td></tr>\n");
      }
    }
    page.append("</table></div>\n");
  }

  private static void timeline(StringBuilder page, JsonArray events) {
    page.append("<h2>Timeline</h2>\n");
    head(page, "time", "event", "who", "from", "why");
    for (JsonElement element : events) {
      JsonObject event = element.getAsJsonObject();
      row(
          page,
          List.of(
              time(event, "at"),
              text(event, "event"),
              text(event, "who"),
              text(event, "from"),
              text(event, "why")),
          9);
    }
    page.append("</table></div>\n");
  }

  private static String number(JsonObject of, String member, String unit) {
    return of.has(member) ? format(of.get(member).getAsDouble()) + unit : "-";
  }

  static String format(double value) {
    return String.format(Locale.ROOT, value >= 100 ? "%.0f" : "%.2f", value);
  }

  private static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }

  /** To the millisecond; empty where there is none. */
  private static String time(JsonObject object, String member) {
    String text = text(object, member);
    return text.isEmpty() ? "" : Instant.parse(text).truncatedTo(ChronoUnit.MILLIS).toString();
  }

  /** Names and words are what somebody wrote. */
  static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
