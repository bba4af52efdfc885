package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.ChaosLimits;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ServiceName;
import java.util.Locale;

/**
 * The smallest experiment that says something of an edge: one fault, one guard, as few requests as
 * can be judged. Pure.
 *
 * @param why it is proposed, and why so large
 * @param document YAML, ready to run
 */
record Suggestion(CallEdge edge, String why, String document) {
  /** Requests that are hit: enough to judge, and no more. */
  private static final int HITS = 30;

  private static final int SECONDS = 60;
  private static final int MAX_SECONDS = 600;
  private static final double[] PERCENT = {1, 2, 5, 10, 20, 50, 100};
  private static final int LEAST_MILLIS = 100;
  private static final int MOST_MILLIS = 2000;
  private static final int STEP_MILLIS = 50;

  static Suggestion of(CallEdge edge, CallGraph.Seen seen, ChaosLimits limits) {
    double most = limits.maxRequestPpm() / 10_000.0;
    boolean http = place(seen) == Experiment.Place.ATTEMPT;
    double percent = http ? percent(seen.perSecond(), most) : most;
    int seconds = http ? seconds(seen.perSecond(), percent) : SECONDS;
    int millis = millis(seen.p99Millis());
    boolean identity = edge.from().startsWith("spiffe://");
    String namespace =
        identity ? ServiceName.parse(edge.to(), "default").namespace() : namespace(edge.from());
    String document =
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: %s, namespace: %s}
        spec:
          hypothesis: %s goes on working while %s takes %d ms longer
          owner: %s
          duration: %ds
          lease: 10s
          baseline: 10s
          faults:
          - name: slow
            where: %s
            %s
            percentage: %s%%
            match:
              source: {%s: ['%s']}
              destination: {services: [%s]}
          guards:
          - name: answers
        %s    successRate: {min: 99%%}
            window: 10s
        """
            .formatted(
                name(edge),
                namespace,
                plain(edge.from()),
                plain(edge.to()),
                millis,
                namespace,
                seconds,
                http ? "attempt" : "connection",
                http
                    ? "delay: {fixed: %dms}".formatted(millis)
                    : "latency: {latency: %dms}".formatted(millis),
                number(percent),
                identity ? "identities" : "services",
                edge.from(),
                edge.to(),
                identity || !http ? "" : "    service: " + edge.from() + "\n");
    return new Suggestion(edge, why(edge, seen, percent, seconds, millis), document);
  }

  /** Where its fault acts. */
  static Experiment.Place place(CallGraph.Seen seen) {
    return seen.perSecond() > 0 ? Experiment.Place.ATTEMPT : Experiment.Place.CONNECTION;
  }

  private static String why(
      CallEdge edge, CallGraph.Seen seen, double percent, int seconds, int millis) {
    if (seen.perSecond() == 0) {
      return "%s was never tested; it carries %d connections that are no HTTP"
          .formatted(edge.text(), seen.connections());
    }
    return String.format(
        Locale.ROOT,
        "%s was never tested; at %.1f requests/s, %s%% for %d s hit about %d, and %d ms is"
            + " %s its p99 of %.0f ms",
        edge.text(),
        seen.perSecond(),
        number(percent),
        seconds,
        Math.round(seen.perSecond() * seconds * percent / 100),
        millis,
        millis == LEAST_MILLIS ? "well above" : millis == MOST_MILLIS ? "near" : "twice",
        seen.p99Millis());
  }

  /** The smallest share by which enough are hit within a minute. */
  private static double percent(double perSecond, double most) {
    for (double percent : PERCENT) {
      if (percent >= most || perSecond * SECONDS * percent / 100 >= HITS) {
        return Math.min(percent, most);
      }
    }
    return most;
  }

  private static int seconds(double perSecond, double percent) {
    double needed = HITS / (perSecond * percent / 100);
    return (int) Math.clamp(Math.ceil(needed / 10) * 10, SECONDS, MAX_SECONDS);
  }

  private static int millis(double p99Millis) {
    double twice = Math.ceil(2 * p99Millis / STEP_MILLIS) * STEP_MILLIS;
    return (int) Math.clamp(twice, LEAST_MILLIS, MOST_MILLIS);
  }

  private static String namespace(String service) {
    return ServiceName.parse(service, "default").namespace();
  }

  private static String plain(String name) {
    int slash = name.lastIndexOf('/');
    int dot = name.indexOf('.');
    return name.startsWith("spiffe://")
        ? name.substring(slash + 1)
        : dot < 0 ? name : name.substring(0, dot);
  }

  /** A DNS label, the same each time it is proposed. */
  private static String name(CallEdge edge) {
    String name = "slow-" + plain(edge.to()) + "-for-" + plain(edge.from());
    String label = name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9-]", "-");
    return label.length() <= 63 ? label : label.substring(0, 63).replaceAll("-+$", "");
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "");
  }
}
