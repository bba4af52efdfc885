package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceStub;
import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens streams to a control plane over gRPC, whose I/O and callbacks run on the config loop. Each
 * stream has a connection of its own, so that a reconnect takes the identity of today and may go to
 * another replica.
 */
public final class AdsStreams implements AutoCloseable {
  private static final int MAX_MESSAGE_BYTES = 64 << 20;

  /** An address behind which nobody is any more says nothing, and another one may answer. */
  private static final int CONNECT_MILLIS = 3000;

  private final TargetSource targets;
  private final ConfigLoop loop;
  private final Transport transport;
  private @Nullable ManagedChannel channel;
  private @Nullable Channel current;

  /**
   * Where the control plane is.
   *
   * @param host a name or an address literal
   * @param tls null speaks plain text; the context must offer {@code h2}
   * @param authority the {@code :authority} sent, and the SNI; null takes host and port
   * @param headers added to each stream, in order
   */
  public record Target(
      String host,
      int port,
      @Nullable SslContext tls,
      @Nullable String authority,
      List<Map.Entry<String, String>> headers) {
    public Target {
      headers = List.copyOf(headers);
    }

    /** Plain text, for loopback. */
    public static Target plain(String host, int port) {
      return new Target(host, port, null, null, List.of());
    }
  }

  /** Says where to go next. Called on the config loop for each stream. */
  @FunctionalInterface
  public interface TargetSource {
    /**
     * Where to go now.
     *
     * @throws TargetException if nobody can be reached yet; it is asked again later
     */
    Target next() throws TargetException;

    /** How many addresses it goes to in turn, as far as it knows; 1 at least. */
    default int known() {
      return 1;
    }
  }

  /** Why a control plane cannot be reached yet, in words for an operator. */
  public static final class TargetException extends Exception {
    private static final long serialVersionUID = 1L;

    public TargetException(String reason) {
      super(reason);
    }
  }

  public AdsStreams(TargetSource targets, ConfigLoop loop, Transport transport) {
    this.targets = targets;
    this.loop = loop;
    this.transport = transport;
  }

  AdsStream open(AdsSettings settings, AdsStream.Events events) throws TargetException {
    loop.checkInside();
    Target target = targets.next();
    closeChannel();
    ManagedChannel fresh = newChannel(target);
    channel = fresh;
    AggregatedDiscoveryServiceStub stub = AggregatedDiscoveryServiceGrpc.newStub(fresh);
    current = fresh;
    if (!target.headers().isEmpty()) {
      Metadata metadata = new Metadata();
      for (Map.Entry<String, String> header : new ArrayList<>(target.headers())) {
        metadata.put(
            Metadata.Key.of(header.getKey(), Metadata.ASCII_STRING_MARSHALLER), header.getValue());
      }
      ClientInterceptor headers = MetadataUtils.newAttachHeadersInterceptor(metadata);
      stub = stub.withInterceptors(headers);
      current = ClientInterceptors.intercept(fresh, headers);
    }
    return switch (settings.variant()) {
      case SOTW -> new SotwStream(stub, settings.node(), events);
      case DELTA -> new DeltaStream(stub, settings.node(), events);
    };
  }

  /** How many addresses streams go to in turn; 1 at least. */
  int known() {
    loop.checkInside();
    return Math.max(1, targets.known());
  }

  /** The connection of the latest stream, with its headers; null while there is none. */
  @Nullable Channel current() {
    loop.checkInside();
    return current;
  }

  /** Closes the connection. Any thread. */
  @Override
  public void close() {
    loop.execute(this::closeChannel);
  }

  private void closeChannel() {
    ManagedChannel old = channel;
    channel = null;
    current = null;
    if (old != null) {
      old.shutdownNow();
    }
  }

  private ManagedChannel newChannel(Target target) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(target.host(), target.port())
            .eventLoopGroup(loop.loop())
            .channelType(transport.socketChannel())
            .executor(loop)
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .disableRetry();
    SslContext tls = target.tls();
    if (tls == null) {
      builder.usePlaintext();
    } else {
      builder.sslContext(tls);
    }
    if (target.authority() != null) {
      builder.overrideAuthority(target.authority());
    }
    return builder.build();
  }
}
