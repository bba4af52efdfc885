package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Experiment;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How a control plane stands to its other replicas: whether it leads, and which halts were ordered
 * at any of them. Not thread-safe.
 */
final class Following {
  private static final int MAX_OBEYED = 1000;
  private static final int MAX_OWN = 100;

  private Replicas replicas = Replicas.NONE;

  /** Whether this one has taken over what the leader before left. */
  private boolean tookOver = true;

  private List<HaltOrder> orders = List.of();
  private final Deque<HaltOrder> own = new ArrayDeque<>();
  private final Set<String> obeyed = new LinkedHashSet<>();
  private String look = "";

  void begin(Replicas others) {
    replicas = others;
    tookOver = false;
  }

  /** Whether this one starts, ends and writes. */
  boolean acts() {
    return tookOver && replicas.leads();
  }

  boolean isLed() {
    return replicas.isLed();
  }

  Replicas replicas() {
    return replicas;
  }

  void takeOver() {
    tookOver = true;
  }

  /** Whether it did lead. */
  boolean resign() {
    boolean led = tookOver;
    tookOver = false;
    return led;
  }

  /** Those that all replicas know of. */
  void orders(List<HaltOrder> all) {
    orders = List.copyOf(all);
  }

  /** One that the others may not know of yet. */
  void order(HaltOrder order) {
    own.add(order);
    if (own.size() > MAX_OWN) {
      own.removeFirst();
    }
  }

  /** Those that were not taken yet. */
  List<HaltOrder> toObey() {
    List<HaltOrder> fresh = new ArrayList<>();
    for (HaltOrder order : orders) {
      if (obeyed.add(order.id())) {
        fresh.add(order);
      }
    }
    while (obeyed.size() > MAX_OBEYED) {
      obeyed.remove(obeyed.iterator().next());
    }
    return fresh;
  }

  /**
   * Whether proxies of a follower get the faults of a run: one that its leader wrote, of the same
   * text, that nobody ordered to halt since it began.
   */
  boolean follows(Experiment experiment, ExperimentRun run) {
    Instant started = run.times().started() == null ? run.at() : run.times().started();
    return run.fingerprint().equals(ExperimentTexts.fingerprint(experiment))
        && Stream.concat(orders.stream(), own.stream())
            .noneMatch(order -> order.covers(run.experiment()) && !order.at().isBefore(started));
  }

  /** Whether what a follower gives its proxies is other than when this was last asked. */
  boolean moved(String now) {
    boolean moved = !now.equals(look);
    look = now;
    return moved;
  }

  /**
   * Lets pass what only the one that leads may do.
   *
   * @throws RefusedException if another one does
   */
  void requireLead() {
    if (!acts()) {
      String leader = replicas.leader();
      throw new RefusedException(
          Refusal.FOLLOWS,
          leader.isEmpty()
              ? "no replica of the control plane leads now; try again in a moment"
              : "another replica of the control plane leads; ask " + leader);
    }
  }
}
