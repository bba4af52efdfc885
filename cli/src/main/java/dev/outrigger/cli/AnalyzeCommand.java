package dev.outrigger.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.source.Analysis;
import dev.outrigger.controlplane.source.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "analyze",
    description = "What is wrong with these files, by code, file, line and column.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:no errors (there may be warnings)", "1:errors", "2:wrong usage"},
    footer = {
      "",
      "Examples:",
      "  outrigger analyze mesh/",
      "  kustomize build . | outrigger analyze -",
      "  outrigger analyze -o json mesh/ | jq '.problems[].code'"
    })
final class AnalyzeCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();

  @Parameters(
      arity = "1..*",
      paramLabel = "PATH",
      description = "Files, folders with all below them, or - for standard input.")
  private List<String> paths = new ArrayList<>();

  private final Terminal terminal;

  AnalyzeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException, IOException {
    Analysis analysis;
    if (paths.equals(List.of("-"))) {
      String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
      analysis = Analysis.ofText("<stdin>", text);
    } else {
      List<Path> files = new ArrayList<>();
      for (String path : paths) {
        if (!Files.exists(Path.of(path))) {
          throw new CommandFailedException("there is no " + path, "name files or folders");
        }
        files.add(Path.of(path));
      }
      analysis = Analysis.of(files);
    }
    if (output.isJson()) {
      JsonElement problems = JsonParser.parseString(Problem.toJson(analysis.problems()));
      JsonObject json = new JsonObject();
      json.addProperty("files", analysis.files());
      json.addProperty("objects", analysis.state().objects().size());
      json.add("problems", problems);
      terminal.out().println(json);
    } else {
      for (Problem problem : analysis.problems()) {
        terminal.out().println(problem.render());
      }
      terminal.out().println(summary(analysis));
    }
    return analysis.hasErrors() ? Main.FAILED : Main.OK;
  }

  private String summary(Analysis analysis) {
    long errors =
        analysis.problems().stream().filter(p -> p.severity() == Problem.Severity.ERROR).count();
    long warnings = analysis.problems().size() - errors;
    String found = errors + " errors, " + warnings + " warnings";
    return (errors > 0
            ? terminal.bad(found)
            : warnings > 0 ? terminal.warn(found) : terminal.good(found))
        + " in "
        + analysis.files()
        + " files with "
        + analysis.state().objects().size()
        + " good objects";
  }
}
