package dev.outrigger.proxy.bootstrap;

import static dev.outrigger.proxy.fuzz.Oracle.check;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Configuration files: accepted, or refused at a place in the text. */
public final class BootstrapFuzz {
  private BootstrapFuzz() {}

  /** The input is a file. */
  public static void fuzzerTestOneInput(byte[] input) throws UsageException {
    String text = new String(input, StandardCharsets.UTF_8);
    if (text.isBlank()) {
      return;
    }
    ProxyOptions options = ProxyOptions.parse(List.of("--config-yaml=" + text), Map.of());
    try {
      LoadedBootstrap _ = BootstrapLoader.load(options);
    } catch (BadConfigException e) {
      check(!e.problems().isEmpty(), "refused without a reason");
      long lines = text.lines().count() + 1;
      for (ConfigProblem problem : e.problems()) {
        check(!problem.message().isBlank(), "a problem says nothing");
        check(problem.line() >= 0 && problem.line() <= lines, "a problem is beyond: " + problem);
      }
    }
  }
}
