package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "status",
    description =
        "Which proxies are connected or missing, what they accepted or refused, and what is wrong.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every proxy is there and none refuses anything",
      "1:a proxy is missing or refuses something, or no answer"
    },
    footer = {"", "Example:", "  outrigger status --api http://127.0.0.1:15080"})
final class StatusCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  private final Terminal terminal;

  StatusCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject status;
    try (MeshApi mesh = api.open(terminal.environment())) {
      status = mesh.status();
    }
    if (output.isJson()) {
      terminal.out().println(status);
    } else {
      terminal.out().print(render(status, terminal));
    }
    return refusals(status) || !missing(status).isEmpty() ? Main.FAILED : Main.OK;
  }

  private static JsonArray missing(JsonObject status) {
    return status.getAsJsonArray("missing");
  }

  private static boolean refusals(JsonObject status) {
    for (JsonElement proxy : status.getAsJsonArray("proxies")) {
      for (Map.Entry<String, JsonElement> type :
          proxy.getAsJsonObject().getAsJsonObject("types").entrySet()) {
        if (text(type.getValue().getAsJsonObject(), "state").equals("NACKED")) {
          return true;
        }
      }
    }
    return false;
  }

  static String render(JsonObject status, Terminal terminal) {
    StringBuilder text = new StringBuilder();
    JsonArray proxies = status.getAsJsonArray("proxies");
    if (proxies.isEmpty()) {
      text.append("No proxy is connected.\n");
    } else {
      Table table = new Table("PROXY", "TYPE", "STATE", "ACKED", "PROTOCOL", "IDENTITY");
      for (JsonElement element : proxies) {
        JsonObject proxy = element.getAsJsonObject();
        String node = text(proxy, "node");
        for (Map.Entry<String, JsonElement> type : proxy.getAsJsonObject("types").entrySet()) {
          JsonObject one = type.getValue().getAsJsonObject();
          table.row(
              node,
              type.getKey(),
              coloured(text(one, "state"), terminal),
              text(one, "acked"),
              text(proxy, "protocol"),
              text(proxy, "identity"));
        }
        if (proxy.getAsJsonObject("types").isEmpty()) {
          table.row(node, "-", "-", "-", text(proxy, "protocol"), text(proxy, "identity"));
        }
      }
      text.append(table.render());
    }
    for (JsonElement element : proxies) {
      JsonObject proxy = element.getAsJsonObject();
      for (Map.Entry<String, JsonElement> type : proxy.getAsJsonObject("types").entrySet()) {
        for (JsonElement refused : type.getValue().getAsJsonObject().getAsJsonArray("nacked")) {
          JsonObject one = refused.getAsJsonObject();
          text.append('\n')
              .append(terminal.bad("refused"))
              .append(
                  " by %s: %s %s%n"
                      .formatted(text(proxy, "node"), type.getKey(), text(one, "resource")))
              .append("  = reason: ")
              .append(text(one, "reason"))
              .append("\n  = since: ")
              .append(text(one, "when"))
              .append('\n');
        }
      }
    }
    for (JsonElement workload : missing(status)) {
      text.append('\n')
          .append(terminal.bad("missing"))
          .append(": the proxy of %s is not connected%n".formatted(workload.getAsString()))
          .append("  = help: is it running, and may it join? Its own log says why not;")
          .append(" `outrigger token` makes a join token\n");
    }
    JsonArray problems = status.getAsJsonArray("problems");
    for (JsonElement element : problems) {
      JsonObject one = element.getAsJsonObject();
      text.append('\n')
          .append(
              text(one, "severity").equals("error")
                  ? terminal.bad("error")
                  : terminal.warn("warning"))
          .append(
              "[%s]: %s%n  --> %s:%s:%s%n"
                  .formatted(
                      text(one, "code"),
                      text(one, "message"),
                      text(one, "file"),
                      text(one, "line"),
                      text(one, "column")));
      if (!text(one, "hint").isEmpty()) {
        text.append("  = help: ").append(text(one, "hint")).append('\n');
      }
    }
    return text.append(
            "%n%d %s, %d missing, %d %s in the files, generation %s%n"
                .formatted(
                    proxies.size(),
                    proxies.size() == 1 ? "proxy" : "proxies",
                    missing(status).size(),
                    problems.size(),
                    problems.size() == 1 ? "problem" : "problems",
                    text(status, "generation")))
        .toString();
  }

  private static String coloured(String state, Terminal terminal) {
    return switch (state) {
      case "ACKED" -> terminal.good(state);
      case "NACKED" -> terminal.bad(state);
      default -> terminal.warn(state);
    };
  }

  private static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }
}
