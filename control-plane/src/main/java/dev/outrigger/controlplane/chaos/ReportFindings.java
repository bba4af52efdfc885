package dev.outrigger.controlplane.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What stands out in what was measured of a run, in words. Pure. */
final class ReportFindings {
  /** Fewer are no finding. */
  private static final double RETRIES = 0.05;

  /** From here on retries are what breaks things. */
  private static final double STORM = 1;

  private static final double POINTS = 1;

  private ReportFindings() {}

  static List<String> of(ExperimentWatch watch) {
    List<String> findings = new ArrayList<>();
    for (ExperimentWatch.Edge edge : watch.edges().values()) {
      Traffic before = edge.baseline().all();
      Traffic during = edge.during().all();
      retries(edge, before, during, findings);
      if (during.overflows() > before.overflows()) {
        findings.add(
            "circuit breakers refused %d of %d requests on %s, and %s"
                .formatted(
                    during.overflows(),
                    during.requests(),
                    edge.text(),
                    before(before, Long.toString(before.overflows()))));
      }
    }
    watch
        .ejections()
        .forEach(
            (service, counts) -> {
              if (counts[1] > 0) {
                findings.add(
                    "outlier detection took endpoints of %s out %d times, and %d times before"
                        .formatted(service.isEmpty() ? "unknown" : service, counts[1], counts[0]));
              }
            });
    unaffected(watch, findings);
    return findings;
  }

  private static void retries(
      ExperimentWatch.Edge edge, Traffic before, Traffic during, List<String> findings) {
    double now = during.retriesPerRequest();
    double then = before.retriesPerRequest();
    if (now < RETRIES || now < 2 * then) {
      return;
    }
    findings.add(
        (now >= STORM ? "a retry storm: " : "")
            + "%s retries per request on %s while faults acted, and %s"
                .formatted(number(now), edge.text(), before(before, number(then)))
            + (now >= STORM
                ? "; %s got %s times its load".formatted(edge.service(), number(1 + now))
                : ""));
  }

  private static void unaffected(ExperimentWatch watch, List<String> findings) {
    Traffic spared = watch.during().unaffected();
    Traffic before = watch.baseline().all();
    if (spared.requests() >= ResilienceScore.LEAST
        && before.requests() >= ResilienceScore.LEAST
        && before.successPercent() - spared.successPercent() > POINTS) {
      findings.add(
          "requests that no fault touched suffered too: %s of them succeeded, and %s before"
              .formatted(
                  GuardWatch.percent(spared.successPercent()),
                  GuardWatch.percent(before.successPercent())));
    }
  }

  private static String before(Traffic before, String value) {
    return before.requests() == 0 ? "before was not measured" : value + " before";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
