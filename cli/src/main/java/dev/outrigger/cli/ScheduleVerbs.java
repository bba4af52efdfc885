package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "schedule",
    description = "Looks at schedules of experiments, suspends and resumes them.",
    synopsisSubcommandLabel = "VERB",
    footer = {
      "",
      "Examples:",
      "  outrigger experiment schedule list",
      "  outrigger experiment schedule suspend shop/nightly --why 'release week'",
      "  outrigger experiment schedule resume shop/nightly",
      "  outrigger experiment schedule run-now shop/nightly",
      "  outrigger experiment schedule history shop/nightly"
    })
final class ScheduleVerbs implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  static CommandLine withVerbs(Terminal terminal) {
    return new CommandLine(new ScheduleVerbs())
        .addSubcommand(new List(terminal))
        .addSubcommand(new Suspend(terminal))
        .addSubcommand(new Resume(terminal))
        .addSubcommand(new RunNow(terminal))
        .addSubcommand(new History(terminal));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a verb is missing: " + String.join(", ", spec.subcommands().keySet()));
  }

  private static void show(Terminal terminal, JsonArray schedules) {
    Table table = new Table("EXPERIMENT", "CRON", "ZONE", "NEXT", "LAST", "PHASE", "OVERLAP", "BY");
    for (JsonElement element : schedules) {
      JsonObject one = element.getAsJsonObject();
      JsonObject schedule = one.getAsJsonObject("schedule");
      boolean suspended = schedule.get("suspended").getAsBoolean();
      table.row(
          text(one, "experiment"),
          text(schedule, "cron"),
          text(schedule, "timeZone"),
          suspended
              ? terminal.warn("suspended")
              : text(schedule, "next").isEmpty() ? "never" : text(schedule, "next"),
          ExperimentCommand.time(one, "startedAt"),
          text(one, "phase"),
          text(schedule, "overlap"),
          text(schedule, "by"));
    }
    terminal.out().print(table.isEmpty() ? "There are no schedules.\n" : table.render());
  }

  private static String text(JsonObject object, String member) {
    return ExperimentCommand.text(object, member);
  }

  @Command(
      name = "list",
      description = "All schedules, with when each begins next.",
      footer = {"", "Example:", "  outrigger experiment schedule list -o json"})
  static final class List implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    private final Terminal terminal;

    List(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonArray schedules = mesh.schedules();
        if (output.isJson()) {
          terminal.out().println(schedules);
        } else {
          show(terminal, schedules);
        }
      }
      return Main.OK;
    }
  }

  /** Suspends or resumes one. */
  abstract static class Suspension implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;
    private final String action;

    Suspension(Terminal terminal, String action) {
      this.terminal = terminal;
      this.action = action;
    }

    @Override
    public final Integer call() throws CommandFailedException {
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonObject now =
            mesh.experiment(
                ExperimentCommand.key(name), action, asked.body(terminal.environment()));
        if (output.isJson()) {
          terminal.out().println(now);
        } else {
          JsonArray one = new JsonArray();
          one.add(now);
          show(terminal, one);
        }
      }
      return Main.OK;
    }
  }

  @Command(
      name = "suspend",
      description = "Lets a schedule begin nothing until it is resumed; what runs goes on.",
      footer = {"", "Example:", "  outrigger experiment schedule suspend shop/nightly"})
  static final class Suspend extends Suspension {
    Suspend(Terminal terminal) {
      super(terminal, "suspend");
    }
  }

  @Command(
      name = "resume",
      description = "Takes a suspended schedule up again; times that went by do not count.",
      footer = {"", "Example:", "  outrigger experiment schedule resume shop/nightly"})
  static final class Resume extends Suspension {
    Resume(Terminal terminal) {
      super(terminal, "unsuspend");
    }
  }

  @Command(
      name = "run-now",
      description = "Starts a scheduled experiment now, out of turn.",
      footer = {"", "Example:", "  outrigger experiment schedule run-now shop/nightly"})
  static final class RunNow extends ExperimentActs.Act {
    RunNow(Terminal terminal) {
      super(terminal, "start");
    }
  }

  @Command(
      name = "history",
      description = "The runs of one experiment of which reports are kept.",
      footer = {"", "Example:", "  outrigger experiment schedule history shop/nightly"})
  static final class History implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;

    History(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonArray reports = mesh.reports(ExperimentCommand.key(name));
        if (output.isJson()) {
          terminal.out().println(reports);
          return Main.OK;
        }
        Table table = new Table("STARTED", "ENDED", "VERDICT", "REASON");
        for (JsonElement element : reports) {
          JsonObject report = element.getAsJsonObject();
          table.row(
              ExperimentCommand.time(report, "startedAt"),
              ExperimentCommand.time(report, "endedAt"),
              WatchScreen.verdict(terminal, text(report, "verdict")),
              text(report, "reason"));
        }
        terminal.out().print(table.isEmpty() ? "No report is kept.\n" : table.render());
      }
      return Main.OK;
    }
  }
}
