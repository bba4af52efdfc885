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
  private long until = Long.MAX_VALUE;
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

  /**
   * What new exchanges, attempts and connections meet. Nothing, if the leases have passed and the
   * loop that ends them has not come to it: a process that stood still may run this worker first.
   */
  public FaultPlan current() {
    assert worker.isCurrent();
    return current.isEmpty() || until == Long.MAX_VALUE ? current : current(worker.nanoTime());
  }

  /**
   * The same for who knows the time, which is not read for each request again.
   *
   * @param now in the worker's monotonic time, in nanoseconds; read in this pass of its loop
   */
  public FaultPlan current(long now) {
    assert worker.isCurrent();
    return current.isEmpty() || until == Long.MAX_VALUE || now - until <= 0
        ? current
        : FaultPlan.NONE;
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

  /** Goes by this plan from now on, until it is replaced. */
  public void replace(FaultPlan next) {
    replace(next, Long.MAX_VALUE);
  }

  /**
   * Goes by the same plan for longer.
   *
   * @param deadline in the worker's monotonic time, after which there is no fault
   */
  public void renew(long deadline) {
    assert worker.isCurrent();
    until = deadline;
  }

  /**
   * Goes by this plan from now on.
   *
   * @param deadline as for {@link #renew}
   */
  public void replace(FaultPlan next, long deadline) {
    assert worker.isCurrent();
    until = deadline;
    current = next;
    for (Consumer<FaultPlan> watcher : watchers) {
      watcher.accept(next);
    }
  }
}
