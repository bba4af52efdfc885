package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.FolderReading.Content;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What files say and what is wrong with them, read once.
 *
 * @param state of all that is right
 * @param problems by file and line
 * @param files how many were read
 */
public record Analysis(DesiredState state, List<Problem> problems, int files) {
  public Analysis {
    problems = List.copyOf(problems);
  }

  /** Reads files, and folders with all below them. Never throws for what is in them. */
  public static Analysis of(List<Path> paths) {
    YamlFiles found = YamlFiles.under(paths);
    SortedMap<String, Content> contents = new TreeMap<>();
    found.files().forEach((name, path) -> contents.put(name, YamlFiles.read(path)));
    FolderReading reading = FolderReading.empty().next(contents, found.problems());
    return new Analysis(reading.state(), reading.problems(), contents.size());
  }

  /** Reads one text, such as standard input. */
  public static Analysis ofText(String name, String text) {
    SortedMap<String, Content> contents = new TreeMap<>();
    contents.put(name, new Content.Text(text));
    FolderReading reading = FolderReading.empty().next(contents, List.of());
    return new Analysis(reading.state(), reading.problems(), 1);
  }

  /** The YAML documents of a text, each as a text of its own; blank ones are left out. */
  public static List<String> documents(String text) {
    return DocumentDecoder.split(text);
  }

  public boolean hasErrors() {
    return problems.stream().anyMatch(p -> p.severity() == Problem.Severity.ERROR);
  }
}
