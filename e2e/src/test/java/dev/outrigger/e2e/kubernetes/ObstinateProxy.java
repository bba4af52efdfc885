package dev.outrigger.e2e.kubernetes;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;

/**
 * What of a proxy hears of one service's routes, at one replica, and answers as it is told: the
 * real protocol without TLS on loopback. Thread-safe.
 */
final class ObstinateProxy implements AutoCloseable {
  private static final String ROUTE =
      "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

  private final ManagedChannel channel;
  private final StreamObserver<DeltaDiscoveryRequest> requests;
  private final List<DeltaDiscoveryResponse> unanswered = new ArrayList<>();
  private Manner manner = Manner.ACCEPTS;

  /** How it answers. */
  enum Manner {
    ACCEPTS,
    REFUSES,
    IS_SILENT
  }

  /**
   * Connects.
   *
   * @param port of the replica
   * @param routes the name of the routes
   */
  ObstinateProxy(String workload, int port, String routes) {
    channel = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    requests =
        AggregatedDiscoveryServiceGrpc.newStub(channel)
            .deltaAggregatedResources(
                new StreamObserver<>() {
                  @Override
                  public void onNext(DeltaDiscoveryResponse response) {
                    heard(response);
                  }

                  @Override
                  public void onError(Throwable cause) {}

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        DeltaDiscoveryRequest.newBuilder()
            .setNode(
                Node.newBuilder()
                    .setId(workload + ".shop")
                    .setCluster(workload)
                    .setUserAgentName("outrigger")
                    .setMetadata(
                        Struct.newBuilder()
                            .putFields("workload", text(workload))
                            .putFields("namespace", text("shop"))))
            .setTypeUrl(ROUTE)
            .addResourceNamesSubscribe(routes)
            .build());
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  private synchronized void heard(DeltaDiscoveryResponse response) {
    unanswered.add(response);
    answer();
  }

  private void answer() {
    if (manner == Manner.IS_SILENT) {
      return;
    }
    for (DeltaDiscoveryResponse one : unanswered) {
      DeltaDiscoveryRequest.Builder answer =
          DeltaDiscoveryRequest.newBuilder().setTypeUrl(ROUTE).setResponseNonce(one.getNonce());
      if (manner == Manner.REFUSES) {
        answer.setErrorDetail(Status.newBuilder().setMessage("this route is too odd"));
      }
      requests.onNext(answer.build());
    }
    unanswered.clear();
  }

  /** Answers so from now on; what waits for an answer gets it. */
  synchronized void from(Manner next) {
    manner = next;
    answer();
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
