package dev.outrigger.api.spiffe;

import dev.outrigger.tls.SvidStream;
import dev.outrigger.tls.X509Svid;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Calls the SPIFFE Workload API on a Unix socket: one call of {@code FetchX509SVID} on a connection
 * and a thread of its own. The one class here that is written by hand, since proxy and control
 * plane both call it and share no other module that knows gRPC.
 */
public final class WorkloadApi implements StreamObserver<X509SVIDResponse> {
  /** Without it an agent refuses a call: nothing that was tricked into making one would send it. */
  private static final Metadata.Key<String> SECURITY_HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  private static final int MAX_ANSWER_BYTES = 4 << 20;

  private final SvidStream.Sink sink;
  private final ManagedChannel channel;
  private final MultiThreadIoEventLoopGroup loop;

  private WorkloadApi(Path socket, SvidStream.Sink sink) {
    this.sink = sink;
    loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("outrigger-spiffe", true), NioIoHandler.newFactory());
    channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .eventLoopGroup(loop)
            .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
            .overrideAuthority("localhost")
            // None: gRPC sets one that such sockets do not have, and Netty warns of it.
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .usePlaintext()
            .directExecutor()
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .disableRetry()
            .build();
  }

  /** Calls the agent at this socket. What comes is told on each call's own thread. */
  public static SvidStream.Wire at(Path socket) {
    return sink -> fetch(socket, sink);
  }

  private static Runnable fetch(Path socket, SvidStream.Sink sink) {
    WorkloadApi call = new WorkloadApi(socket, sink);
    Metadata headers = new Metadata();
    headers.put(SECURITY_HEADER, "true");
    SpiffeWorkloadAPIGrpc.newStub(call.channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .fetchX509SVID(X509SVIDRequest.getDefaultInstance(), call);
    return call::close;
  }

  private void close() {
    channel.shutdownNow();
    loop.shutdownGracefully(0, 2, TimeUnit.SECONDS);
  }

  @Override
  public void onNext(X509SVIDResponse response) {
    sink.onSvids(
        response.getSvidsList().stream()
            .map(
                one ->
                    new X509Svid.Encoded(
                        one.getSpiffeId(),
                        one.getX509Svid().toByteArray(),
                        one.getX509SvidKey().toByteArray(),
                        one.getBundle().toByteArray()))
            .toList());
  }

  @Override
  public void onError(Throwable failure) {
    close();
    Status status = Status.fromThrowable(failure);
    StringBuilder reason = new StringBuilder("it answered ").append(status.getCode());
    if (status.getDescription() != null) {
      reason.append(": ").append(status.getDescription());
    }
    for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
      if (t.getMessage() != null) {
        reason.append(": ").append(t.getMessage());
      }
    }
    sink.onEnd(reason.toString());
  }

  @Override
  public void onCompleted() {
    close();
    sink.onEnd("it ended the call");
  }
}
