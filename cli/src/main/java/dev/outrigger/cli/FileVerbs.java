package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs of an experiment that take a file and start nothing. */
final class FileVerbs {
  private FileVerbs() {}

  @Command(
      name = "create",
      description = "Submits the experiments of a file; starts only those that say so.",
      footer = {
        "",
        "Examples:",
        "  outrigger experiment create slow-catalog.yaml",
        "  outrigger experiment create nightly.yaml     one with a schedule begins by itself"
      })
  static final class Create implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "FILE", description = "YAML with one or more Experiments.")
    private String file = "";

    private final Terminal terminal;

    Create(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      JsonArray runs = new JsonArray();
      List<String> documents = ExperimentFile.required(file, terminal);
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonObject body = asked.body(terminal.environment());
        for (String document : documents) {
          body.addProperty("document", document);
          runs.add(mesh.submit(body));
        }
      }
      ExperimentCommand.show(terminal, output, runs);
      return Main.OK;
    }
  }

  @Command(
      name = "validate",
      description = "Says whether the experiments of a file are right; changes nothing.",
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {"0:they are right", "1:something is wrong", "69:no control plane answers"},
      footer = {
        "",
        "Examples:",
        "  outrigger experiment validate slow-catalog.yaml            as the control plane sees it",
        "  outrigger experiment validate --offline slow-catalog.yaml  without one"
      })
  static final class Validate implements Callable<Integer> {
    @Mixin private final ApiOption api = new ApiOption();

    @Option(
        names = "--offline",
        description = "Only read the file; what is in the control plane is not looked at.")
    private boolean offline;

    @Parameters(paramLabel = "FILE", description = "YAML with one or more Experiments.")
    private String file = "";

    private final Terminal terminal;

    Validate(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      List<String> documents = ExperimentFile.required(file, terminal);
      if (offline) {
        terminal
            .out()
            .println(
                documents.size()
                    + (documents.size() == 1 ? " experiment is" : " experiments are")
                    + " right, as far as the file tells");
        return Main.OK;
      }
      try (MeshApi mesh = api.open(terminal.environment())) {
        for (String document : documents) {
          JsonObject body = new JsonObject();
          body.addProperty("document", document);
          terminal
              .out()
              .println(ExperimentCommand.text(mesh.validate(body), "experiment") + " is right");
        }
      }
      return Main.OK;
    }
  }
}
