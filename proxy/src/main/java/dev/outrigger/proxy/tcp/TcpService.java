package dev.outrigger.proxy.tcp;

import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.upstream.Upstream;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.ChannelHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Relayed connections of one worker. Confined to its worker's event loop. */
@WorkerConfined
public final class TcpService {
  private final Worker worker;
  private final Upstreams upstreams;
  private final UpstreamConnector connector;
  private final ToxicStages toxics;
  private final HandshakeFaults handshakes;
  private final WorkerTelemetry telemetry;
  private final Set<TcpRelay> relays = new LinkedHashSet<>();

  public TcpService(
      Worker worker,
      Upstreams upstreams,
      UpstreamConnector connector,
      ToxicStages toxics,
      HandshakeFaults handshakes,
      WorkerTelemetry telemetry) {
    this.worker = worker;
    this.upstreams = upstreams;
    this.connector = connector;
    this.toxics = toxics;
    this.handshakes = handshakes;
    this.telemetry = telemetry;
  }

  /**
   * The last handler of a connection whose bytes are passed on without understanding.
   *
   * @param bufferBytes beyond so many waiting for one side, the other is not read
   */
  public ChannelHandler newRelay(NetworkFilter.Tcp config, ConnectionFacts facts, int bufferBytes) {
    assert worker.isCurrent();
    return new TcpRelay(this, config, facts, bufferBytes);
  }

  /** Relays under way. */
  public int active() {
    assert worker.isCurrent();
    return relays.size();
  }

  /**
   * A listener is gone: its relays may end by themselves, and are ended after a grace period.
   *
   * @param grace zero ends them with the next task of the loop
   */
  public void drainListener(String name, Duration grace) {
    assert worker.isCurrent();
    List<TcpRelay> left = new ArrayList<>();
    for (TcpRelay relay : relays) {
      if (relay.listener().equals(name)) {
        left.add(relay);
      }
    }
    if (!left.isEmpty()) {
      var _ =
          worker
              .loop()
              .schedule(
                  () -> left.forEach(relay -> relay.end(new ProxyError.Draining())),
                  grace.toNanos(),
                  TimeUnit.NANOSECONDS);
    }
  }

  /** A cluster by weight; null if none of that name is there. */
  @Nullable Upstream choose(List<WeightedCluster> clusters) {
    if (clusters.size() == 1) {
      return upstreams.find(clusters.getFirst().cluster());
    }
    long total = 0;
    for (WeightedCluster cluster : clusters) {
      total += cluster.weight();
    }
    long draw = total == 0 ? 0 : worker.random().nextLong(total);
    for (WeightedCluster cluster : clusters) {
      draw -= cluster.weight();
      if (draw < 0) {
        return upstreams.find(cluster.cluster());
      }
    }
    return null;
  }

  UpstreamConnector connector() {
    return connector;
  }

  Worker worker() {
    return worker;
  }

  ToxicStages toxics() {
    return toxics;
  }

  HandshakeFaults handshakes() {
    return handshakes;
  }

  WorkerTelemetry telemetry() {
    return telemetry;
  }

  void opened(TcpRelay relay) {
    relays.add(relay);
  }

  void closed(TcpRelay relay) {
    relays.remove(relay);
  }
}
