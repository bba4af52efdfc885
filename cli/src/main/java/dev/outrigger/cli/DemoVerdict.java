package dev.outrigger.cli;

import dev.outrigger.cli.Edge.Figures;
import dev.outrigger.cli.Edge.Phase;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether the demo showed what it promises.
 *
 * @param failures each in one line; empty if all was as promised
 */
record DemoVerdict(List<String> failures) {
  /**
   * How many standard deviations the number of hits may be off. Each request is hit by chance: of
   * 61 at 30%, four deviations are 4 to 32, which a right proxy leaves once in 16,000 times.
   */
  private static final double DEVIATIONS = 4;

  DemoVerdict {
    failures = List.copyOf(failures);
  }

  boolean passed() {
    return failures.isEmpty();
  }

  /**
   * @param hit the edge that the experiment is about
   */
  static DemoVerdict of(List<Edge> edges, Edge hit, int percent) {
    List<String> failures = new ArrayList<>();
    for (Phase phase : List.of(Phase.WARM, Phase.RECOVERY)) {
      for (Edge edge : edges) {
        Figures figures = edge.figures(phase);
        if (figures.requests() == 0) {
          failures.add("%s, %s: there was no request".formatted(phase.label(), edge));
        } else if (figures.succeeded() < figures.requests() || figures.injected() > 0) {
          failures.add(
              "%s, %s: %d of %d failed, %d injected; expected none"
                  .formatted(
                      phase.label(),
                      edge,
                      figures.requests() - figures.succeeded(),
                      figures.requests(),
                      figures.injected()));
        }
      }
    }
    Figures during = hit.figures(Phase.EXPERIMENT);
    double wanted = during.requests() * percent / 100.0;
    double room = DEVIATIONS * Math.sqrt(wanted * (1 - percent / 100.0));
    if (during.injected() == 0 || Math.abs(during.injected() - wanted) > room) {
      failures.add(
          "experiment, %s: %d of %d requests were hit; expected about %d%%, here %.0f to %.0f"
              .formatted(
                  hit,
                  during.injected(),
                  during.requests(),
                  percent,
                  Math.max(1, Math.ceil(wanted - room)),
                  Math.floor(wanted + room)));
    }
    if (during.failed() > 0) {
      failures.add(
          "experiment, %s: %d requests failed that no fault touched"
              .formatted(hit, during.failed()));
    }
    return new DemoVerdict(failures);
  }
}
