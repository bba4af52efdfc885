package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.http.RecordedTelemetry;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.HeldBytes;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TcpServiceTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel client = EmbeddedChannel.builder().ticker(ticker).build();
  private final Worker worker = new Worker(0, client.eventLoop(), new Random(1));
  private final RecordedTelemetry telemetry = new RecordedTelemetry();

  @AfterEach
  void close() {
    client.finishAndReleaseAll();
  }

  /** A relay of a listener that waits for its endpoint for ever. */
  private TcpService relaying(String listener) {
    Endpoint endpoint =
        new Endpoint(
            new SocketAddressConfig("127.0.0.1", 9),
            "",
            1,
            0,
            Endpoint.Health.HEALTHY,
            Endpoint.Locality.NONE,
            Map.of(),
            null,
            "");
    ClusterConfig cluster =
        new ClusterConfig(
            "origin",
            new ClusterConfig.Discovery.Listed(new EndpointSet(List.of(endpoint))),
            new LbPolicy.RoundRobin(),
            Duration.ofSeconds(2),
            ClusterConfig.PoolConfig.DEFAULT,
            ClusterConfig.BreakerConfig.DEFAULT,
            null,
            null,
            List.of(new ClusterConfig.TlsMatch("plain", Map.of(), new UpstreamTls.Plain())),
            Map.of());
    Upstreams upstreams =
        new Upstreams(worker, 1, (_, _, _, _, _) -> {}, telemetry, WindowBudget.FIXED);
    upstreams.onSnapshot(
        new RuntimeSnapshot(1, new RuntimeConfig(List.of(), Map.of("origin", cluster))));
    TcpService service =
        new TcpService(
            worker,
            upstreams,
            (_, _, _, _, _) -> {},
            new ToxicStages(
                worker, new FaultView(worker, 1), () -> null, telemetry, new HeldBytes(1 << 20)),
            new HandshakeFaults(
                worker, new FaultView(worker, 1), InstantSource.fixed(Instant.EPOCH)),
            telemetry);
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    client
        .pipeline()
        .addLast(
            service.newRelay(
                new NetworkFilter.Tcp(
                    "t",
                    List.of(new WeightedCluster("origin", 1)),
                    Duration.ZERO,
                    1,
                    AccessLogConfig.OFF),
                new ConnectionFacts(
                    listener, false, address, address, address, false, null, null, null),
                8192));
    assertThat(service.active()).isEqualTo(1);
    return service;
  }

  private void pass(Duration time) {
    ticker.advance(time.toNanos(), TimeUnit.NANOSECONDS);
    client.runScheduledPendingTasks();
    client.runPendingTasks();
  }

  @Test
  void relaysOfAListenerThatIsGoneAreEndedAfterTheDrainTime() {
    TcpService service = relaying("gone");
    service.drainListener("gone", Duration.ofSeconds(30));
    pass(Duration.ofSeconds(29));
    assertThat(service.active()).isEqualTo(1);
    assertThat(client.isOpen()).isTrue();
    pass(Duration.ofSeconds(1));
    assertThat(service.active()).isZero();
    assertThat(client.isOpen()).isFalse();
    assertThat(telemetry.relaysEnded).containsExactly("gone Draining[]");
  }

  @Test
  void relaysOfOtherListenersGoOn() {
    TcpService service = relaying("kept");
    service.drainListener("gone", Duration.ZERO);
    pass(Duration.ofSeconds(1));
    assertThat(service.active()).isEqualTo(1);
    assertThat(client.isOpen()).isTrue();
  }
}
