package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Place;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Counts, for each experiment, the exchanges on its edges that its faults touched and those that
 * they did not. Confined to its worker's event loop. Nothing is asked of it while no fault is held.
 *
 * <p>Of faults that act on connections or on the mesh it cannot be told which exchange met them, so
 * all on the edge count as affected.
 */
final class FaultMeter {
  /** The control plane names what is measured for a guard so, after the experiment. */
  private static final String GUARD = "guard.";

  private static final int MAX_SERVICES = 1000;

  private FaultPlan acting = FaultPlan.NONE;
  private FaultPlan observed = FaultPlan.NONE;
  private List<Series> series = List.of();
  private final List<FaultReading> closed = new ArrayList<>();
  private Map<String, Long> ejections = new HashMap<>();

  /** What belongs together. */
  private record Name(String experiment, String guard, boolean inbound) {}

  private static final class Series {
    private final Name name;
    private final Set<String> services = new HashSet<>();

    /** Those of faults that act on requests, which know what is called. */
    private final Set<String> calledServices = new HashSet<>();

    private boolean anyService;
    private boolean touchesAll = true;

    /** False while all faults rest, which is told by a chance of nothing. */
    private boolean mayTouch;

    private boolean observing = true;
    private Map<String, FaultReading> readings = new HashMap<>();

    /** What the last exchange asked for and where it went: the next one mostly does the same. */
    private @Nullable String lastCalled;

    private @Nullable String lastService;
    private @Nullable FaultReading last;

    Series(Name name) {
      this.name = name;
    }

    void add(FaultRule rule, boolean observed) {
      observing &= observed;
      Set<String> named = rule.match().destinationServices();
      anyService |= named.isEmpty();
      services.addAll(named);
      if (rule.place() != Place.CONNECTION) {
        calledServices.addAll(named);
      }
      if (isGuard(rule) || rule.chance().ppm() > 0) {
        mayTouch = true;
        touchesAll &= !(rule.fault() instanceof Fault.OnRequest);
      }
    }

    /** What it counts in; null where it is on none of the edges. */
    @SuppressWarnings("ReferenceEquality") // Another one that is equal costs nothing but time.
    @Nullable FaultReading of(@Nullable String called, String service) {
      if (service != lastService || called != lastCalled) {
        @Nullable String edge = edge(called, service);
        last = edge == null ? null : reading(edge);
        lastCalled = called;
        lastService = service;
      }
      return last;
    }

    /** The service under which it counts; null where it is on none of the edges. */
    private @Nullable String edge(@Nullable String called, String service) {
      if (called != null && (anyService || calledServices.contains(called))) {
        return called;
      }
      return anyService || services.contains(service) ? service : null;
    }

    /** What was counted; counting begins anew. */
    Collection<FaultReading> take() {
      Collection<FaultReading> taken = readings.values();
      readings = new HashMap<>();
      lastService = null;
      return taken;
    }

    private FaultReading reading(String service) {
      @Nullable FaultReading known = readings.get(service);
      if (known != null) {
        return known;
      }
      String bounded = readings.size() < MAX_SERVICES ? service : "";
      return readings.computeIfAbsent(
          bounded,
          one ->
              FaultReading.of(
                  new FaultReading.Edge(
                      name.experiment(), name.guard(), name.inbound(), one, observing)));
    }
  }

  /** Measures for these from now on; what was counted for others is dropped. */
  @SuppressWarnings(
      "ReferenceEquality") // Asked for each exchange; an equal plan costs nothing but time.
  void follow(FaultPlan nowActing, FaultPlan nowObserved) {
    if (nowActing == acting && nowObserved == observed) {
      return;
    }
    acting = nowActing;
    observed = nowObserved;
    Map<Name, Series> next = new LinkedHashMap<>();
    nowActing.rules().forEach(rule -> add(next, rule, false));
    nowObserved.rules().forEach(rule -> add(next, rule, true));
    for (Series old : series) {
      @Nullable Series same = next.get(old.name);
      if (same != null && same.observing == old.observing) {
        same.readings = old.readings;
      } else if (same != null) {
        // Before and after are told apart to the exchange.
        closed.addAll(old.readings.values());
      }
    }
    series = new ArrayList<>(next.values());
  }

  private static void add(Map<Name, Series> all, FaultRule rule, boolean observed) {
    String guard = isGuard(rule) ? rule.name().substring(GUARD.length()) : "";
    Name name = new Name(rule.experiment(), guard, rule.place() == Place.INBOUND);
    all.computeIfAbsent(name, Series::new).add(rule, observed);
  }

  /** Whether it is there so that a guard's service is measured, and is no fault. */
  static boolean isGuard(FaultRule rule) {
    return rule.name().startsWith(GUARD);
  }

  /**
   * An exchange is over.
   *
   * @param called the service that it asked for; null where that is not known
   * @param service that it was sent to; empty where it is not known
   * @param touched the experiments that touched it, or would have; null for none
   */
  void ended(
      boolean inbound,
      @Nullable String called,
      String service,
      Ended how,
      @Nullable List<String> touched) {
    for (int i = 0; i < series.size(); i++) {
      Series one = series.get(i);
      @Nullable FaultReading reading =
          one.name.inbound() == inbound ? one.of(called, service) : null;
      if (reading == null) {
        continue;
      }
      boolean affected =
          one.touchesAll && one.mayTouch
              || touched != null && touched.contains(one.name.experiment());
      (affected ? reading.affected() : reading.unaffected()).record(how);
    }
  }

  /**
   * How an exchange ended.
   *
   * @param retries attempts beyond the first
   * @param overflowed whether a circuit breaker refused it
   */
  record Ended(long nanos, boolean failed, int retries, boolean overflowed) {}

  /** Outlier detection took an endpoint out. */
  void ejected(String service) {
    if (!series.isEmpty() && (ejections.size() < MAX_SERVICES || ejections.containsKey(service))) {
      ejections.merge(service, 1L, Long::sum);
    }
  }

  /** What was ejected since the last call, by service. */
  Map<String, Long> takeEjections() {
    Map<String, Long> taken = ejections;
    ejections = new HashMap<>();
    return taken;
  }

  /** What was counted since the last call; it is the caller's from now on. */
  Map<FaultReading.Edge, FaultReading> take() {
    Map<FaultReading.Edge, FaultReading> taken = new HashMap<>();
    for (Series one : series) {
      one.take().forEach(reading -> taken.put(reading.edge(), reading));
    }
    closed.forEach(reading -> taken.merge(reading.edge(), reading, FaultReading::add));
    closed.clear();
    return taken;
  }
}
