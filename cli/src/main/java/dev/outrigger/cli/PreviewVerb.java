package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "preview",
    description = "Whom of live traffic an experiment would hit, before anybody is hit.",
    footer = {
      "",
      "The proxies match and roll the dice for each request, count, and touch nothing.",
      "",
      "Examples:",
      "  outrigger experiment preview shop/slow-catalog",
      "  outrigger experiment preview slow-catalog.yaml --for 1m -o json",
      "  outrigger experiment preview shop/slow-catalog --for 0s   only whom it names"
    })
final class PreviewVerb implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  @Mixin private final Asked asked = new Asked();
  @Mixin private final PreviewLength length = new PreviewLength();

  @Parameters(
      paramLabel = "NAME|FILE",
      description = "[NAMESPACE/]NAME, or a file whose experiments are submitted first.")
  private String what = "";

  private final Terminal terminal;

  PreviewVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    try (MeshApi mesh = api.open(terminal.environment())) {
      JsonObject body = asked.body(terminal.environment());
      JsonArray previews = new JsonArray();
      for (String key : ExperimentFile.keys(what, mesh, body, terminal)) {
        if (output.isJson()) {
          previews.add(LivePreview.of(mesh, key, body, length.parsed(), terminal));
        } else {
          LivePreview.show(mesh, key, body, length.parsed(), terminal);
        }
      }
      if (output.isJson()) {
        JsonElement shown = previews.size() == 1 ? previews.get(0) : previews;
        terminal.out().println(shown);
      }
    }
    return Main.OK;
  }
}
