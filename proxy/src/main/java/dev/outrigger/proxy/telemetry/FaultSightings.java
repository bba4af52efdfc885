package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultRule;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts what faults that only observe look at. Confined to its worker's event loop. Nothing is
 * asked of it while there is no such fault.
 */
final class FaultSightings {
  /** Beyond so many combinations, callers, services and routes are no longer told apart. */
  static final int MAX_KEYS = 2000;

  private Map<FaultSighting.Key, FaultSighting> counts = new HashMap<>();

  void count(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      @Nullable String route,
      ExchangeRecord.Sight sight) {
    if (FaultMeter.isGuard(rule)) {
      return;
    }
    FaultSighting.Key key =
        new FaultSighting.Key(
            rule.experiment(), rule.name(), known(service), known(source), known(route));
    counts.computeIfAbsent(bounded(counts, key), _ -> new FaultSighting()).count(sight);
  }

  /** Adds some to others, within the same bound. */
  static void add(
      Map<FaultSighting.Key, FaultSighting> to, FaultSighting.Key key, FaultSighting more) {
    to.merge(bounded(to, key), more, FaultSighting::add);
  }

  private static FaultSighting.Key bounded(
      Map<FaultSighting.Key, FaultSighting> counts, FaultSighting.Key key) {
    return counts.size() < MAX_KEYS || counts.containsKey(key)
        ? key
        : new FaultSighting.Key(key.experiment(), key.fault(), "", "", "");
  }

  private static String known(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** What was counted since the last call; it is the caller's from now on. */
  Map<FaultSighting.Key, FaultSighting> take() {
    Map<FaultSighting.Key, FaultSighting> taken = counts;
    counts = new HashMap<>();
    return taken;
  }
}
