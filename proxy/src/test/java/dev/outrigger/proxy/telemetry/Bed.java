package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.worker.Worker;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** One worker on an embedded loop, with the telemetry of a process around it. */
final class Bed {
  static final Instant NOW = Instant.parse("2026-11-21T03:04:05.678Z");
  static final InstantSource CLOCK = InstantSource.fixed(NOW);

  final EmbeddedChannel channel = new EmbeddedChannel();
  final ProxyTelemetry process;
  final WorkerTelemetry telemetry;

  Bed(ProxyTelemetry process) {
    this.process = process;
    this.telemetry = process.forWorker(new Worker(0, channel.eventLoop(), new SplittableRandom(7)));
  }

  /** Ends the process's telemetry. Nobody else runs the worker's loop, so this does meanwhile. */
  void close() throws InterruptedException {
    Thread closing = Thread.startVirtualThread(process::close);
    while (!closing.join(Duration.ofMillis(1))) {
      channel.runPendingTasks();
    }
    channel.finishAndReleaseAll();
  }

  static ConnectionFacts facts() {
    InetSocketAddress local = new InetSocketAddress("127.0.0.1", 15006);
    return new ConnectionFacts(
        "inbound",
        true,
        new InetSocketAddress("10.1.2.3", 4567),
        local,
        local,
        false,
        null,
        null,
        null);
  }

  static RequestHead head(String path, String... headers) {
    Headers made = new Headers();
    for (int i = 0; i < headers.length; i += 2) {
      made.add(headers[i], headers[i + 1]);
    }
    return new RequestHead("GET", path, "shop.example", "http", HttpVersion.HTTP_1_1, made);
  }

  static HttpProxyConfig config(TracingConfig tracing, AccessLogConfig log) {
    return new HttpProxyConfig(
        "test",
        new RouteTableConfig("routes", List.of()),
        HttpProxyConfig.Codec.HTTP1,
        HttpProxyConfig.Limits.DEFAULT,
        HttpProxyConfig.Timeouts.DEFAULT,
        HttpProxyConfig.Forwarding.DEFAULT,
        tracing,
        log,
        UpgradesConfig.WEBSOCKETS,
        "");
  }

  static TracingConfig tracing(double percent) {
    return new TracingConfig(true, percent);
  }

  static ClusterConfig cluster() {
    return new ClusterConfig(
        "outbound|80|cart",
        new ClusterConfig.Discovery.Listed(new EndpointSet(List.of(endpoint()))),
        new LbPolicy.RoundRobin(),
        Duration.ofSeconds(1),
        ClusterConfig.PoolConfig.DEFAULT,
        ClusterConfig.BreakerConfig.DEFAULT,
        null,
        null,
        List.of(),
        Map.of("service", "cart", "namespace", "shop"));
  }

  static Endpoint endpoint() {
    return new Endpoint(
        new SocketAddressConfig("10.9.8.7", 8080),
        "",
        1,
        0,
        Endpoint.Health.HEALTHY,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "cart-0");
  }
}
