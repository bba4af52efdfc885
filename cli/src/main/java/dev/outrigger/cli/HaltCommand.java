package dev.outrigger.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "halt",
    description = "Ends every running experiment at once.",
    footer = {"", "Example:", "  outrigger halt --why 'alarms in eu-west'"})
final class HaltCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();
  @Mixin private final Asked asked = new Asked();
  private final Terminal terminal;

  HaltCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject reply;
    try (MeshApi mesh = api.open(terminal.environment())) {
      reply = mesh.halt(asked.body(terminal.environment()));
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
}
