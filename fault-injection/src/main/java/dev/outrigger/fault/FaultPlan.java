package dev.outrigger.fault;

import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All faults that a proxy honours at one moment. Immutable. At a place they stand in the order in
 * which they act: changes, delays, then aborts, then resets; within a kind by name.
 */
public final class FaultPlan {
  private static final Comparator<FaultRule> ORDER =
      Comparator.<FaultRule>comparingInt(rule -> rank(rule.fault()))
          .thenComparing(FaultRule::fullName);

  /** Nothing goes wrong. */
  public static final FaultPlan NONE = new FaultPlan(List.of());

  private final List<FaultRule> rules;

  private final Set<String> names;
  private final Map<Place, Index> byPlace = new EnumMap<>(Place.class);
  private final Map<Place, List<FaultDecider>> handshakes = new EnumMap<>(Place.class);

  private FaultPlan(List<FaultRule> rules) {
    this.rules = rules;
    this.names = rules.stream().map(FaultRule::fullName).collect(Collectors.toUnmodifiableSet());
    for (Place place : Place.values()) {
      byPlace.put(
          place,
          Index.of(
              rules.stream()
                  .filter(rule -> rule.place() == place)
                  .filter(rule -> !(rule.fault() instanceof HandshakeFault))
                  .map(FaultDecider::new)
                  .toList()));
      handshakes.put(
          place,
          rules.stream()
              .filter(rule -> rule.place() == place && rule.fault() instanceof HandshakeFault)
              .map(FaultDecider::new)
              .toList());
    }
  }

  public static FaultPlan of(Collection<FaultRule> rules) {
    return rules.isEmpty() ? NONE : new FaultPlan(rules.stream().sorted(ORDER).toList());
  }

  /** Whether there is no fault anywhere: the one question asked while nothing goes wrong. */
  public boolean isEmpty() {
    return rules.isEmpty();
  }

  /** Whether a fault of that name is among them, be it with other settings. */
  public boolean holds(FaultRule rule) {
    return names.contains(rule.fullName());
  }

  /** In the order in which they act. */
  public List<FaultRule> rules() {
    return rules;
  }

  /**
   * The faults at a place that may concern what goes to a service, in order; no others can match.
   * Those of handshakes are not among them.
   *
   * @param called as {@code name.namespace}; null where it is not known
   * @param destination where its route sends it, likewise
   */
  public List<FaultDecider> at(Place place, @Nullable String called, @Nullable String destination) {
    return Objects.requireNonNull(byPlace.get(place)).of(called, destination);
  }

  /** The faults of handshakes at a place, in order. */
  public List<FaultDecider> handshakesAt(Place place) {
    return Objects.requireNonNull(handshakes.get(place));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FaultPlan plan && plan.rules.equals(rules);
  }

  @Override
  public int hashCode() {
    return rules.hashCode();
  }

  @Override
  public String toString() {
    return "FaultPlan" + rules.stream().map(FaultRule::fullName).toList();
  }

  private static int rank(Fault fault) {
    return switch (fault) {
      case Fault.Rewrite _ -> 0;
      case Fault.Throttle _ -> 1;
      case Fault.Delay _ -> 2;
      case Fault.Abort _ -> 3;
      case Fault.Reset _ -> 4;
      // What looks at sizes comes before what changes them, and waits before what cuts.
      case Fault.Refuse _ -> 10;
      case Fault.ResetPeer _ -> 11;
      case Fault.Limit _ -> 12;
      case Fault.Stall _ -> 13;
      case Fault.Partition _ -> 14;
      case Fault.Latency _ -> 15;
      case Fault.SlowClose _ -> 16;
      case Fault.Bandwidth _ -> 17;
      case Fault.Slicer _ -> 18;
      case HandshakeFault.Certificate _ -> 20;
      case HandshakeFault.Upset _ -> 21;
      case MeshFault _ -> 30;
    };
  }

  /** Finds without a list made for each request. Safe for all threads. */
  private static final class Index {
    private final List<FaultDecider> all;

    /** Those that name no service. */
    private final List<FaultDecider> anywhere;

    /** Those for each service that some fault names, where no other that is named is concerned. */
    private final Map<String, List<FaultDecider>> byService = new HashMap<>();

    /** Those for two that are named, found once: few of all pairs are ever on a way. */
    private final Map<String, Map<String, List<FaultDecider>>> byBoth = new ConcurrentHashMap<>();

    private Index(List<FaultDecider> all) {
      this.all = all;
      this.anywhere = concerning(null, null);
    }

    static Index of(List<FaultDecider> deciders) {
      Index index = new Index(deciders);
      Set<String> services = new TreeSet<>();
      for (FaultDecider decider : deciders) {
        services.addAll(decider.rule().match().destinationServices());
        services.addAll(decider.rule().match().sparedServices());
      }
      services.forEach(one -> index.byService.put(one, index.concerning(one, one)));
      return index;
    }

    List<FaultDecider> of(@Nullable String called, @Nullable String destination) {
      List<FaultDecider> ofCalled = called == null ? null : byService.get(called);
      if (called != null && called.equals(destination)) {
        return ofCalled == null ? anywhere : ofCalled;
      }
      List<FaultDecider> ofDestination = destination == null ? null : byService.get(destination);
      if (ofCalled == null || ofDestination == null) {
        return ofCalled != null ? ofCalled : ofDestination != null ? ofDestination : anywhere;
      }
      return ofBoth(Objects.requireNonNull(called), Objects.requireNonNull(destination));
    }

    private List<FaultDecider> ofBoth(String called, String destination) {
      Map<String, List<FaultDecider>> known = byBoth.get(called);
      List<FaultDecider> both = known == null ? null : known.get(destination);
      return both != null
          ? both
          : byBoth
              .computeIfAbsent(called, _ -> new ConcurrentHashMap<>())
              .computeIfAbsent(destination, _ -> concerning(called, destination));
    }

    private List<FaultDecider> concerning(@Nullable String called, @Nullable String destination) {
      return all.stream()
          .filter(decider -> decider.rule().match().meansService(called, destination))
          .toList();
    }
  }
}
