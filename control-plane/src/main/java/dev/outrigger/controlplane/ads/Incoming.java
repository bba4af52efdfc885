package dev.outrigger.controlplane.ads;

import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request of either variant.
 *
 * @param node who asks; null after the first request of a stream
 * @param typeUrl of what
 * @param nonce of the response that it answers; empty if none
 * @param error why that response was refused; null if it was not
 * @param interest what is asked for
 */
record Incoming(
    @Nullable Node node, String typeUrl, String nonce, @Nullable Status error, Interest interest) {

  /** What a proxy asks for. */
  sealed interface Interest {
    /** All names, each time (state of the world). */
    record Names(List<String> names, String version) implements Interest {}

    /** A change to the names (delta). */
    record Change(
        List<String> subscribe, List<String> unsubscribe, Map<String, String> initialVersions)
        implements Interest {}
  }

  static Incoming of(DiscoveryRequest request) {
    return new Incoming(
        request.hasNode() ? request.getNode() : null,
        request.getTypeUrl(),
        request.getResponseNonce(),
        request.hasErrorDetail() ? request.getErrorDetail() : null,
        new Interest.Names(request.getResourceNamesList(), request.getVersionInfo()));
  }

  static Incoming of(DeltaDiscoveryRequest request) {
    return new Incoming(
        request.hasNode() ? request.getNode() : null,
        request.getTypeUrl(),
        request.getResponseNonce(),
        request.hasErrorDetail() ? request.getErrorDetail() : null,
        new Interest.Change(
            request.getResourceNamesSubscribeList(),
            request.getResourceNamesUnsubscribeList(),
            request.getInitialResourceVersionsMap()));
  }
}
