package dev.outrigger.e2e.harness;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What of a proxy hears of faults, and nothing else: the real protocol, one connection, and
 * replicas that are tried in turn.
 */
public final class LightProxy implements AutoCloseable {
  private static final String FAULT = "type.googleapis.com/outrigger.chaos.v1.FaultRule";
  private static final long AGAIN_MILLIS = 200;

  private final Node node;
  private final List<Integer> ports;
  private final ScheduledExecutorService timer;
  private final Set<String> held = ConcurrentHashMap.newKeySet();
  private @Nullable ManagedChannel channel;
  private int turn;
  private boolean closed;
  private volatile long endedAt;
  private volatile int connectedTo = -1;

  /**
   * Connects.
   *
   * @param ports of the replicas, without TLS on loopback
   */
  public LightProxy(String workload, List<Integer> ports, ScheduledExecutorService timer) {
    this.ports = List.copyOf(ports);
    this.timer = timer;
    this.node =
        Node.newBuilder()
            .setId(workload + ".shop")
            .setCluster(workload)
            .setUserAgentName("outrigger")
            .setMetadata(
                Struct.newBuilder()
                    .putFields("workload", text(workload))
                    .putFields("namespace", text("shop")))
            .build();
    connect();
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  private synchronized void connect() {
    if (closed) {
      return;
    }
    if (channel != null) {
      channel.shutdownNow();
    }
    int port = ports.get(turn++ % ports.size());
    ManagedChannel fresh =
        NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().disableRetry().build();
    channel = fresh;
    Stream stream = new Stream(port);
    StreamObserver<DeltaDiscoveryRequest> requests =
        AggregatedDiscoveryServiceGrpc.newStub(fresh).deltaAggregatedResources(stream);
    stream.requests = requests;
    requests.onNext(DeltaDiscoveryRequest.newBuilder().setNode(node).setTypeUrl(FAULT).build());
  }

  private final class Stream implements StreamObserver<DeltaDiscoveryResponse> {
    private final int port;
    private volatile @Nullable StreamObserver<DeltaDiscoveryRequest> requests;
    private boolean first = true;

    Stream(int port) {
      this.port = port;
    }

    @Override
    public void onNext(DeltaDiscoveryResponse response) {
      connectedTo = port;
      boolean before = !held.isEmpty();
      if (first) {
        held.clear();
      }
      first = false;
      for (Resource resource : response.getResourcesList()) {
        if (resource.hasResource()) {
          held.add(resource.getName());
        }
      }
      response.getRemovedResourcesList().forEach(held::remove);
      StreamObserver<DeltaDiscoveryRequest> answer = requests;
      if (answer != null) {
        answer.onNext(
            DeltaDiscoveryRequest.newBuilder()
                .setTypeUrl(FAULT)
                .setResponseNonce(response.getNonce())
                .build());
      }
      if (before && held.isEmpty()) {
        endedAt = System.nanoTime();
      }
    }

    @Override
    public void onError(Throwable cause) {
      again();
    }

    @Override
    public void onCompleted() {
      again();
    }

    private void again() {
      connectedTo = -1;
      if (timer.isShutdown()) {
        return;
      }
      var _ = timer.schedule(LightProxy.this::connect, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Whether it was told of a fault and not of its end. */
  public boolean holds() {
    return !held.isEmpty();
  }

  /** When it had acknowledged the end of the last fault; by {@link System#nanoTime}. */
  public long endedAt() {
    return endedAt;
  }

  /** The port of the replica that answers it, or -1. */
  public int connectedTo() {
    return connectedTo;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (channel != null) {
      channel.shutdownNow();
    }
  }
}
