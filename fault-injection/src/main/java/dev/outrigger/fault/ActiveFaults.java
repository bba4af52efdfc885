package dev.outrigger.fault;

import java.util.HashMap;
import java.util.Map;

/**
 * How many exchanges or connections each fault holds at this moment. Confined to one thread. A slot
 * is given back when the wait ends, not when the exchange does.
 */
public final class ActiveFaults {
  private final Map<String, Integer> active = new HashMap<>();

  /** Nothing is held. */
  public ActiveFaults() {}

  /** Takes a slot; false leaves the exchange alone because {@code maxActive} are taken. */
  public boolean enter(FaultRule rule) {
    int now = active(rule);
    if (rule.maxActive() > 0 && now >= rule.maxActive()) {
      return false;
    }
    active.put(rule.fullName(), now + 1);
    return true;
  }

  /** Gives the slot back; once for each {@link #enter} that was granted. */
  public void leave(FaultRule rule) {
    active.computeIfPresent(rule.fullName(), (_, count) -> count > 1 ? count - 1 : null);
  }

  public int active(FaultRule rule) {
    return active.getOrDefault(rule.fullName(), 0);
  }
}
