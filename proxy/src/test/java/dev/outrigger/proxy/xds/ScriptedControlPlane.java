package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.rpc.Status;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A control plane that says what the test tells it to, in either variant. */
final class ScriptedControlPlane extends AggregatedDiscoveryServiceImplBase
    implements AutoCloseable {
  private final Server server;
  private final int port;
  private final BlockingQueue<Asked> requests = new LinkedBlockingQueue<>();
  private final AtomicInteger nonces = new AtomicInteger();
  private volatile @Nullable Consumer<Said> out;
  private volatile @Nullable Runnable hangUp;

  /** A request of either variant. */
  record Asked(
      String type,
      List<String> names,
      List<String> unsubscribed,
      String version,
      Map<String, String> versions,
      String nonce,
      @Nullable Status error) {}

  /** One resource to be said; without a message it is a heartbeat. */
  record One(String name, @Nullable Any body, @Nullable Duration ttl) {
    static One of(String name, Message message) {
      return new One(name, Any.pack(message), null);
    }
  }

  private record Said(
      String type, String version, String nonce, List<One> resources, List<String> removed) {}

  ScriptedControlPlane() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(this)
            .build()
            .start();
    this.port = server.getPort();
  }

  int port() {
    return port;
  }

  /** The next request of a type; others before it are dropped. */
  Asked next(String type) throws InterruptedException {
    while (true) {
      Asked asked = requests.poll(10, TimeUnit.SECONDS);
      if (asked == null) {
        throw new AssertionError("nobody asked for " + type);
      }
      if (asked.type().equals(type)) {
        return asked;
      }
    }
  }

  /** Sends a response; returns its nonce. */
  String say(String type, String version, List<String> removed, One... resources) {
    String nonce = "n" + nonces.incrementAndGet();
    Consumer<Said> stream = out;
    if (stream == null) {
      throw new AssertionError("no stream");
    }
    stream.accept(new Said(type, version, nonce, List.of(resources), removed));
    return nonce;
  }

  void hangUp() {
    Runnable now = hangUp;
    if (now != null) {
      now.run();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  @Override
  public StreamObserver<DiscoveryRequest> streamAggregatedResources(
      StreamObserver<DiscoveryResponse> responses) {
    out =
        said -> {
          DiscoveryResponse.Builder response =
              DiscoveryResponse.newBuilder()
                  .setTypeUrl(said.type())
                  .setVersionInfo(said.version())
                  .setNonce(said.nonce());
          for (One one : said.resources()) {
            response.addResources(
                one.body() != null && one.ttl() == null
                    ? one.body()
                    : Any.pack(wrap(one, said.version())));
          }
          responses.onNext(response.build());
        };
    hangUp = () -> responses.onError(io.grpc.Status.UNAVAILABLE.asRuntimeException());
    return observe(
        request ->
            new Asked(
                request.getTypeUrl(),
                request.getResourceNamesList(),
                List.of(),
                request.getVersionInfo(),
                Map.of(),
                request.getResponseNonce(),
                request.hasErrorDetail() ? request.getErrorDetail() : null));
  }

  @Override
  public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
      StreamObserver<DeltaDiscoveryResponse> responses) {
    out =
        said -> {
          List<Resource> resources = new ArrayList<>();
          for (One one : said.resources()) {
            resources.add(wrap(one, said.version()));
          }
          responses.onNext(
              DeltaDiscoveryResponse.newBuilder()
                  .setTypeUrl(said.type())
                  .setSystemVersionInfo(said.version())
                  .setNonce(said.nonce())
                  .addAllResources(resources)
                  .addAllRemovedResources(said.removed())
                  .build());
        };
    hangUp = () -> responses.onError(io.grpc.Status.UNAVAILABLE.asRuntimeException());
    return observe(
        request ->
            new Asked(
                request.getTypeUrl(),
                request.getResourceNamesSubscribeList(),
                request.getResourceNamesUnsubscribeList(),
                "",
                request.getInitialResourceVersionsMap(),
                request.getResponseNonce(),
                request.hasErrorDetail() ? request.getErrorDetail() : null));
  }

  private static Resource wrap(One one, String version) {
    Resource.Builder wrapped = Resource.newBuilder().setName(one.name()).setVersion(version);
    if (one.body() != null) {
      wrapped.setResource(one.body());
    }
    if (one.ttl() != null) {
      wrapped.setTtl(Durations.fromNanos(one.ttl().toNanos()));
    }
    return wrapped.build();
  }

  private <Q> StreamObserver<Q> observe(java.util.function.Function<Q, Asked> read) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Q request) {
        requests.add(read.apply(request));
      }

      @Override
      public void onError(Throwable cause) {}

      @Override
      public void onCompleted() {}
    };
  }
}
