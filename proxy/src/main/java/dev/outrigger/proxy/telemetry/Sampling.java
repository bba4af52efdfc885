package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.telemetry.TraceContext.Decision;
import java.util.Map;

/**
 * Which traces are recorded: as the configuration says, or as {@code OTEL_TRACES_SAMPLER} says,
 * which wins.
 *
 * @param ratio 0 to 1, for the two that take one
 */
record Sampling(Rule rule, double ratio) {
  static final Sampling CONFIGURED = new Sampling(Rule.CONFIGURED, 1);

  enum Rule {
    /** A caller's decision is kept; a trace begun here is sampled by the configured share. */
    CONFIGURED,
    PARENT_OR_ON,
    PARENT_OR_OFF,
    PARENT_OR_RATIO,
    ON,
    OFF,
    RATIO
  }

  /**
   * Reads {@code OTEL_TRACES_SAMPLER} and {@code OTEL_TRACES_SAMPLER_ARG}.
   *
   * @throws IllegalArgumentException if the environment asks for what there is not
   */
  static Sampling of(Map<String, String> environment) {
    String name = environment.getOrDefault("OTEL_TRACES_SAMPLER", "");
    return switch (name) {
      case "" -> CONFIGURED;
      case "parentbased_always_on" -> new Sampling(Rule.PARENT_OR_ON, 1);
      case "parentbased_always_off" -> new Sampling(Rule.PARENT_OR_OFF, 0);
      case "parentbased_traceidratio" -> new Sampling(Rule.PARENT_OR_RATIO, ratio(environment));
      case "always_on" -> new Sampling(Rule.ON, 1);
      case "always_off" -> new Sampling(Rule.OFF, 0);
      case "traceidratio" -> new Sampling(Rule.RATIO, ratio(environment));
      default ->
          throw new IllegalArgumentException(
              "OTEL_TRACES_SAMPLER: unknown sampler '"
                  + name
                  + "'; known: always_on, always_off, traceidratio, parentbased_always_on,"
                  + " parentbased_always_off, parentbased_traceidratio");
    };
  }

  boolean decide(Decision caller, long traceLow, double configuredPercent) {
    return switch (rule) {
      case ON -> true;
      case OFF -> false;
      case RATIO -> within(traceLow, ratio);
      case PARENT_OR_ON -> parentOr(caller, true);
      case PARENT_OR_OFF -> parentOr(caller, false);
      case PARENT_OR_RATIO -> parentOr(caller, within(traceLow, ratio));
      case CONFIGURED -> parentOr(caller, within(traceLow, configuredPercent / 100));
    };
  }

  private static boolean parentOr(Decision caller, boolean otherwise) {
    return switch (caller) {
      case SAMPLED -> true;
      case NOT_SAMPLED -> false;
      case DEFERRED -> otherwise;
    };
  }

  // The same share of the same ids as OpenTelemetry's TraceIdRatioBased takes.
  private static boolean within(long traceLow, double share) {
    return share >= 1
        || (share > 0 && (traceLow & Long.MAX_VALUE) < (long) (share * Long.MAX_VALUE));
  }

  private static double ratio(Map<String, String> environment) {
    String text = environment.getOrDefault("OTEL_TRACES_SAMPLER_ARG", "1");
    try {
      double ratio = Double.parseDouble(text);
      if (ratio >= 0 && ratio <= 1) {
        return ratio;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, found '" + text + "'", e);
    }
    throw new IllegalArgumentException(
        "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, found '" + text + "'");
  }
}
