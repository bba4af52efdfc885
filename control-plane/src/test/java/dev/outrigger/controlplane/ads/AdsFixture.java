package dev.outrigger.controlplane.ads;

import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** A real server on loopback and raw clients of it. */
final class AdsFixture implements AutoCloseable {
  static final Instant NOW = Instant.parse("2026-11-21T00:00:00Z");
  private static final long PATIENCE_SECONDS = 10;

  final MutableViews views = new MutableViews();
  final NackLedger ledger = new NackLedger(() -> NOW);
  final AdsCounters counters = new AdsCounters();
  private final AdsService service;
  private final Server server;
  private final ManagedChannel channel;

  AdsFixture() throws IOException {
    this(AdsLimits.DEFAULT);
  }

  AdsFixture(AdsLimits limits) throws IOException {
    this(limits, Context.ROOT);
  }

  /**
   * @param proven what the callers proved
   */
  AdsFixture(AdsLimits limits, Context proven) throws IOException {
    service = new AdsService(views, ledger, counters, limits);
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                ServerInterceptors.intercept(
                    service,
                    new ServerInterceptor() {
                      @Override
                      public <Q, R> ServerCall.Listener<Q> interceptCall(
                          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                        return Contexts.interceptCall(proven, call, headers, next);
                      }
                    }))
            .build()
            .start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
  }

  static AdsLimits holding(Duration hold) {
    AdsLimits usual = AdsLimits.DEFAULT;
    return new AdsLimits(
        usual.maxStreams(),
        usual.maxTypes(),
        usual.maxNames(),
        usual.maxNameLength(),
        usual.maxMessageBytes(),
        usual.firstRequest(),
        hold);
  }

  Client<DiscoveryRequest, DiscoveryResponse> sotw() {
    return new Client<>(
        responses ->
            AggregatedDiscoveryServiceGrpc.newStub(channel).streamAggregatedResources(responses));
  }

  Client<DeltaDiscoveryRequest, DeltaDiscoveryResponse> delta() {
    return new Client<>(
        responses ->
            AggregatedDiscoveryServiceGrpc.newStub(channel).deltaAggregatedResources(responses));
  }

  static Node node(String id) {
    return Node.newBuilder().setId(id).setCluster("test").build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    service.close();
    server.shutdownNow();
  }

  /** One stream, by hand. */
  static final class Client<Q, R> implements StreamObserver<R> {
    private final BlockingQueue<R> received = new LinkedBlockingQueue<>();
    final CompletableFuture<Status> ended = new CompletableFuture<>();
    private final StreamObserver<Q> requests;

    Client(Function<StreamObserver<R>, StreamObserver<Q>> open) {
      requests = open.apply(this);
    }

    Client<Q, R> send(Q request) {
      requests.onNext(request);
      return this;
    }

    R next() throws InterruptedException {
      R response = received.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (response == null) {
        throw new AssertionError("no response came; stream: " + ended);
      }
      return response;
    }

    void close() {
      requests.onCompleted();
    }

    @Override
    public void onNext(R response) {
      received.add(response);
    }

    @Override
    public void onError(Throwable cause) {
      ended.complete(Status.fromThrowable(cause));
    }

    @Override
    public void onCompleted() {
      ended.complete(Status.OK);
    }
  }
}
