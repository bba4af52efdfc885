package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.chaos.Coverage;
import java.time.Duration;
import java.util.List;

/** Tells which calls were tested, and what to test next. */
public final class CoverageRoutes {
  private static final String COVERAGE = "/api/v1/coverage";

  private final Coverage coverage;

  public CoverageRoutes(Coverage coverage) {
    this.coverage = coverage;
  }

  /** GET tells what is known; POST lets proxies see for some {@code seconds} who calls whom. */
  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get(COVERAGE, request -> ApiReply.json(coverage.toJson())),
        ApiRoute.post(
                COVERAGE,
                ExperimentRoutes.guarded(
                    request -> {
                      Duration length = PreviewRoutes.length(request);
                      if (length.isPositive()) {
                        coverage.look(length);
                      }
                      return ApiReply.json(coverage.toJson());
                    }))
            .needs(Role.OPERATOR));
  }
}
