package dev.outrigger.cli;

import static dev.outrigger.cli.ExperimentCommand.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Looks at a run again and again until it is over, and shows what is new. */
final class WatchLoop {
  private static final int FAILED = 80;
  private static final int STOPPED_BY_GUARD = 81;
  private static final int NOTHING_TO_SAY = 82;
  private static final long POLL_MILLIS = 500;

  /** How many looks a probe after the run may take to answer: more than its longest timeout. */
  private static final int PATIENCE = 70;

  private static final Set<String> BEFORE = Set.of("Pending", "Previewed");

  private final MeshApi mesh;
  private final String key;
  private final Terminal terminal;
  private final boolean json;
  private final CountDownLatch never = new CountDownLatch(1);
  private @Nullable JsonElement latest;
  private boolean ran;
  private int waited;

  WatchLoop(MeshApi mesh, String key, Terminal terminal, boolean json) {
    this.mesh = mesh;
    this.key = key;
    this.terminal = terminal;
    this.json = json;
  }

  /** The exit code. */
  int run() throws CommandFailedException {
    boolean screen = terminal.interactive() && !json;
    while (true) {
      JsonObject state = mesh.get(key, "");
      ran |= !BEFORE.contains(text(state, "phase"));
      @Nullable JsonObject report = ran ? report() : null;
      if (screen) {
        // From the top, and what is left of the screen before is erased line by line.
        String page = WatchScreen.of(terminal, state, report);
        terminal.out().print("\u001b[H" + page.replace("\n", "\u001b[K\n") + "\u001b[J");
        terminal.out().flush();
      } else {
        news(state.getAsJsonArray("events"));
      }
      if (report != null && text(state, "phase").equals("Recovered") && !awaitsProbes(report)) {
        if (!screen) {
          last(report);
        }
        return exit(report);
      }
      pause();
    }
  }

  private @Nullable JsonObject report() throws CommandFailedException {
    try {
      return mesh.get(key, "/report");
    } catch (CommandFailedException e) {
      if (e.exit() == Main.FAILED) {
        return null; // Refused before it could run, or ended by a restart.
      }
      throw e;
    }
  }

  private void pause() throws CommandFailedException {
    try {
      if (never.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailedException("interrupted", "", e);
    }
  }

  /** Events since the last look; at the first look those of the run that is on. */
  private void news(JsonArray events) {
    int from = 0;
    for (int i = events.size() - 1; i >= 0; i--) {
      if (events.get(i).equals(latest)
          || latest == null && text(events.get(i).getAsJsonObject(), "event").equals("Started")) {
        from = events.get(i).equals(latest) ? i + 1 : i;
        break;
      }
    }
    for (int i = from; i < events.size(); i++) {
      JsonObject event = events.get(i).getAsJsonObject();
      terminal.out().println(json ? event : line(event));
      latest = event;
    }
    terminal.out().flush();
  }

  private static String line(JsonObject event) {
    return "%s  %-11s %s: %s"
        .formatted(text(event, "at"), text(event, "event"), text(event, "who"), text(event, "why"));
  }

  private void last(JsonObject report) {
    if (json) {
      JsonObject end = new JsonObject();
      for (String member : new String[] {"experiment", "verdict", "reason"}) {
        end.add(member, report.get(member));
      }
      terminal.out().println(end);
    } else {
      terminal
          .out()
          .println(
              WatchScreen.verdict(terminal, text(report, "verdict"))
                  + ": "
                  + text(report, "reason"));
    }
    terminal.out().flush();
  }

  private boolean awaitsProbes(JsonObject report) {
    boolean awaits = false;
    for (JsonElement probe : report.getAsJsonArray("probes")) {
      for (JsonElement element : probe.getAsJsonObject().getAsJsonArray("parts")) {
        JsonObject part = element.getAsJsonObject();
        awaits |= text(part, "when").equals("after") && !part.has("at");
      }
    }
    return awaits && waited++ < PATIENCE;
  }

  private static int exit(JsonObject report) {
    for (JsonElement element : report.getAsJsonArray("timeline")) {
      JsonObject event = element.getAsJsonObject();
      if (text(event, "event").equals("Halted") && text(event, "who").matches("(guard|probe) .*")) {
        return STOPPED_BY_GUARD;
      }
    }
    return switch (text(report, "verdict")) {
      case "Passed" -> Main.OK;
      case "Failed" -> FAILED;
      default -> NOTHING_TO_SAY;
    };
  }
}
