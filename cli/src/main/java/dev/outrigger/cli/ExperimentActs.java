package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The verbs that do one thing to one experiment. */
final class ExperimentActs {
  private ExperimentActs() {}

  /** What all of them share: asks the API, and shows where the experiment stands then. */
  abstract static class Act implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;
    private final String action;

    Act(Terminal terminal, String action) {
      this.terminal = terminal;
      this.action = action;
    }

    @Override
    public final Integer call() throws CommandFailedException {
      JsonArray one = new JsonArray();
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonObject body = asked.body(terminal.environment());
        one.add(mesh.experiment(ExperimentCommand.key(name), action, body));
      }
      ExperimentCommand.show(terminal, output, one);
      return Main.OK;
    }
  }

  @Command(
      name = "stop",
      description = "Ends one experiment now.",
      footer = {"", "Example:", "  outrigger experiment stop shop/slow-catalog"})
  static final class Stop extends Act {
    Stop(Terminal terminal) {
      super(terminal, "stop");
    }
  }

  @Command(
      name = "pause",
      description = "Takes an experiment's faults back for a while; its end stays where it is.",
      footer = {"", "Example:", "  outrigger experiment pause shop/slow-catalog --why 'a call'"})
  static final class Pause extends Act {
    Pause(Terminal terminal) {
      super(terminal, "pause");
    }
  }

  @Command(
      name = "halt",
      description = "Ends one experiment at once, and lets it not start again for a while.",
      footer = {
        "",
        "Example:",
        "  outrigger experiment halt shop/slow-catalog --why 'alarms'",
        "`outrigger halt` without a name ends all of them."
      })
  static final class Halt extends Act {
    Halt(Terminal terminal) {
      super(terminal, "halt");
    }
  }

  @Command(
      name = "resume",
      description = "Injects again what was paused.",
      footer = {"", "Example:", "  outrigger experiment resume shop/slow-catalog"})
  static final class Resume extends Act {
    Resume(Terminal terminal) {
      super(terminal, "resume");
    }
  }

  @Command(
      name = "delete",
      description = "Forgets an experiment that was submitted; one that runs is halted by it.",
      footer = {"", "Example:", "  outrigger experiment delete shop/slow-catalog"})
  static final class Delete implements Callable<Integer> {
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;

    Delete(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      String key = ExperimentCommand.key(name);
      try (MeshApi mesh = api.open(terminal.environment())) {
        mesh.forget(key, asked.body(terminal.environment()));
      }
      terminal.out().println("deleted " + key);
      return Main.OK;
    }
  }
}
