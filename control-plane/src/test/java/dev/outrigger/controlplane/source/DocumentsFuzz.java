package dev.outrigger.controlplane.source;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import java.nio.charset.StandardCharsets;

/** What people write: each document counts, or is refused at a place in the text. */
public final class DocumentsFuzz {
  private DocumentsFuzz() {}

  /** The input is a file. */
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    Analysis analysis = Analysis.ofText("mesh.yaml", text);
    long lines = text.lines().count() + 1;
    for (Problem problem : analysis.problems()) {
      check(problem.line() >= 1 && problem.line() <= lines, "a problem is beyond: " + problem);
      check(!problem.message().isBlank(), "a problem says nothing");
    }
    Analysis again = Analysis.ofText("mesh.yaml", text);
    same(analysis.problems(), again.problems(), "the same text is judged in two ways");
    same(analysis.state(), again.state(), "the same text is read in two ways");
  }
}
