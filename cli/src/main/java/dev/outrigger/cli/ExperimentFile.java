package dev.outrigger.cli;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.source.Analysis;
import dev.outrigger.controlplane.source.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What stands for an experiment on the command line: its name, or a file with some. */
final class ExperimentFile {
  private ExperimentFile() {}

  /**
   * The experiments that are meant; those of a file are submitted.
   *
   * @param what a name or a file
   * @param body who asks
   */
  static List<String> keys(String what, MeshApi mesh, JsonObject body, Terminal terminal)
      throws CommandFailedException {
    List<String> keys = new ArrayList<>();
    for (String document : documents(what, terminal)) {
      JsonObject submitted = body.deepCopy();
      submitted.addProperty("document", document);
      keys.add(ExperimentCommand.text(mesh.submit(submitted), "experiment"));
    }
    if (keys.isEmpty()) {
      keys.add(ExperimentCommand.key(what));
    }
    return keys;
  }

  /** The documents of a file that has to be one. */
  static List<String> required(String file, Terminal terminal) throws CommandFailedException {
    List<String> documents = documents(file, terminal);
    if (documents.isEmpty()) {
      throw new CommandFailedException("there is no file " + file, "");
    }
    return documents;
  }

  /** Those of the file; none where it is a name. */
  private static List<String> documents(String what, Terminal terminal)
      throws CommandFailedException {
    Path file = Path.of(what);
    if (!Files.isRegularFile(file)) {
      if (what.endsWith(".yaml") || what.endsWith(".yml")) {
        throw new CommandFailedException("there is no file " + what, "");
      }
      return List.of();
    }
    Analysis analysis = Analysis.of(List.of(file));
    if (analysis.hasErrors()) {
      analysis.problems().stream()
          .filter(problem -> problem.severity() == Problem.Severity.ERROR)
          .forEach(problem -> terminal.err().println(problem.render()));
      throw new CommandFailedException(file + " has errors", "");
    }
    List<String> found = new ArrayList<>();
    try {
      for (String document : Analysis.documents(Files.readString(file))) {
        if (!Analysis.ofText(what, document).state().experiments().isEmpty()) {
          found.add(document);
        }
      }
    } catch (IOException e) {
      throw new CommandFailedException(file + " cannot be read: " + e.getMessage(), "", e);
    }
    if (found.isEmpty()) {
      throw new CommandFailedException("there is no Experiment in " + file, "");
    }
    return found;
  }
}
