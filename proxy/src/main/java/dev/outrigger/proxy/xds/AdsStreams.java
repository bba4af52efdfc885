package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.grpc.CallCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens streams to one control plane over one gRPC channel, whose I/O and callbacks run on the
 * config loop.
 */
public final class AdsStreams implements AutoCloseable {
  private static final int MAX_MESSAGE_BYTES = 64 << 20;

  private final ManagedChannel channel;
  private final AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceStub stub;

  /**
   * Where the control plane is.
   *
   * @param host a name or an address
   * @param tls null speaks plain text; the context must offer {@code h2}
   * @param authority the name that the certificate must have and the {@code :authority} sent; null
   *     takes the host
   * @param credentials added to each stream; null adds none
   */
  public record Target(
      String host,
      int port,
      @Nullable SslContext tls,
      @Nullable String authority,
      @Nullable CallCredentials credentials) {

    /** Plain text, for loopback. */
    public static Target plain(String host, int port) {
      return new Target(host, port, null, null, null);
    }
  }

  public AdsStreams(Target target, ConfigLoop loop, Transport transport) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(target.host(), target.port())
            .eventLoopGroup(loop.loop())
            .channelType(transport.socketChannel())
            .executor(loop)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .disableRetry();
    if (target.tls() == null) {
      builder.usePlaintext();
    } else {
      builder.sslContext(target.tls());
    }
    if (target.authority() != null) {
      builder.overrideAuthority(target.authority());
    }
    channel = builder.build();
    AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceStub plain =
        AggregatedDiscoveryServiceGrpc.newStub(channel);
    CallCredentials credentials = target.credentials();
    stub = credentials == null ? plain : plain.withCallCredentials(credentials);
  }

  AdsStream open(AdsSettings settings, AdsStream.Events events) {
    // The client waits between tries itself; the channel's own, longer back-off must not add to it.
    channel.resetConnectBackoff();
    return switch (settings.variant()) {
      case SOTW -> new SotwStream(stub, settings.node(), events);
      case DELTA -> new DeltaStream(stub, settings.node(), events);
    };
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
