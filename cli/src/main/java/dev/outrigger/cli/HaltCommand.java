package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "halt",
    description = "Ends running experiments at once, and lets nothing start for a while.",
    footer = {
      "",
      "Examples:",
      "  outrigger halt --why 'alarms in eu-west'      everything",
      "  outrigger halt shop/slow-catalog              only this one",
      "  outrigger halt --lift                         experiments may start again"
    })
final class HaltCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  @Mixin private final Asked asked = new Asked();

  @Parameters(
      paramLabel = "NAME",
      arity = "0..*",
      description = "[NAMESPACE/]NAME; all unless given")
  private List<String> names = List.of();

  @Option(names = "--all", description = "Every experiment, as without names.")
  private boolean all;

  @Option(
      names = "--lift",
      description = "Take the halt back, so that experiments may start again.")
  private boolean lift;

  private final Terminal terminal;

  HaltCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject body = asked.body(terminal.environment());
    JsonObject reply;
    try (MeshApi mesh = api.open(terminal.environment())) {
      if (lift) {
        mesh.lift(body);
        terminal.out().println("the halt is lifted");
        return Main.OK;
      }
      reply = all || names.isEmpty() ? mesh.halt(body) : these(mesh, body);
    }
    if (output.isJson()) {
      terminal.out().println(reply);
      return Main.OK;
    }
    for (JsonElement one : reply.getAsJsonArray("halted")) {
      terminal.out().println("halted " + one.getAsString());
    }
    if (reply.getAsJsonArray("halted").isEmpty()) {
      terminal.out().println("no experiment was running");
    }
    return Main.OK;
  }

  private JsonObject these(MeshApi mesh, JsonObject body) throws CommandFailedException {
    JsonArray halted = new JsonArray();
    for (String name : names) {
      halted.add(mesh.experiment(ExperimentCommand.key(name), "halt", body).get("experiment"));
    }
    JsonObject reply = new JsonObject();
    reply.add("halted", halted);
    return reply;
  }
}
