package dev.outrigger.proxy.bootstrap;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that is refused, with everything that is wrong in it. */
public final class BadConfigException extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 20;

  private final transient List<ConfigProblem> problems;

  BadConfigException(List<ConfigProblem> problems) {
    super(text(problems));
    this.problems = List.copyOf(problems);
  }

  private static String text(List<ConfigProblem> problems) {
    String shown =
        problems.stream()
            .limit(SHOWN)
            .map(ConfigProblem::toString)
            .collect(Collectors.joining("\n"));
    return problems.size() <= SHOWN
        ? shown
        : shown + "\nand " + (problems.size() - SHOWN) + " more";
  }

  /** In the order of the file; not empty. */
  public List<ConfigProblem> problems() {
    return problems;
  }
}
