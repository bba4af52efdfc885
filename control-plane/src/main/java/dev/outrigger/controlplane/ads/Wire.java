package dev.outrigger.controlplane.ads;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.ControlPlane;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.envoyproxy.envoy.service.discovery.v3.ResourceError;
import io.envoyproxy.envoy.service.discovery.v3.ResourceName;

/** A push as the messages of either variant. */
final class Wire {
  private static final ControlPlane WHO =
      ControlPlane.newBuilder().setIdentifier("outrigger").build();

  private Wire() {}

  static DiscoveryResponse sotw(PendingPush push) {
    DiscoveryResponse.Builder response =
        DiscoveryResponse.newBuilder()
            .setTypeUrl(push.typeUrl())
            .setNonce(push.nonce())
            .setVersionInfo(push.version())
            .setControlPlane(WHO);
    push.resources()
        .forEach(
            (name, resource) ->
                response.addResources(
                    resource.ttl() == null ? resource.body() : Any.pack(resource.wire(name))));
    push.heartbeats()
        .forEach((name, resource) -> response.addResources(Any.pack(heartbeat(name, resource))));
    push.missing().forEach(name -> response.addResourceErrors(notFound(name)));
    return response.build();
  }

  static DeltaDiscoveryResponse delta(PendingPush push) {
    DeltaDiscoveryResponse.Builder response =
        DeltaDiscoveryResponse.newBuilder()
            .setTypeUrl(push.typeUrl())
            .setNonce(push.nonce())
            .setSystemVersionInfo(push.version())
            .setControlPlane(WHO);
    push.resources().forEach((name, resource) -> response.addResources(resource.wire(name)));
    push.heartbeats().forEach((name, resource) -> response.addResources(heartbeat(name, resource)));
    response.addAllRemovedResources(push.removed());
    // Clients that do not know resource_errors read a missing name as removed.
    response.addAllRemovedResources(push.missing());
    push.missing().forEach(name -> response.addResourceErrors(notFound(name)));
    return response.build();
  }

  private static Resource heartbeat(String name, VersionedResource resource) {
    return resource.wire(name).toBuilder().clearResource().build();
  }

  private static ResourceError notFound(String name) {
    return ResourceError.newBuilder()
        .setResourceName(ResourceName.newBuilder().setName(name))
        .setErrorDetail(
            Status.newBuilder()
                .setCode(Code.NOT_FOUND_VALUE)
                .setMessage("no resource of this name exists for this proxy"))
        .build();
  }
}
