package dev.outrigger.fault;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * How many each fault has hit that hits only the first few. One for all workers of a proxy, since
 * the first are the first of all; only faults that are so bounded ever ask it. Thread-safe.
 */
public final class FirstHits {
  private final Map<String, AtomicInteger> taken = new ConcurrentHashMap<>();

  /** With nothing counted. */
  public FirstHits() {}

  /** Takes one of the first; false if there are none left. */
  boolean take(FaultRule rule) {
    AtomicInteger count = taken.computeIfAbsent(rule.fullName(), _ -> new AtomicInteger());
    return count.get() < rule.first() && count.getAndIncrement() < rule.first();
  }

  /** Forgets faults that are over: should they come again, they count anew. */
  public void keep(FaultPlan plan) {
    Set<String> names =
        plan.rules().stream().map(FaultRule::fullName).collect(Collectors.toUnmodifiableSet());
    taken.keySet().retainAll(names);
  }
}
