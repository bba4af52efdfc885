package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.tls.TlsSetupException;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import java.time.InstantSource;

/** Makes the checker of a cluster. */
@FunctionalInterface
public interface HealthCheckers {

  /** A checker that carries the policy out with the TLS of the cluster. */
  HealthChecker newChecker(ClusterConfig cluster, HealthCheckPolicy policy);

  /**
   * Checkers over real connections.
   *
   * @param loop the config loop's
   * @param channelType that the loop can register
   * @param clock today's date for certificates
   */
  static HealthCheckers over(
      EventLoop loop, Class<? extends SocketChannel> channelType, InstantSource clock) {
    return (cluster, policy) -> {
      EndpointTls tls;
      try {
        tls = new EndpointTls(cluster, speech(policy), clock);
      } catch (TlsSetupException e) {
        // Traffic cannot reach these endpoints either; they are down and the reason says why.
        return (_, _, done) -> done.accept(new ProbeResult.Wrong("TLS: " + e.getMessage()));
      }
      ProbeConnection connection = new ProbeConnection(loop, channelType, tls);
      return switch (policy) {
        case HealthCheckPolicy.Http http ->
            switch (http.wire()) {
              case HTTP1 -> new HttpProbe(http, cluster.name(), connection);
              case HTTP2 -> Http2Probe.ofHttp(http, cluster.name(), connection);
            };
        case HealthCheckPolicy.Grpc grpc -> Http2Probe.ofGrpc(grpc, cluster.name(), connection);
        case HealthCheckPolicy.Tcp _ -> new TcpProbe(connection);
      };
    };
  }

  private static ClusterConfig.Speech speech(HealthCheckPolicy policy) {
    return switch (policy) {
      case HealthCheckPolicy.Http http ->
          switch (http.wire()) {
            case HTTP1 -> ClusterConfig.Speech.HTTP1;
            case HTTP2 -> ClusterConfig.Speech.HTTP2;
          };
      case HealthCheckPolicy.Grpc _ -> ClusterConfig.Speech.HTTP2;
      case HealthCheckPolicy.Tcp _ -> ClusterConfig.Speech.HTTP1;
    };
  }
}
