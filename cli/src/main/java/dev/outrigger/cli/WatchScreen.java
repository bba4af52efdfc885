package dev.outrigger.cli;

import static dev.outrigger.cli.ExperimentCommand.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One page about a run, for a terminal of 80 columns and more. Pure. */
final class WatchScreen {
  private static final int BAR = 30;
  private static final int EVENTS = 8;
  private static final int MAX_WHY = 70;

  private final Terminal terminal;
  private final StringBuilder page = new StringBuilder();

  private WatchScreen(Terminal terminal) {
    this.terminal = terminal;
  }

  /**
   * @param state as {@code experiment get} has it
   * @param report of the run, or null before it
   */
  static String of(Terminal terminal, JsonObject state, @Nullable JsonObject report) {
    WatchScreen screen = new WatchScreen(terminal);
    screen.head(state, report);
    screen.steps(state.getAsJsonArray("steps"));
    if (report != null) {
      screen.traffic(report);
      screen.guards(report.getAsJsonArray("guards"));
      screen.probes(report.getAsJsonArray("probes"));
    }
    screen.events(state.getAsJsonArray("events"));
    return screen.page.toString();
  }

  /** In its colour. */
  static String verdict(Terminal terminal, String verdict) {
    return switch (verdict) {
      case "Passed" -> terminal.good(verdict);
      case "Failed" -> terminal.bad(verdict);
      default -> terminal.warn(verdict);
    };
  }

  private void head(JsonObject state, @Nullable JsonObject report) {
    String phase = text(state, "phase");
    boolean runs = phase.equals("Running");
    boolean paused = state.get("paused").getAsBoolean();
    page.append(terminal.bold(text(state, "experiment")))
        .append("  ")
        .append(runs ? terminal.warn(paused ? "Running, paused" : phase) : phase);
    if (report != null && !runs) {
      page.append("  ")
          .append(verdict(terminal, text(report, "verdict")))
          .append(": ")
          .append(text(report, "reason"));
    }
    page.append('\n');
    if (report != null && runs) {
      progress(state, report);
    }
    page.append("hypothesis  ").append(text(state, "hypothesis")).append('\n');
    page.append("owner       ").append(text(state, "owner")).append('\n');
    if (state.has("schedule")) {
      JsonObject schedule = state.getAsJsonObject("schedule");
      page.append("schedule    ")
          .append(text(schedule, "cron"))
          .append(' ')
          .append(text(schedule, "timeZone"))
          .append(
              schedule.get("suspended").getAsBoolean()
                  ? ", " + terminal.warn("suspended")
                  : ", next " + text(schedule, "next"))
          .append('\n');
    }
  }

  private void progress(JsonObject state, JsonObject report) {
    Instant now = terminal.clock().instant();
    Instant injects = Instant.parse(text(report, "injectsAt"));
    Instant ends = Instant.parse(text(state, "endsAt"));
    if (now.isBefore(injects)) {
      page.append("baseline    faults begin in ").append(words(Duration.between(now, injects)));
      page.append('\n');
      return;
    }
    long all = Math.max(1, Duration.between(injects, ends).toMillis());
    long past = Math.clamp(Duration.between(injects, now).toMillis(), 0, all);
    int full = (int) (past * BAR / all);
    page.append("progress    ")
        .append(terminal.warn("█".repeat(full)))
        .append("░".repeat(BAR - full))
        .append(
            " %s of %s%n".formatted(words(Duration.ofMillis(past)), words(Duration.ofMillis(all))));
  }

  private void steps(JsonArray steps) {
    Table table = new Table("  STEP", "FROM", "UNTIL", "FAULTS");
    for (JsonElement element : steps) {
      JsonObject step = element.getAsJsonObject();
      List<String> faults = new ArrayList<>();
      step.getAsJsonArray("faults").forEach(fault -> faults.add(fault.getAsString()));
      boolean current = step.get("current").getAsBoolean();
      String name = (current ? "▶ " : "  ") + text(step, "name");
      table.row(
          current ? terminal.warn(name) : name,
          words(Duration.ofMillis(step.get("fromMillis").getAsLong())),
          words(Duration.ofMillis(step.get("untilMillis").getAsLong())),
          faults.isEmpty() ? "none, a rest" : String.join(", ", faults));
    }
    add(table);
  }

  private void traffic(JsonObject report) {
    Table table = new Table("TRAFFIC", "REQUESTS", "ERRORS", "SUCCESS", "P50", "P99");
    for (String when : List.of("baseline", "during")) {
      for (String which : List.of("affected", "unaffected")) {
        JsonObject one = report.getAsJsonObject(when).getAsJsonObject(which);
        if (one.get("requests").getAsLong() > 0) {
          table.row(
              when + ", " + which,
              text(one, "requests"),
              text(one, "errors"),
              number(one, "successPercent", "%"),
              number(one, "p50Millis", "ms"),
              number(one, "p99Millis", "ms"));
        }
      }
    }
    if (table.isEmpty()) {
      page.append("\nno traffic was seen yet\n");
    }
    add(table);
  }

  private void guards(JsonArray guards) {
    Table table = new Table("GUARD", "STATE", "WORST", "BOUND");
    for (JsonElement element : guards) {
      JsonObject guard = element.getAsJsonObject();
      table.row(
          text(guard, "name"),
          state(text(guard, "state")),
          guard.has("worst") ? number(guard, "worst", "") : "-",
          text(guard, "bound"));
    }
    add(table);
  }

  private void probes(JsonArray probes) {
    Table table = new Table("PROBE", "WHEN", "PASSED", "FAILED", "LATEST");
    for (JsonElement element : probes) {
      JsonObject probe = element.getAsJsonObject();
      for (JsonElement each : probe.getAsJsonArray("parts")) {
        JsonObject part = each.getAsJsonObject();
        int failed = part.get("failed").getAsInt();
        table.row(
            text(probe, "name"),
            text(part, "when"),
            text(part, "passed"),
            failed == 0 ? "0" : terminal.bad("" + failed),
            text(part, "latest").isEmpty() ? "not asked yet" : text(part, "latest"));
      }
    }
    add(table);
  }

  private void events(JsonArray events) {
    Table table = new Table("TIME", "EVENT", "WHO", "WHY");
    for (int i = Math.max(0, events.size() - EVENTS); i < events.size(); i++) {
      JsonObject event = events.get(i).getAsJsonObject();
      String why = text(event, "why");
      table.row(
          text(event, "at").replaceAll("\\.[0-9]+Z$", "Z"),
          text(event, "event"),
          text(event, "who"),
          why.length() > MAX_WHY ? why.substring(0, MAX_WHY) + "…" : why);
    }
    add(table);
  }

  private void add(Table table) {
    if (!table.isEmpty()) {
      page.append('\n').append(table.render());
    }
  }

  private String state(String state) {
    return switch (state) {
      case "held" -> terminal.good(state);
      case "breached" -> terminal.bad(state);
      default -> terminal.warn(state);
    };
  }

  private static String number(JsonObject of, String member, String unit) {
    return String.format(Locale.ROOT, "%.2f", of.get(member).getAsDouble()) + unit;
  }

  private static String words(Duration time) {
    long seconds = Math.max(0, time.toSeconds());
    return seconds >= 3600
        ? "%dh%02dm".formatted(seconds / 3600, seconds / 60 % 60)
        : seconds >= 60 ? "%dm%02ds".formatted(seconds / 60, seconds % 60) : seconds + "s";
  }
}
