package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.telemetry.ConnectionRecord;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All relayed connections of one worker that toxics may reach. When the faults change, toxics come
 * and go on connections that are open. Confined to its worker's event loop.
 */
@WorkerConfined
public final class ToxicStages {
  private final Worker worker;
  private final FaultView faults;
  private final ActiveFaults active;
  private final Supplier<@Nullable String> ownIdentity;
  private final Set<ToxicStage> live = new LinkedHashSet<>();
  private long opened;

  /**
   * Made on the worker's loop.
   *
   * @param ownIdentity the SPIFFE ID of this proxy, which is the caller of what leaves it
   */
  public ToxicStages(Worker worker, FaultView faults, Supplier<@Nullable String> ownIdentity) {
    this.worker = worker;
    this.faults = faults;
    this.active = faults.newActiveFaults();
    this.ownIdentity = ownIdentity;
    faults.watch(this::onPlan);
  }

  /**
   * The stage of a relay that begins: to be added to the client's channel between TLS and the
   * relay.
   *
   * @param server the channel to the server once it is open, else null
   */
  public ToxicStage newStage(
      ConnectionFacts facts,
      ClusterConfig cluster,
      ConnectionRecord record,
      Supplier<@Nullable Channel> server) {
    assert worker.isCurrent();
    @Nullable String service = cluster.service();
    // Counted rather than drawn, so that a run that is repeated hits the same connections.
    String id = cluster.name() + '#' + worker.index() + '#' + opened++;
    return new ToxicStage(
        this,
        new ToxicStage.Subject(facts.inbound() ? null : ownIdentity.get(), service),
        id,
        facts.inbound(),
        record,
        server);
  }

  FaultPlan plan() {
    return faults.current();
  }

  ActiveFaults active() {
    return active;
  }

  void opened(ToxicStage stage) {
    live.add(stage);
  }

  void closed(ToxicStage stage) {
    live.remove(stage);
  }

  private void onPlan(FaultPlan plan) {
    assert worker.isCurrent();
    // A toxic may end its connection, which leaves the set.
    for (ToxicStage stage : new ArrayList<>(live)) {
      stage.follow(plan);
    }
  }
}
