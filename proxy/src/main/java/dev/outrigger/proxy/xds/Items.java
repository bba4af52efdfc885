package dev.outrigger.proxy.xds;

import com.google.protobuf.util.Durations;
import com.google.rpc.Code;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.envoyproxy.envoy.service.discovery.v3.ResourceError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Reads what both variants have in common. */
final class Items {
  private Items() {}

  static Received.Item of(Resource resource) {
    return new Received.Item(
        resource.getName(),
        resource.getVersion(),
        resource.hasResource() ? resource.getResource() : null,
        resource.hasTtl() && Durations.isValid(resource.getTtl())
            ? Duration.ofNanos(Durations.toNanos(resource.getTtl()))
            : null);
  }

  /** Only "there is none" and "not for you" are about the resource; the rest passes (gRFC A88). */
  static List<Received.Missing> missing(List<ResourceError> errors) {
    List<Received.Missing> missing = new ArrayList<>();
    for (ResourceError error : errors) {
      int code = error.getErrorDetail().getCode();
      missing.add(
          new Received.Missing(
              error.getResourceName().getName(),
              code == Code.NOT_FOUND_VALUE || code == Code.PERMISSION_DENIED_VALUE,
              error.getErrorDetail().getMessage()));
    }
    return missing;
  }
}
