package dev.outrigger.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.TlsMatch;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.RecordedTelemetry;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ConnectionPoolTest {
  private static final Duration CONNECT = Duration.ofMillis(500);

  private static final Endpoint ENDPOINT =
      new Endpoint(
          new SocketAddressConfig("10.0.0.1", 80),
          "",
          1,
          0,
          Endpoint.Health.HEALTHY,
          Endpoint.Locality.NONE,
          Map.of(),
          null,
          "");

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel loop = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<UpstreamConnector.Listener> opening = new ArrayList<>();
  private final List<ProxyError> failures = new ArrayList<>();

  @Test
  void whatWaitsForAConnectionBeingOpenedHearsWhyItFailed() {
    ClusterConfig cluster =
        new ClusterConfig(
            "origin",
            new Discovery.Listed(new EndpointSet(List.of(ENDPOINT))),
            new LbPolicy.RoundRobin(),
            CONNECT,
            PoolConfig.DEFAULT,
            BreakerConfig.DEFAULT,
            null,
            null,
            List.of(new TlsMatch("plain", Map.of(), new UpstreamTls.Plain())),
            Map.of());
    Upstreams upstreams =
        new Upstreams(
            new Worker(0, loop.eventLoop(), new Random(1)),
            1,
            (_, _, _, _, told) -> opening.add(told),
            new RecordedTelemetry(),
            WindowBudget.FIXED);
    upstreams.onSnapshot(
        new RuntimeSnapshot(1, new RuntimeConfig(List.of(), Map.of("origin", cluster))));
    upstreams.start();
    Upstream origin = Objects.requireNonNull(upstreams.find("origin"));
    origin
        .poolOf(ENDPOINT)
        .acquireLater(
            new ConnectionPool.Waiter() {
              @Override
              public void acquired(UpstreamStream stream) {
                throw new AssertionError("nothing was opened");
              }

              @Override
              public void failed(ProxyError error) {
                failures.add(error);
              }
            });
    // On a busy machine the sweep comes before the connection's own time limit.
    ticker.advance(CONNECT.toNanos() * 5, TimeUnit.NANOSECONDS);
    loop.runScheduledPendingTasks();
    assertThat(failures).isEmpty();

    ProxyError late = new ProxyError.ConnectTimedOut("10.0.0.1:80", CONNECT);
    opening.getFirst().failed(late);
    assertThat(failures).containsExactly(late);
    loop.finishAndReleaseAll();
  }
}
