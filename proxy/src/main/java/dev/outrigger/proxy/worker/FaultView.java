package dev.outrigger.proxy.worker;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FirstHits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The faults that one worker currently honours. Confined to its worker's event loop: read as a
 * plain field, replaced by a task on the loop.
 */
@WorkerConfined
public final class FaultView {
  private final Worker worker;
  private final List<Consumer<FaultPlan>> watchers = new ArrayList<>();
  private final List<Consumer<FaultPlan>> observers = new ArrayList<>();
  private final int workers;
  private final FirstHits firsts;
  private FaultPlan current = FaultPlan.NONE;
  private FaultPlan observed = FaultPlan.NONE;

  /**
   * Without any fault.
   *
   * @param workers how many there are in this proxy
   */
  public FaultView(Worker worker, int workers) {
    this(worker, workers, new FirstHits());
  }

  /** The same, with a count that all workers share. */
  FaultView(Worker worker, int workers, FirstHits firsts) {
    this.worker = worker;
    this.workers = workers;
    this.firsts = firsts;
  }

  /** A ledger of this worker's share of the limits. */
  public ActiveFaults newActiveFaults() {
    return new ActiveFaults(worker.index(), workers, firsts);
  }

  /** What new exchanges, attempts and connections meet. */
  public FaultPlan current() {
    assert worker.isCurrent();
    return current;
  }

  /** What is rolled and measured, without anything being done. */
  public FaultPlan observed() {
    assert worker.isCurrent();
    return observed;
  }

  /** Observes this from now on. */
  public void observe(FaultPlan next) {
    assert worker.isCurrent();
    observed = next;
    for (Consumer<FaultPlan> watcher : observers) {
      watcher.accept(next);
    }
  }

  /** Calls the watcher after each change of what is observed. */
  public void watchObserved(Consumer<FaultPlan> watcher) {
    assert worker.isCurrent();
    observers.add(watcher);
  }

  /** Calls the watcher after each replacement; what it does not see is what is there now. */
  public void watch(Consumer<FaultPlan> watcher) {
    assert worker.isCurrent();
    watchers.add(watcher);
  }

  /** Goes by this plan from now on. */
  public void replace(FaultPlan next) {
    assert worker.isCurrent();
    current = next;
    for (Consumer<FaultPlan> watcher : watchers) {
      watcher.accept(next);
    }
  }
}
