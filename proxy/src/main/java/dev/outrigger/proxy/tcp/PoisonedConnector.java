package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.upstream.ConnectionFaults;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.util.concurrent.Future;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Opens the connections that pools keep, with the toxics that concern them. A connection has no
 * handler for it until a toxic hits it, and none once that is over. Confined to its worker's event
 * loop.
 */
@WorkerConfined
public final class PoisonedConnector implements UpstreamConnector {
  private final Worker worker;
  private final UpstreamConnector healthy;
  private final ToxicStages stages;
  private final HandshakeFaults handshakes;

  public PoisonedConnector(
      Worker worker, UpstreamConnector healthy, ToxicStages stages, HandshakeFaults handshakes) {
    this.handshakes = handshakes;
    this.worker = worker;
    this.healthy = healthy;
    this.stages = stages;
  }

  @Override
  public void connect(
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      ChannelHandler last,
      Listener listener) {
    boolean toApplication = "inbound".equals(cluster.labels().get("direction"));
    connect(stages.newConnection(cluster, toApplication), cluster, endpoint, tls, last, listener);
  }

  private void connect(
      ConnectionLuck luck,
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      ChannelHandler last,
      Listener listener) {
    FaultRule refusal = luck.refusal(stages.plan());
    if (refusal != null) {
      new Refused(worker, stages, luck, cluster, endpoint)
          .by(
              refusal,
              error -> listener.failed(error, List.of(refusal)),
              () -> connect(luck, cluster, endpoint, tls, last, listener));
      return;
    }
    handshakes.connect(
        healthy,
        luck,
        cluster,
        endpoint,
        tls,
        last,
        new Listener() {
          @Override
          public void connected(Channel channel) {
            if (!luck.toApplication()) {
              new Pooled(stages, luck, channel).begin();
            }
            listener.connected(channel);
          }

          @Override
          public void failed(ProxyError error) {
            listener.failed(error);
          }

          @Override
          public void failed(ProxyError error, List<FaultRule> by) {
            listener.failed(error, by);
          }
        });
  }

  /** One that does not come about while a fault lasts. Confined to its worker's event loop. */
  record Refused(
      Worker worker,
      ToxicStages stages,
      ConnectionLuck luck,
      ClusterConfig cluster,
      Endpoint endpoint) {

    /**
     * As a network would: at once, or by saying nothing until nobody waits any more.
     *
     * @param again tries anew, since what was silent is so no longer: who connects says the same
     *     again and again, and is heard as soon as somebody is there
     */
    void by(FaultRule rule, Consumer<ProxyError> failed, Runnable again) {
      String where = endpoint.address().toString();
      if (!(rule.fault() instanceof Fault.Partition)) {
        worker
            .loop()
            .execute(
                () ->
                    failed.accept(
                        new ProxyError.ConnectRefused(where, "by the fault " + rule.fullName())));
        return;
      }
      // Only once everybody has heard of the new faults: an attempt looks at them all.
      Unanswered waiting = new Unanswered(stages, luck, () -> worker.loop().execute(again));
      waiting.begin(
          worker
              .loop()
              .schedule(
                  () -> {
                    stages.unfollow(waiting);
                    failed.accept(new ProxyError.ConnectTimedOut(where, cluster.connectTimeout()));
                  },
                  cluster.connectTimeout().toNanos(),
                  TimeUnit.NANOSECONDS));
    }
  }

  /** A connection to somebody who does not answer until the fault is over. */
  private static final class Unanswered implements Consumer<FaultPlan> {
    private final ToxicStages stages;
    private final ConnectionLuck luck;
    private final Runnable again;
    private @Nullable Future<?> timeout;

    Unanswered(ToxicStages stages, ConnectionLuck luck, Runnable again) {
      this.stages = stages;
      this.luck = luck;
      this.again = again;
    }

    void begin(Future<?> until) {
      timeout = until;
      stages.follow(luck, this);
    }

    @Override
    public void accept(FaultPlan plan) {
      FaultRule refusal = luck.refusal(plan);
      if (refusal == null || !(refusal.fault() instanceof Fault.Partition)) {
        stages.unfollow(this);
        if (timeout != null && timeout.cancel(false)) {
          again.run();
        }
      }
    }
  }

  /** One open connection. */
  private static final class Pooled implements Consumer<FaultPlan> {
    private final ToxicStages stages;
    private final ConnectionLuck luck;
    private final Channel channel;
    private @Nullable ToxicStage stage;

    Pooled(ToxicStages stages, ConnectionLuck luck, Channel channel) {
      this.stages = stages;
      this.luck = luck;
      this.channel = channel;
    }

    void begin() {
      stages.follow(luck, this);
      channel.closeFuture().addListener(_ -> stages.unfollow(this));
      accept(stages.plan());
    }

    @Override
    public void accept(FaultPlan plan) {
      Map<String, FaultDecision.Hit> hits = luck.hits(plan);
      ToxicStage now = stage;
      if (now == null) {
        ChannelPipeline pipeline = channel.pipeline();
        ChannelHandlerContext last = pipeline.lastContext();
        if (hits.isEmpty() || last == null || !channel.isActive()) {
          return;
        }
        now = new ToxicStage(stages, ToxicStage.Side.SERVER, _ -> {}, () -> null);
        stage = now;
        pipeline.addBefore(last.name(), "toxics", now);
      }
      now.follow(hits);
      ConnectionFaults.set(channel, now.attached());
      if (now.isIdle()) {
        stage = null;
        if (channel.isActive()) {
          channel.pipeline().remove(now);
        }
      }
    }
  }
}
