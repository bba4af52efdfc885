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
  /** The share that is hit may differ this much from what was asked for. */
  private static final double TOLERANCE = 0.5;

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
    double share = during.requests() == 0 ? 0 : (double) during.injected() / during.requests();
    if (share < percent / 100.0 * (1 - TOLERANCE) || share > percent / 100.0 * (1 + TOLERANCE)) {
      failures.add(
          "experiment, %s: %.0f%% of %d requests were hit; expected about %d%%"
              .formatted(hit, share * 100, during.requests(), percent));
    }
    if (during.failed() > 0) {
      failures.add(
          "experiment, %s: %d requests failed that no fault touched"
              .formatted(hit, during.failed()));
    }
    return new DemoVerdict(failures);
  }
}
