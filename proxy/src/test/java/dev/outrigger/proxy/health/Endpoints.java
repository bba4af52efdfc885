package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Endpoints and clusters for tests. */
final class Endpoints {
  private Endpoints() {}

  static Endpoint at(String host, int port) {
    return new Endpoint(
        new SocketAddressConfig(host, port),
        "",
        1,
        0,
        Endpoint.Health.HEALTHY,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "");
  }

  static Endpoint number(int number) {
    return at("10.0.0." + number, 80);
  }

  static EndpointSet numbers(int count) {
    return new EndpointSet(IntStream.rangeClosed(1, count).mapToObj(Endpoints::number).toList());
  }

  static ClusterConfig cluster(
      String name, EndpointSet endpoints, @Nullable HealthCheckPolicy policy, UpstreamTls tls) {
    return new ClusterConfig(
        name,
        new Discovery.Listed(endpoints),
        new LbPolicy.RoundRobin(),
        Duration.ofSeconds(1),
        PoolConfig.DEFAULT,
        BreakerConfig.DEFAULT,
        policy,
        null,
        List.of(new ClusterConfig.TlsMatch("", Map.of(), tls)),
        Map.of());
  }
}
