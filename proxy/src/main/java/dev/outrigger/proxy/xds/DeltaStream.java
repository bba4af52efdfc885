package dev.outrigger.proxy.xds;

import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The incremental variant: only changes travel, both ways. */
final class DeltaStream implements AdsStream {
  private final GrpcStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> grpc;
  private final Node node;

  /** Names asked for on this stream, by type. */
  private final Map<String, Set<String>> asked = new HashMap<>();

  private boolean introduced;

  DeltaStream(
      AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceStub stub,
      Node node,
      Events events) {
    this.node = node;
    this.grpc = new GrpcStream<>(events, DeltaStream::read);
    stub.deltaAggregatedResources(grpc);
  }

  @Override
  public void ask(
      String typeUrl,
      boolean wildcard,
      Set<String> names,
      Map<String, String> versions,
      String typeVersion) {
    Set<String> before = asked.get(typeUrl);
    if (before == null) {
      // A first request without names would ask for everything.
      if (!wildcard && names.isEmpty()) {
        return;
      }
      asked.put(typeUrl, new TreeSet<>(names));
      send(
          DeltaDiscoveryRequest.newBuilder()
              .setTypeUrl(typeUrl)
              .addAllResourceNamesSubscribe(new TreeSet<>(names))
              .putAllInitialResourceVersions(versions));
      return;
    }
    Set<String> more = new TreeSet<>(names);
    more.removeAll(before);
    Set<String> fewer = new TreeSet<>(before);
    fewer.removeAll(names);
    if (more.isEmpty() && fewer.isEmpty()) {
      return;
    }
    asked.put(typeUrl, new TreeSet<>(names));
    send(
        DeltaDiscoveryRequest.newBuilder()
            .setTypeUrl(typeUrl)
            .addAllResourceNamesSubscribe(more)
            .addAllResourceNamesUnsubscribe(fewer));
  }

  @Override
  public void answer(Received response, @Nullable Status error) {
    DeltaDiscoveryRequest.Builder request =
        DeltaDiscoveryRequest.newBuilder()
            .setTypeUrl(response.typeUrl())
            .setResponseNonce(response.nonce());
    if (error != null) {
      request.setErrorDetail(error);
    }
    send(request);
  }

  @Override
  public void readNext() {
    grpc.readNext();
  }

  @Override
  public void close() {
    grpc.close();
  }

  private void send(DeltaDiscoveryRequest.Builder request) {
    if (!introduced) {
      introduced = true;
      request.setNode(node);
    }
    grpc.send(request.build());
  }

  private static Received read(DeltaDiscoveryResponse response) {
    List<Received.Item> items = new ArrayList<>();
    for (Resource resource : response.getResourcesList()) {
      items.add(Items.of(resource));
    }
    return new Received(
        response.getTypeUrl(),
        response.getSystemVersionInfo(),
        response.getNonce(),
        items,
        List.copyOf(response.getRemovedResourcesList()),
        Items.missing(response.getResourceErrorsList()),
        List.of());
  }
}
