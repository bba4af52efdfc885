package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The state-of-the-world variant: each request names everything that is wanted. */
final class SotwStream implements AdsStream {
  private final GrpcStream<DiscoveryRequest, DiscoveryResponse> grpc;
  private final Node node;
  private final Map<String, Asked> asked = new HashMap<>();
  private boolean introduced;

  /** What was last said of a type. */
  private record Asked(Set<String> names, String version, String nonce) {}

  SotwStream(
      AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceStub stub,
      Node node,
      Events events) {
    this.node = node;
    this.grpc = new GrpcStream<>(events, SotwStream::read);
    stub.streamAggregatedResources(grpc);
  }

  @Override
  public void ask(
      String typeUrl,
      boolean wildcard,
      Set<String> names,
      Map<String, String> versions,
      String typeVersion) {
    Asked before = asked.get(typeUrl);
    Set<String> sorted = new TreeSet<>(names);
    if (before == null ? (!wildcard && names.isEmpty()) : before.names().equals(sorted)) {
      return;
    }
    Asked now =
        before == null
            ? new Asked(sorted, typeVersion, "")
            : new Asked(sorted, before.version(), before.nonce());
    asked.put(typeUrl, now);
    send(typeUrl, now, null);
  }

  @Override
  public void answer(Received response, @Nullable Status error) {
    Asked before = asked.getOrDefault(response.typeUrl(), new Asked(Set.of(), "", ""));
    // A refusal echoes the new nonce with the version that goes on being used.
    Asked now =
        new Asked(
            before.names(),
            error == null ? response.version() : before.version(),
            response.nonce());
    asked.put(response.typeUrl(), now);
    send(response.typeUrl(), now, error);
  }

  @Override
  public void readNext() {
    grpc.readNext();
  }

  @Override
  public void close() {
    grpc.close();
  }

  private void send(String typeUrl, Asked what, @Nullable Status error) {
    DiscoveryRequest.Builder request =
        DiscoveryRequest.newBuilder()
            .setTypeUrl(typeUrl)
            .addAllResourceNames(what.names())
            .setVersionInfo(what.version())
            .setResponseNonce(what.nonce());
    if (!introduced) {
      introduced = true;
      request.setNode(node);
    }
    if (error != null) {
      request.setErrorDetail(error);
    }
    grpc.send(request.build());
  }

  private static Received read(DiscoveryResponse response) {
    List<Received.Item> items = new ArrayList<>();
    List<String> malformed = new ArrayList<>();
    for (Any any : response.getResourcesList()) {
      if (!any.is(Resource.class)) {
        items.add(new Received.Item("", "", any, null));
        continue;
      }
      try {
        items.add(Items.of(any.unpack(Resource.class)));
      } catch (InvalidProtocolBufferException e) {
        malformed.add("a wrapped resource cannot be read: " + e.getMessage());
      }
    }
    return new Received(
        response.getTypeUrl(),
        response.getVersionInfo(),
        response.getNonce(),
        items,
        List.of(),
        Items.missing(response.getResourceErrorsList()),
        malformed);
  }
}
