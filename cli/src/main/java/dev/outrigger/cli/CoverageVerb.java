package dev.outrigger.cli;

import static dev.outrigger.cli.ExperimentCommand.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "coverage",
    description = "Which of the calls that are made were ever tested.",
    footer = {
      "",
      "A call counts as tested that a run which passed or failed has hit.",
      "",
      "Examples:",
      "  outrigger experiment coverage",
      "  outrigger experiment coverage --for 0s -o json   by what was seen earlier"
    })
final class CoverageVerb implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  @Mixin private final Asked asked = new Asked();
  @Mixin private final PreviewLength length = new PreviewLength();

  private final Terminal terminal;

  CoverageVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject coverage;
    try (MeshApi mesh = api.open(terminal.environment())) {
      coverage = Calls.seen(mesh, asked.body(terminal.environment()), length.parsed(), terminal);
    }
    if (output.isJson()) {
      terminal.out().println(coverage);
      return Main.OK;
    }
    Table table =
        new Table("FROM", "TO", "PER S", "P99", "TESTED BY", "LAST VERDICT", "LAST EXPERIMENT");
    for (JsonElement element : coverage.getAsJsonArray("calls")) {
      JsonObject call = element.getAsJsonObject();
      List<String> kinds = new ArrayList<>();
      call.getAsJsonArray("kinds").forEach(kind -> kinds.add(kind.getAsString()));
      String verdict = text(call, "lastVerdict");
      table.row(
          text(call, "from"),
          text(call, "to"),
          number(call, "perSecond", ""),
          number(call, "p99Millis", "ms"),
          kinds.isEmpty() ? terminal.warn("never") : String.join(", ", kinds),
          verdict.isEmpty() ? "-" : verdict,
          verdict.isEmpty() ? "-" : text(call, "lastExperiment"));
    }
    terminal.out().print(table.isEmpty() ? "" : table.render());
    terminal.out().flush();
    terminal.err().println(Calls.coverage(coverage));
    return Main.OK;
  }

  private static String number(JsonObject of, String member, String unit) {
    return of.has(member)
        ? String.format(Locale.ROOT, "%.1f", of.get(member).getAsDouble()) + unit
        : "-";
  }
}
