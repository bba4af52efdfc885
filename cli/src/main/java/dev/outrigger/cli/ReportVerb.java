package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "report",
    description = "What an experiment's latest run showed, and the verdict.",
    footer = {
      "",
      "Examples:",
      "  outrigger experiment report shop/slow-catalog",
      "  outrigger experiment report shop/slow-catalog -o html > report.html"
    })
final class ReportVerb implements Callable<Integer> {
  private enum Format {
    TEXT,
    JSON,
    HTML
  }

  @Mixin private final ApiOption api = new ApiOption();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "text (default) for people, json for programs, html for one file with plots.")
  private Format format = Format.TEXT;

  @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
  private String name = "";

  private final Terminal terminal;

  ReportVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    String key = ExperimentCommand.key(name);
    try (MeshApi mesh = api.open(terminal.environment())) {
      switch (format) {
        case HTML -> terminal.out().print(mesh.reportPage(key));
        case JSON -> terminal.out().println(mesh.get(key, "/report"));
        case TEXT -> show(mesh.get(key, "/report"));
      }
    }
    return Main.OK;
  }

  private void show(JsonObject report) {
    String verdict = text(report, "verdict");
    String painted =
        switch (verdict) {
          case "Passed" -> terminal.good(verdict);
          case "Failed" -> terminal.bad(verdict);
          default -> terminal.warn(verdict);
        };
    line(text(report, "experiment") + ": " + painted + ", " + text(report, "reason"));
    line("hypothesis  " + text(report, "hypothesis"));
    line("owner       " + text(report, "owner"));
    line("run         " + text(report, "startedAt") + " to " + text(report, "endedAt"));
    line("repeat      seed " + text(report, "seed"));
    if (report.get("score") instanceof JsonObject score) {
      String value = text(score, "value");
      line("score       " + (value.isEmpty() ? "none" : value + " of 100"));
      for (JsonElement part : score.getAsJsonArray("parts")) {
        line("            " + text(part.getAsJsonObject(), "text"));
      }
    }
    if (!text(report, "incompleteBecause").isEmpty()) {
      line(terminal.warn("incomplete") + "  " + text(report, "incompleteBecause"));
    }
    if (report.get("findings") instanceof JsonArray findings) {
      for (JsonElement finding : findings) {
        line("finding     " + finding.getAsString());
      }
    }
    line("");
    Table traffic =
        new Table("TRAFFIC", "REQUESTS", "ERRORS", "SUCCESS", "RETRIES", "P50", "P90", "P99");
    for (String when : List.of("baseline", "during")) {
      both(traffic, when, report.getAsJsonObject(when));
    }
    for (JsonElement edge : report.getAsJsonArray("edges")) {
      both(traffic, text(edge.getAsJsonObject(), "edge"), edge.getAsJsonObject());
    }
    terminal.out().print(traffic.render());
    Table guards = new Table("GUARD", "STATE", "BOUND", "BREACH");
    for (JsonElement element : report.getAsJsonArray("guards")) {
      JsonObject guard = element.getAsJsonObject();
      guards.row(
          text(guard, "name"), text(guard, "state"), text(guard, "bound"), text(guard, "breach"));
    }
    if (!guards.isEmpty()) {
      terminal.out().print("\n" + guards.render());
    }
    Table probes = new Table("PROBE", "STATE", "ASKED", "PASSED", "FAILED", "ABSTAINED", "LATEST");
    for (JsonElement element : report.getAsJsonArray("probes")) {
      JsonObject probe = element.getAsJsonObject();
      for (JsonElement asked : probe.getAsJsonArray("parts")) {
        JsonObject part = asked.getAsJsonObject();
        probes.row(
            text(probe, "name"),
            text(probe, "state"),
            text(part, "when"),
            text(part, "passed"),
            text(part, "failed"),
            text(part, "abstained"),
            text(part, "latest"));
      }
    }
    if (!probes.isEmpty()) {
      terminal.out().print("\n" + probes.render());
    }
    Table timeline = new Table("TIME", "EVENT", "WHO", "WHY");
    for (JsonElement element : report.getAsJsonArray("timeline")) {
      JsonObject event = element.getAsJsonObject();
      timeline.row(text(event, "at"), text(event, "event"), text(event, "who"), text(event, "why"));
    }
    terminal.out().print("\n" + timeline.render());
  }

  private static void both(Table table, String what, JsonObject of) {
    for (String which : List.of("affected", "unaffected")) {
      JsonObject one = of.getAsJsonObject(which);
      if (one.get("requests").getAsLong() > 0) {
        table.row(
            what + ", " + which,
            text(one, "requests"),
            text(one, "errors"),
            number(one, "successPercent", "%"),
            text(one, "retries"),
            number(one, "p50Millis", "ms"),
            number(one, "p90Millis", "ms"),
            number(one, "p99Millis", "ms"));
      }
    }
  }

  private static String number(JsonObject of, String member, String unit) {
    return String.format(Locale.ROOT, "%.2f", of.get(member).getAsDouble()) + unit;
  }

  private static String text(JsonObject object, String member) {
    return ExperimentCommand.text(object, member);
  }

  private void line(String text) {
    terminal.out().println(text);
  }
}
