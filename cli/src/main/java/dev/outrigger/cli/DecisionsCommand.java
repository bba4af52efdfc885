package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "decisions",
    description = "Why single requests went as they did: what a proxy matched, weighed and tried.",
    footer = {
      "",
      "Examples:",
      "  outrigger decisions --token 10           a token, to be sent as x-outrigger-explain",
      "  outrigger decisions                      the last requests that were sent with one",
      "  outrigger decisions REQUEST-ID           one of them, step by step"
    })
final class DecisionsCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final AdminOption admin = new AdminOption();

  @Option(
      names = "--token",
      paramLabel = "MINUTES",
      description = "Have the proxy make a token that may ask for so long.")
  private @Nullable Integer minutes;

  @Parameters(arity = "0..1", paramLabel = "REQUEST-ID", description = "One request only.")
  private @Nullable String id;

  private final Terminal terminal;

  DecisionsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    if (minutes != null) {
      JsonElement token = ask("/explain?minutes=" + minutes, true);
      terminal
          .out()
          .println(
              output.isJson()
                  ? token
                  : "x-outrigger-explain: "
                      + text(token.getAsJsonObject(), "token")
                      + "\nin force for "
                      + minutes
                      + (minutes == 1 ? " minute" : " minutes"));
      return Main.OK;
    }
    String query = id == null ? "" : "&id=" + URLEncoder.encode(id, StandardCharsets.UTF_8);
    JsonArray decisions = ask("/explain?format=json" + query, false).getAsJsonArray();
    if (output.isJson()) {
      terminal.out().println(decisions);
    } else if (decisions.isEmpty()) {
      terminal
          .out()
          .println(
              id == null
                  ? "No request was explained yet: `outrigger help decisions` says how to ask."
                  : "No explained request has the id " + id + ".");
    } else {
      terminal.out().print(id == null ? table(decisions) : steps(decisions));
    }
    return id != null && decisions.isEmpty() ? Main.FAILED : Main.OK;
  }

  private static String table(JsonArray decisions) {
    Table table = new Table("TIME", "HOP", "REQUEST", "STATUS", "CODE", "MS", "ID");
    for (JsonElement element : decisions) {
      JsonObject one = element.getAsJsonObject();
      JsonArray steps = one.getAsJsonArray("steps");
      long last =
          steps.isEmpty()
              ? 0
              : steps.get(steps.size() - 1).getAsJsonObject().get("at_us").getAsLong();
      table.row(
          text(one, "time"),
          text(one, "hop"),
          text(one, "method") + " " + text(one, "authority") + text(one, "path"),
          text(one, "status"),
          text(one, "code"),
          millis(last),
          text(one, "id"));
    }
    return table.render();
  }

  private String steps(JsonArray decisions) {
    StringBuilder text = new StringBuilder();
    for (JsonElement element : decisions) {
      JsonObject one = element.getAsJsonObject();
      text.append(terminal.bold(text(one, "hop")))
          .append(
              ": %s %s%s: %s %s%n"
                  .formatted(
                      text(one, "method"),
                      text(one, "authority"),
                      text(one, "path"),
                      text(one, "status"),
                      text(one, "code"))
                  .replaceAll(" +\\R", "\n"));
      Table table = new Table("MS", "ABOUT", "WHAT");
      for (JsonElement step : one.getAsJsonArray("steps")) {
        JsonObject it = step.getAsJsonObject();
        table.row(millis(it.get("at_us").getAsLong()), text(it, "about"), text(it, "text"));
      }
      text.append(table.render()).append('\n');
    }
    return text.toString();
  }

  private static String millis(long micros) {
    return String.format(Locale.ROOT, "%.3f", micros / 1000.0);
  }

  private JsonElement ask(String path, boolean post) throws CommandFailedException {
    String answer = admin.ask(terminal, path, post);
    try {
      return JsonParser.parseString(answer);
    } catch (JsonParseException e) {
      throw new CommandFailedException(
          "what answers at " + admin.base(terminal) + " is no proxy of Outrigger",
          "look at --admin URL",
          e);
    }
  }

  private static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }
}
