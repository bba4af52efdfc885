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
    ConnectionLuck luck = stages.newConnection(cluster, toApplication);
    FaultRule refusal = luck.refusal(stages.plan());
    if (refusal != null) {
      refuse(worker, refusal, cluster, endpoint, error -> listener.failed(error, List.of(refusal)));
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
            if (!toApplication) {
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

  /** As a network would: at once, or by saying nothing until nobody waits any more. */
  static void refuse(
      Worker worker,
      FaultRule rule,
      ClusterConfig cluster,
      Endpoint endpoint,
      Consumer<ProxyError> failed) {
    String where = endpoint.address().toString();
    if (rule.fault() instanceof Fault.Partition) {
      var _ =
          worker
              .loop()
              .schedule(
                  () ->
                      failed.accept(
                          new ProxyError.ConnectTimedOut(where, cluster.connectTimeout())),
                  cluster.connectTimeout().toNanos(),
                  TimeUnit.NANOSECONDS);
    } else {
      worker
          .loop()
          .execute(
              () ->
                  failed.accept(
                      new ProxyError.ConnectRefused(where, "by the fault " + rule.fullName())));
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
