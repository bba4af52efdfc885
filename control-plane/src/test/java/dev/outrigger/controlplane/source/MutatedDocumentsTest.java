package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever is done to a document, it is accepted or refused at a place, and nothing else. */
final class MutatedDocumentsTest {
  private static final String SPICE = "{}[]:,-&*!|>'\"%@`#\n\t 0a\u00e9\u0000\ud83d~?<";
  private static final int ROUNDS = 20_000;

  @Test
  void changedTextIsAcceptedOrRefused() {
    List<String> seeds =
        BadDocumentsTest.documents().map(bad -> bad.yaml().replace("@@", "")).toList();
    SplittableRandom random = new SplittableRandom(13);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      String text = changed(seeds.get(random.nextInt(seeds.size())), random);
      Analysis analysis;
      try {
        analysis = Analysis.ofText("mesh.yaml", text);
      } catch (RuntimeException | Error e) {
        throw new AssertionError("neither accepted nor refused:\n" + text, e);
      }
      long lines = text.lines().count() + 1;
      for (Problem problem : analysis.problems()) {
        assertThat((long) problem.line()).as(text).isBetween(1L, Math.max(1, lines));
        assertThat(problem.message()).as(text).isNotBlank();
      }
      refused += analysis.problems().isEmpty() ? 0 : 1;
    }
    assertThat(refused).isBetween(ROUNDS / 4, ROUNDS);
  }

  private static String changed(String text, SplittableRandom random) {
    StringBuilder changed = new StringBuilder(text);
    for (int change = random.nextInt(3); change >= 0 && !changed.isEmpty(); change--) {
      int at = random.nextInt(changed.length());
      switch (random.nextInt(5)) {
        case 0 -> changed.setLength(at);
        case 1 -> changed.deleteCharAt(at);
        case 2 -> changed.setCharAt(at, SPICE.charAt(random.nextInt(SPICE.length())));
        case 3 -> changed.insert(at, SPICE.charAt(random.nextInt(SPICE.length())));
        default -> {
          int end = Math.min(changed.length(), at + 1 + random.nextInt(60));
          changed.insert(random.nextInt(changed.length()), changed.substring(at, end));
        }
      }
    }
    return changed.toString();
  }
}
