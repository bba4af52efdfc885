package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.HeldBytes;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All connections of one worker to other services. When the faults change, toxics come and go on
 * those that are open. A connection rolls once for each fault. Confined to its worker's event loop.
 */
@WorkerConfined
public final class ToxicStages {
  /** Per direction of a connection: 100 ms at 8 Gbit/s. */
  private static final long MAX_HELD_BYTES = 96 << 20;

  /** Of one connection, however much others hold: it goes on, if slowly. */
  private static final long LEAST_HELD_BYTES = 64 * 1024;

  private final Worker worker;
  private final FaultView faults;
  private final ActiveFaults active;
  private final Supplier<@Nullable String> ownIdentity;
  private final WorkerTelemetry telemetry;
  private final Map<Consumer<FaultPlan>, ConnectionLuck> live = new LinkedHashMap<>();
  private FaultPlan observed = FaultPlan.NONE;
  private final HeldBytes all;
  private long begun;

  /**
   * Made on the worker's loop.
   *
   * @param ownIdentity the SPIFFE ID of this proxy, which is the caller of what leaves it
   * @param telemetry is told what faults that only observe would hit
   * @param all what the connections of all workers hold together
   */
  public ToxicStages(
      Worker worker,
      FaultView faults,
      Supplier<@Nullable String> ownIdentity,
      WorkerTelemetry telemetry,
      HeldBytes all) {
    this.telemetry = telemetry;
    this.all = all;
    this.worker = worker;
    this.faults = faults;
    this.active = faults.newActiveFaults();
    this.ownIdentity = ownIdentity;
    faults.watch(this::onPlan);
    faults.watchObserved(this::onObserved);
  }

  /**
   * A connection that begins.
   *
   * @param toApplication whether it leads to the application beside this proxy: toxics act at the
   *     caller only
   */
  ConnectionLuck newConnection(ClusterConfig cluster, boolean toApplication) {
    assert worker.isCurrent();
    // Counted rather than drawn, so that a run that is repeated hits the same connections.
    String id = cluster.name() + '#' + worker.index() + '#' + begun++;
    ConnectionLuck luck =
        new ConnectionLuck(
            toApplication ? null : ownIdentity.get(), cluster.service(), id, toApplication);
    if (!observed.isEmpty()) {
      luck.sighted(observed, FaultPlan.NONE, telemetry);
    }
    return luck;
  }

  /** Calls it with each new plan until {@link #unfollow}. */
  void follow(ConnectionLuck luck, Consumer<FaultPlan> connection) {
    live.put(connection, luck);
  }

  void unfollow(Consumer<FaultPlan> connection) {
    live.remove(connection);
  }

  /** Some stage holds so many bytes more, or less. */
  void held(long more) {
    all.add(more);
  }

  /**
   * How much one direction of one connection may hold before who sends is not read.
   *
   * @param own what it holds
   */
  long allowance(long own) {
    return Math.clamp(all.left() + own, LEAST_HELD_BYTES, MAX_HELD_BYTES);
  }

  /**
   * At how much held it is read again. Close below the allowance: a line that empties half before
   * it is filled again carries less than it could.
   */
  long refill(long own) {
    long allowed = allowance(own);
    return allowed - allowed / 8;
  }

  FaultPlan observed() {
    return observed;
  }

  FaultPlan plan() {
    return faults.current();
  }

  ActiveFaults active() {
    return active;
  }

  private void onPlan(FaultPlan plan) {
    assert worker.isCurrent();
    // A toxic may end its connection, which leaves the set.
    for (Consumer<FaultPlan> connection : new ArrayList<>(live.keySet())) {
      connection.accept(plan);
    }
  }

  /** What is open when a fault begins to look counts as well as what begins later. */
  private void onObserved(FaultPlan plan) {
    assert worker.isCurrent();
    FaultPlan before = observed;
    observed = plan;
    live.values().forEach(luck -> luck.sighted(plan, before, telemetry));
  }
}
