package dev.outrigger.controlplane.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/**
 * How well a run was borne, 0 to 100. Pure.
 *
 * @param value empty where nothing could be measured
 * @param parts what it is made of; one that could not be measured is not among them
 */
record ResilienceScore(OptionalInt value, List<Part> parts) {
  /** As it is told to people, in reports and by {@code outrigger explain score}. */
  static final String FORMULA =
      "score = 100 * sum(weight * share) / sum(weight), over the parts that could be measured."
          + " guards, weight 60: of the guards that judged, the share that held."
          + " success, weight 30: 1 - (success before - success while faults acted) / 10 points,"
          + " from 0 to 1."
          + " speed, weight 10: p95 before / p95 while faults acted, at most 1."
          + " Success and speed are those of the services that guards watch, the worst of them;"
          + " without such a guard, of all traffic on the edges of the faults. Before is the"
          + " baseline; without one, the traffic on the same edges that no fault touched."
          + " A run that hit no request has no score.";

  static final int GUARDS = 60;
  static final int SUCCESS = 30;
  static final int SPEED = 10;

  /** With fewer requests on either side nothing is compared. */
  static final int LEAST = 10;

  private static final double POINTS = 10;

  ResilienceScore {
    parts = List.copyOf(parts);
  }

  /**
   * One part.
   *
   * @param share 0 to 1
   * @param text what was measured, in words
   */
  record Part(String name, int weight, double share, String text) {}

  static ResilienceScore of(ExperimentWatch watch) {
    if (watch.during().affected().requests() == 0) {
      return new ResilienceScore(OptionalInt.empty(), List.of());
    }
    List<Part> parts = new ArrayList<>();
    guards(watch.guards().stream().map(GuardWatch::state).toList(), parts);
    List<Pair> pairs = pairs(watch);
    if (!pairs.isEmpty()) {
      parts.add(worst("success", SUCCESS, pairs));
      parts.add(worst("speed", SPEED, pairs));
    }
    return of(parts);
  }

  static ResilienceScore of(List<Part> parts) {
    double sum = 0;
    int weights = 0;
    for (Part part : parts) {
      sum += part.weight() * part.share();
      weights += part.weight();
    }
    return new ResilienceScore(
        weights == 0 ? OptionalInt.empty() : OptionalInt.of((int) Math.round(100 * sum / weights)),
        parts);
  }

  static void guards(List<GuardWatch.State> states, List<Part> parts) {
    long judged = states.stream().filter(one -> one != GuardWatch.State.ABSTAINED).count();
    long held = states.stream().filter(one -> one == GuardWatch.State.HELD).count();
    if (judged > 0) {
      parts.add(
          new Part(
              "guards",
              GUARDS,
              (double) held / judged,
              "%d of %d guards that judged held".formatted(held, judged)));
    }
  }

  /** What is compared. */
  private record Pair(String where, Traffic before, Traffic during) {}

  private static List<Pair> pairs(ExperimentWatch watch) {
    List<Pair> pairs = new ArrayList<>();
    for (GuardWatch guard : watch.guards()) {
      ExperimentWatch.Watched at = watch.watched().get(guard.guard().name());
      if (at != null && guard.guard().service() != null) {
        pairs.add(new Pair(guard.guard().service().toString(), at.baseline(), at.during()));
      }
    }
    if (pairs.isEmpty()) {
      boolean baseline = watch.baseline().all().requests() >= LEAST;
      for (Map.Entry<String, ExperimentWatch.Edge> edge : watch.edges().entrySet()) {
        ExperimentWatch.Both during = edge.getValue().during();
        pairs.add(
            new Pair(
                edge.getKey(),
                baseline ? edge.getValue().baseline().all() : during.unaffected(),
                during.all()));
      }
    }
    return pairs.stream()
        .filter(one -> one.before().requests() >= LEAST && one.during().requests() >= LEAST)
        .toList();
  }

  private static Part worst(String name, int weight, List<Pair> pairs) {
    Part worst = null;
    for (Pair pair : pairs) {
      Part one =
          name.equals("success")
              ? success(weight, pair.where(), pair.before(), pair.during())
              : speed(weight, pair.where(), pair.before(), pair.during());
      worst = worst == null || one.share() < worst.share() ? one : worst;
    }
    if (worst == null) {
      throw new IllegalArgumentException("nothing to compare");
    }
    return worst;
  }

  static Part success(int weight, String where, Traffic before, Traffic during) {
    double lost = before.successPercent() - during.successPercent();
    return new Part(
        "success",
        weight,
        Math.clamp(1 - lost / POINTS, 0.0, 1.0),
        "%s: %s succeeded while faults acted, %s before"
            .formatted(
                where,
                GuardWatch.percent(during.successPercent()),
                GuardWatch.percent(before.successPercent())));
  }

  static Part speed(int weight, String where, Traffic before, Traffic during) {
    Duration then = before.quantile(0.95);
    Duration now = during.quantile(0.95);
    double share = now.isZero() ? 1 : (double) then.toNanos() / now.toNanos();
    return new Part(
        "speed",
        weight,
        Math.clamp(share, 0.0, 1.0),
        "%s: p95 %s while faults acted, %s before"
            .formatted(where, GuardWatch.millis(now), GuardWatch.millis(then)));
  }

  /** One line. */
  String text() {
    return value.isEmpty() ? "none" : String.format(Locale.ROOT, "%d of 100", value.getAsInt());
  }
}
