package dev.outrigger.cli;

import static dev.outrigger.cli.ExperimentCommand.text;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "suggest",
    description = "The smallest useful experiments for calls that were never tested, as YAML.",
    footer = {
      "",
      "Proxies look for a while at who calls whom, and touch nothing. The busiest calls come first.",
      "",
      "Examples:",
      "  outrigger experiment suggest > next.yaml && outrigger experiment run next.yaml",
      "  outrigger experiment suggest shop --limit 1 --for 1m",
      "  outrigger experiment suggest -o json"
    })
final class SuggestVerb implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  @Mixin private final Asked asked = new Asked();
  @Mixin private final PreviewLength length = new PreviewLength();

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "5",
      description = "At most so many (default 5).")
  private int limit = 5;

  @Parameters(
      arity = "0..1",
      paramLabel = "NAMESPACE",
      defaultValue = "",
      description = "Only calls from there or to there.")
  private String namespace = "";

  private final Terminal terminal;

  SuggestVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject coverage;
    try (MeshApi mesh = api.open(terminal.environment())) {
      coverage = Calls.seen(mesh, asked.body(terminal.environment()), length.parsed(), terminal);
    }
    JsonArray chosen = new JsonArray();
    for (JsonElement element : coverage.getAsJsonArray("suggestions")) {
      JsonObject one = element.getAsJsonObject();
      if (chosen.size() < limit && concerns(one)) {
        chosen.add(one);
      }
    }
    if (output.isJson()) {
      coverage.add("suggestions", chosen);
      terminal.out().println(coverage);
      return Main.OK;
    }
    terminal.err().println(Calls.coverage(coverage));
    if (chosen.isEmpty()) {
      terminal
          .err()
          .println(
              coverage.get("edges").getAsLong() == 0
                  ? "nobody was seen to call anybody; look for longer with --for, under traffic"
                  : "there is nothing to suggest: each call that was seen has been tested");
    }
    for (int i = 0; i < chosen.size(); i++) {
      JsonObject one = chosen.get(i).getAsJsonObject();
      terminal
          .out()
          .print((i == 0 ? "" : "---\n") + "# " + text(one, "why") + "\n" + text(one, "document"));
    }
    return Main.OK;
  }

  private boolean concerns(JsonObject suggestion) {
    return namespace.isEmpty()
        || text(suggestion, "from").endsWith("." + namespace)
        || text(suggestion, "to").endsWith("." + namespace);
  }
}
