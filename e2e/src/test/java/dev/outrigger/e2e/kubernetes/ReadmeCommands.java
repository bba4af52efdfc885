package dev.outrigger.e2e.kubernetes;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The commands of the README's section on Kubernetes, as they stand there. */
final class ReadmeCommands {
  private static final Pattern SECTION = Pattern.compile("(?ms)^## On Kubernetes$(.*?)(?=^## )");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```\\n(.*?)^```$");

  private ReadmeCommands() {}

  /** All blocks in their order, a command a line. */
  static List<List<String>> blocks() throws IOException {
    String readme = Files.readString(Path.of(System.getProperty("outrigger.home"), "README.md"));
    Matcher section = SECTION.matcher(readme);
    if (!section.find()) {
      throw new AssertionError("the README has no section `On Kubernetes`");
    }
    List<List<String>> blocks = new ArrayList<>();
    Matcher block = BLOCK.matcher(section.group(1));
    while (block.find()) {
      blocks.add(
          block
              .group(1)
              .lines()
              .map(line -> line.replaceFirst("\\s+#.*", "").strip())
              .filter(line -> !line.isEmpty())
              .toList());
    }
    return blocks;
  }

  /** The block that has a command which begins so. */
  static List<String> block(String beginning) throws IOException {
    return blocks().stream()
        .filter(block -> block.stream().anyMatch(line -> line.startsWith(beginning)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("the README has no `" + beginning + "`"));
  }
}
