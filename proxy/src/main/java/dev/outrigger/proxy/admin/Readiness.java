package dev.outrigger.proxy.admin;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Whether this proxy is ready for traffic: every named condition holds. Safe for all threads; none
 * of them is a worker, so that the data path never meets it.
 */
public final class Readiness {
  private final AtomicReference<Map<String, String>> unmet;

  /**
   * @param waiting the conditions that do not hold yet, each with the reason that is shown
   */
  public Readiness(Map<String, String> waiting) {
    this.unmet = new AtomicReference<>(Map.copyOf(waiting));
  }

  /** This condition holds from now on. */
  public void met(String condition) {
    unmet.updateAndGet(
        before -> {
          SortedMap<String, String> after = new TreeMap<>(before);
          after.remove(condition);
          return Map.copyOf(after);
        });
  }

  /** This condition does not hold, or no longer. */
  public void unmet(String condition, String reason) {
    unmet.updateAndGet(
        before -> {
          SortedMap<String, String> after = new TreeMap<>(before);
          after.put(condition, reason);
          return Map.copyOf(after);
        });
  }

  /** Whether nothing is waited for. */
  public boolean ready() {
    return unmet.get().isEmpty();
  }

  /** What is waited for, with the reasons, by name. */
  public SortedMap<String, String> reasons() {
    return new TreeMap<>(unmet.get());
  }
}
