package dev.outrigger.cli;

import static dev.outrigger.cli.ExperimentCommand.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Asks proxies to count whom an experiment would hit, waits for them, and shows it. */
final class LivePreview {
  private static final long POLL_MILLIS = 200;

  /** What proxies counted last comes within this, or it is shown without. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private LivePreview() {}

  /**
   * The preview, with what was counted as {@code live}.
   *
   * @param length how long they count; zero for not at all
   */
  static JsonObject of(
      MeshApi mesh, String key, JsonObject body, Duration length, Terminal terminal)
      throws CommandFailedException {
    JsonObject asked = body.deepCopy();
    if (length.isPositive()) {
      asked.addProperty("seconds", length.toMillis() / 1000.0);
    }
    JsonObject preview = mesh.experiment(key, "preview", asked);
    if (length.isPositive()) {
      preview.add("live", wait(mesh, key, length, terminal));
    }
    return preview;
  }

  private static JsonElement wait(MeshApi mesh, String key, Duration length, Terminal terminal)
      throws CommandFailedException {
    long patience = length.plus(PATIENCE).toMillis();
    long passed = 0;
    CountDownLatch never = new CountDownLatch(1);
    while (true) {
      try {
        if (never.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
          throw new IllegalStateException();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailedException("interrupted", "", e);
      }
      JsonObject live = mesh.get(key, "/preview").getAsJsonObject("live");
      passed += POLL_MILLIS;
      if (live.get("complete").getAsBoolean() || passed > patience) {
        if (terminal.interactive()) {
          terminal.err().print("\r\u001b[K");
          terminal.err().flush();
        }
        return live;
      }
      if (terminal.interactive()) {
        terminal
            .err()
            .printf(
                "\r"
                    + "  looking on, touching nothing: %d of %d s, %s requests, %s would be"
                    + " hit\u001b[K",
                Math.min(length.toSeconds(), Duration.ofMillis(passed).toSeconds()),
                length.toSeconds(),
                text(live, "matched"),
                text(live, "hit"));
        terminal.err().flush();
      }
    }
  }

  /** The same for people: advice to the error stream, what was counted as a table. */
  static void show(MeshApi mesh, String key, JsonObject body, Duration length, Terminal terminal)
      throws CommandFailedException {
    JsonObject named = of(mesh, key, body, Duration.ZERO, terminal);
    PrintWriter err = terminal.err();
    err.println(text(named, "experiment") + ": " + text(named, "hypothesis"));
    int workloads = 0;
    for (JsonElement element : named.getAsJsonArray("faults")) {
      JsonObject fault = element.getAsJsonObject();
      List<String> names = new ArrayList<>();
      fault.getAsJsonArray("workloads").forEach(name -> names.add(name.getAsString()));
      workloads += names.size();
      err.println(
          "  %s: %s%% of what matches, at %s, by %s"
              .formatted(
                  text(fault, "name"),
                  fault.get("chancePpm").getAsInt() / 10_000.0,
                  text(fault, "place"),
                  names.isEmpty() ? "nobody" : String.join(", ", names)));
      if (fault.has("hint")) {
        err.println("    " + terminal.warn("warning") + ": " + text(fault, "hint"));
      }
    }
    if (named.has("obstacle")) {
      err.println(
          "  " + terminal.warn("warning") + ": it may not start now: " + text(named, "obstacle"));
    }
    if (workloads == 0) {
      err.println("  " + terminal.warn("warning") + ": it hits nobody");
      return;
    }
    if (length.isPositive()) {
      counts(of(mesh, key, body, length, terminal), terminal);
    }
  }

  private static void counts(JsonObject preview, Terminal terminal) {
    JsonObject live = preview.getAsJsonObject("live");
    PrintWriter err = terminal.err();
    JsonArray asked = live.getAsJsonArray("asked");
    JsonArray heard = live.getAsJsonArray("heard");
    List<String> silent = new ArrayList<>();
    for (JsonElement one : asked) {
      if (!heard.contains(one)) {
        silent.add(one.getAsString());
      }
    }
    if (!silent.isEmpty()) {
      err.println(
          "  "
              + terminal.warn("warning")
              + ": nothing was heard of the proxies of "
              + String.join(", ", silent)
              + "; what they would hit is not counted");
    }
    Table table =
        new Table(
            "FAULT", "WORKLOAD", "CALLER", "SERVICE", "ROUTE", "SEEN", "MATCHED", "HIT", "SHARE");
    for (JsonElement element : live.getAsJsonArray("rows")) {
      JsonObject row = element.getAsJsonObject();
      table.row(
          text(row, "fault"),
          text(row, "workload"),
          shown(text(row, "caller")),
          shown(text(row, "service")),
          shown(text(row, "route")),
          text(row, "seen"),
          text(row, "matched"),
          text(row, "hit"),
          share(row));
    }
    if (table.isEmpty()) {
      err.println(
          "  "
              + terminal.warn("warning")
              + ": no request passed meanwhile, so that nobody was to be hit");
      return;
    }
    table.row(
        "all",
        "",
        "",
        "",
        "",
        text(live, "seen"),
        text(live, "matched"),
        text(live, "hit"),
        share(live));
    terminal.out().print(table.render());
    terminal.out().flush();
    for (JsonElement element : live.getAsJsonArray("bounds")) {
      JsonObject bound = element.getAsJsonObject();
      err.println(
          "  %s: %s of %s: %s"
              .formatted(
                  bound.get("applied").getAsBoolean() ? "note" : terminal.warn("not applied"),
                  text(bound, "bound"),
                  text(bound, "fault"),
                  text(bound, "text")));
    }
    err.println(
        "  counted by %d of %d proxies; nothing was touched".formatted(heard.size(), asked.size()));
  }

  private static String shown(String text) {
    return text.isEmpty() ? "-" : text;
  }

  private static String share(JsonObject of) {
    long seen = of.get("seen").getAsLong();
    return seen == 0
        ? "-"
        : String.format(Locale.ROOT, "%.1f%%", 100.0 * of.get("hit").getAsLong() / seen);
  }
}
