package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.source.Analysis;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
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
      "  outrigger experiment run mesh/slow-catalog.yaml    a file of the control plane's folder",
      "  outrigger experiment stop shop/slow-catalog"
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
        .addSubcommand(new StopVerb(terminal));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a verb is missing: " + String.join(", ", spec.subcommands().keySet()));
  }

  private static String key(String name) {
    return name.contains("/") ? name : "default/" + name;
  }

  private static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }

  private static void show(Terminal terminal, Common common, JsonArray runs) {
    if (common.output.isJson()) {
      terminal.out().println(runs);
      return;
    }
    Table table = new Table("EXPERIMENT", "PHASE", "SINCE", "ENDS", "WHO", "WHY");
    for (JsonElement element : runs) {
      JsonObject run = element.getAsJsonObject();
      String phase = text(run, "phase");
      table.row(
          text(run, "experiment"),
          phase.equalsIgnoreCase("running") ? terminal.warn(phase) : phase,
          text(run, "at"),
          text(run, "endsAt").isEmpty() ? "-" : text(run, "endsAt"),
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

  private static int preview(Terminal terminal, JsonObject preview) {
    terminal.err().println(text(preview, "experiment") + ": " + text(preview, "hypothesis"));
    int workloads = 0;
    for (JsonElement element : preview.getAsJsonArray("faults")) {
      JsonObject fault = element.getAsJsonObject();
      List<String> names = new ArrayList<>();
      fault.getAsJsonArray("workloads").forEach(name -> names.add(name.getAsString()));
      workloads += names.size();
      terminal
          .err()
          .println(
              "  %s: %s%% of what matches, at %s, by %s"
                  .formatted(
                      text(fault, "name"),
                      fault.get("chancePpm").getAsInt() / 10_000.0,
                      text(fault, "place"),
                      names.isEmpty() ? "nobody" : String.join(", ", names)));
    }
    return workloads;
  }

  @Command(
      name = "run",
      description = "Shows whom an experiment hits, and starts it.",
      footer = {"", "Example:", "  outrigger experiment run shop/slow-catalog --why 'game day'"})
  private static final class RunVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();
    @Mixin private final Asked asked = new Asked();

    @Parameters(
        paramLabel = "NAME|FILE",
        description = "[NAMESPACE/]NAME, or a file that the control plane has in its folder.")
    private String what = "";

    private final Terminal terminal;

    RunVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      List<String> keys = keys();
      JsonArray runs = new JsonArray();
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        for (String key : keys) {
          JsonObject body = asked.body(terminal.environment());
          try {
            if (preview(terminal, mesh.experiment(key, "preview", body)) == 0) {
              terminal.err().println("  " + terminal.warn("warning") + ": it hits nobody");
            }
          } catch (CommandFailedException e) {
            throw new CommandFailedException(
                String.valueOf(e.getMessage()),
                "the control plane runs what is in its folder: `outrigger experiment list` shows"
                    + " it, and a new file is there within a second",
                e);
          }
          runs.add(mesh.experiment(key, "start", body));
        }
      }
      show(terminal, common, runs);
      return Main.OK;
    }

    private List<String> keys() throws CommandFailedException {
      Path file = Path.of(what);
      if (!Files.isRegularFile(file)) {
        if (what.endsWith(".yaml") || what.endsWith(".yml")) {
          throw new CommandFailedException("there is no file " + what, "");
        }
        return List.of(key(what));
      }
      Analysis analysis = Analysis.of(List.of(file));
      if (analysis.hasErrors()) {
        analysis.problems().forEach(problem -> terminal.err().println(problem.render()));
        throw new CommandFailedException(file + " has errors", "");
      }
      List<Experiment> found = analysis.state().experiments();
      if (found.isEmpty()) {
        throw new CommandFailedException("there is no Experiment in " + file, "");
      }
      return found.stream().map(e -> e.meta().namespace() + "/" + e.meta().name()).toList();
    }
  }

  @Command(
      name = "preview",
      description = "Whom an experiment would hit, before anybody is hit.",
      footer = {"", "Example:", "  outrigger experiment preview shop/slow-catalog"})
  private static final class PreviewVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;

    PreviewVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      JsonObject preview;
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        preview = mesh.experiment(key(name), "preview", asked.body(terminal.environment()));
      }
      if (common.output.isJson()) {
        terminal.out().println(preview);
      } else {
        preview(terminal, preview);
      }
      return Main.OK;
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
        show(terminal, common, mesh.experiments());
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
        for (JsonElement run : mesh.experiments()) {
          if (text(run.getAsJsonObject(), "experiment").equals(key(name))) {
            show(terminal, common, only(run.getAsJsonObject()));
            return Main.OK;
          }
        }
      }
      throw new CommandFailedException(
          "there is no experiment " + key(name), "`outrigger experiment list` shows all");
    }
  }

  @Command(
      name = "stop",
      description = "Ends one experiment now.",
      footer = {"", "Example:", "  outrigger experiment stop shop/slow-catalog"})
  private static final class StopVerb implements Callable<Integer> {
    @Mixin private final Common common = new Common();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
    private String name = "";

    private final Terminal terminal;

    StopVerb(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = common.api.open(terminal.environment())) {
        show(
            terminal,
            common,
            only(mesh.experiment(key(name), "stop", asked.body(terminal.environment()))));
      }
      return Main.OK;
    }
  }
}
