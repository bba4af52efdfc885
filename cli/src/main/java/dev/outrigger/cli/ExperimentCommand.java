package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.Console;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "experiment",
    description = "Looks at experiments, starts and stops them.",
    synopsisSubcommandLabel = "VERB",
    footer = {
      "",
      "Examples:",
      "  outrigger experiment list",
      "  outrigger experiment preview shop/slow-catalog     whom it would hit",
      "  outrigger experiment run shop/slow-catalog --why 'game day'",
      "  outrigger experiment run slow-catalog.yaml --yes   submits the file, then starts it",
      "  outrigger experiment watch shop/slow-catalog       live, until it is over",
      "  outrigger experiment pause shop/slow-catalog       and resume, stop, halt, delete",
      "  outrigger experiment schedule list                 those that begin by themselves"
    })
final class ExperimentCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** What every verb of an experiment takes. */
  private static final class Common {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
  }

  static CommandLine withVerbs(Terminal terminal) {
    return new CommandLine(new ExperimentCommand())
        .addSubcommand(new RunVerb(terminal))
        .addSubcommand(new PreviewVerb(terminal))
        .addSubcommand(new ListVerb(terminal))
        .addSubcommand(new GetVerb(terminal))
        .addSubcommand(new ReportVerb(terminal))
        .addSubcommand(new WatchVerb(terminal))
        .addSubcommand(new FileVerbs.Create(terminal))
        .addSubcommand(new FileVerbs.Validate(terminal))
        .addSubcommand(ScheduleVerbs.withVerbs(terminal))
        .addSubcommand(new SuggestVerb(terminal))
        .addSubcommand(new RecordVerb(terminal))
        .addSubcommand(new CoverageVerb(terminal))
        .addSubcommand(new ExperimentActs.Pause(terminal))
        .addSubcommand(new ExperimentActs.Resume(terminal))
        .addSubcommand(new ExperimentActs.Stop(terminal))
        .addSubcommand(new ExperimentActs.Halt(terminal))
        .addSubcommand(new ExperimentActs.Delete(terminal));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a verb is missing: " + String.join(", ", spec.subcommands().keySet()));
  }

  static String key(String name) {
    return name.contains("/") ? name : "default/" + name;
  }

  static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }

  /** A time to the second, as people read it; a dash where there is none. */
  static String time(JsonObject object, String member) {
    String time = text(object, member);
    return time.isEmpty() ? "-" : time.replaceAll("\\.[0-9]+Z$", "Z");
  }

  static void show(Terminal terminal, OutputOption output, JsonArray runs) {
    if (output.isJson()) {
      terminal.out().println(runs);
      return;
    }
    Table table = new Table("EXPERIMENT", "PHASE", "SINCE", "ENDS", "WHO", "WHY");
    for (JsonElement element : runs) {
      JsonObject run = element.getAsJsonObject();
      String phase = text(run, "phase");
      table.row(
          text(run, "experiment"),
          phase.equalsIgnoreCase("running")
              ? terminal.warn(run.get("paused").getAsBoolean() ? "Running, paused" : phase)
              : phase,
          time(run, "since"),
          time(run, "endsAt"),
          text(run, "who"),
          text(run, "why"));
    }
    terminal.out().print(table.isEmpty() ? "There are no experiments.\n" : table.render());
  }

  private static JsonArray only(JsonObject run) {
    JsonArray one = new JsonArray();
    one.add(run);
    return one;
  }

  @Command(
      name = "run",
      aliases = "start",
      description = "Shows whom an experiment would hit, asks, and starts it.",
      footer = {
        "",
        "Examples:",
        "  outrigger experiment run shop/slow-catalog --why 'game day'",
        "  outrigger experiment run shop/slow-catalog --preview 1m   looks on for longer first",
        "  outrigger experiment run slow-catalog.yaml --yes",
        "  outrigger experiment run shop/slow-catalog --yes --watch   exit code by its verdict"
      })
  private static final class RunVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();
    @Mixin private final Asked asked = new Asked();

    @Option(
        names = {"-y", "--yes"},
        description = "Start without asking; needed where nobody can be asked.")
    private boolean yes;

    @Option(names = "--watch", description = "Watch it to its end, as `experiment watch` does.")
    private boolean watch;

    @Mixin private final PreviewLength length = new PreviewLength();

    @Parameters(
        paramLabel = "NAME|FILE",
        description = "[NAMESPACE/]NAME, or a file whose experiments are submitted first.")
    private String what = "";

    private final Terminal terminal;

    RunVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      JsonArray runs = new JsonArray();
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        JsonObject body = asked.body(terminal.environment());
        List<String> keys = ExperimentFile.keys(what, mesh, body, terminal);
        for (String key : keys) {
          boolean asks = !yes && terminal.interactive();
          LivePreview.show(mesh, key, body, asks ? length.parsed() : Duration.ZERO, terminal);
          if (!yes) {
            ask(key);
          }
          runs.add(mesh.experiment(key, "start", body));
        }
        if (watch && keys.size() == 1) {
          return new WatchLoop(mesh, keys.getFirst(), terminal, common.output.isJson()).run();
        }
      }
      show(terminal, common.output, runs);
      return Main.OK;
    }

    private void ask(String key) throws CommandFailedException {
      terminal.err().flush();
      @Nullable Console console = terminal.interactive() ? System.console() : null;
      if (console == null) {
        throw new CommandFailedException(
            key + " is not started: there is no terminal to ask at", "add --yes to start it");
      }
      @Nullable String answer = console.readLine("Start %s? [y/N] ", key);
      if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
        throw new CommandFailedException(key + " is not started", "");
      }
    }
  }

  @Command(
      name = "list",
      description = "All experiments, with phase, end, who and why.",
      footer = {"", "Example:", "  outrigger experiment list -o json"})
  private static final class ListVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();
    private final Terminal terminal;

    ListVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        show(terminal, common.output, mesh.experiments());
      }
      return Main.OK;
    }
  }

  @Command(
      name = "get",
      description = "One experiment.",
      footer = {"", "Example:", "  outrigger experiment get shop/slow-catalog"})
  private static final class GetVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;

    GetVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        JsonObject run = mesh.get(key(name), "");
        if (common.output.isJson()) {
          terminal.out().println(run);
          return Main.OK;
        }
        show(terminal, common.output, only(run));
        describe(run);
      }
      return Main.OK;
    }

    private void describe(JsonObject run) {
      terminal.out().println("\nhypothesis  " + text(run, "hypothesis"));
      terminal.out().println("owner       " + text(run, "owner"));
      Table conditions = new Table("CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE");
      for (JsonElement element : run.getAsJsonArray("conditions")) {
        JsonObject one = element.getAsJsonObject();
        conditions.row(
            text(one, "type"),
            text(one, "status"),
            time(one, "lastTransitionTime"),
            text(one, "reason"),
            text(one, "message"));
      }
      terminal.out().print("\n" + conditions.render());
      Table events = new Table("TIME", "EVENT", "WHO", "FROM", "WHY");
      for (JsonElement element : run.getAsJsonArray("events")) {
        JsonObject one = element.getAsJsonObject();
        events.row(
            time(one, "at"),
            text(one, "event"),
            text(one, "who"),
            text(one, "from").isEmpty() ? "-" : text(one, "from"),
            text(one, "why"));
      }
      terminal.out().print("\n" + events.render());
    }
  }
}
