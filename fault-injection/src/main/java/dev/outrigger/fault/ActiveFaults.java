package dev.outrigger.fault;

import java.util.HashMap;
import java.util.Map;

/**
 * How many exchanges or connections each fault holds at this moment. Confined to one thread. A slot
 * is given back when the wait ends, not when the exchange does.
 */
public final class ActiveFaults {
  private final Map<String, Integer> active = new HashMap<>();

  private final int index;
  private final int sharers;
  private final FirstHits firsts;

  /** Has every limit for itself. */
  public ActiveFaults() {
    this(0, 1, new FirstHits());
  }

  /**
   * Has a share of every limit, so that all sharers together keep to it. Where a limit is smaller
   * than their number some have none of it.
   *
   * @param index from 0, below {@code sharers}
   * @param sharers how many there are
   * @param firsts shared by all of them
   */
  public ActiveFaults(int index, int sharers, FirstHits firsts) {
    this.index = index;
    this.sharers = sharers;
    this.firsts = firsts;
  }

  /**
   * Takes a slot; false leaves the exchange alone because {@code maxActive} are taken or the first
   * have been hit.
   */
  public boolean enter(FaultRule rule) {
    int now = active(rule);
    if (rule.maxActive() > 0 && now >= share(rule.maxActive())) {
      return false;
    }
    if (rule.first() > 0 && !firsts.take(rule)) {
      return false;
    }
    active.put(rule.fullName(), now + 1);
    return true;
  }

  /** Gives the slot back; once for each {@link #enter} that was granted. */
  public void leave(FaultRule rule) {
    active.computeIfPresent(rule.fullName(), (_, count) -> count > 1 ? count - 1 : null);
  }

  /** How many a fault holds here. */
  public int active(FaultRule rule) {
    return active.getOrDefault(rule.fullName(), 0);
  }

  private int share(int limit) {
    return limit / sharers + (index < limit % sharers ? 1 : 0);
  }
}
