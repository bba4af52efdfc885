package dev.outrigger.controlplane.ads;

import dev.outrigger.tls.SpiffeId;
import io.envoyproxy.envoy.config.core.v3.Node;
import org.jspecify.annotations.Nullable;

/**
 * A proxy that is connected.
 *
 * @param node what it says about itself
 * @param identity what it proved to be, by certificate or join token; null on the plain port
 */
public record ProxyNode(Node node, @Nullable SpiffeId identity) {

  /** The name under which it is shown. */
  public String id() {
    return node.getId();
  }
}
