package dev.outrigger.controlplane.ads;

import com.google.protobuf.Value;
import dev.outrigger.controlplane.model.ObjectMeta;
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

  /**
   * The workload that it stands beside: the metadata {@code workload}, or else its ID without what
   * follows the last dot.
   */
  public String workload() {
    int dot = id().lastIndexOf('.');
    return said("workload", dot < 0 ? id() : id().substring(0, dot));
  }

  /** Of the workload: the metadata {@code namespace}, or else what follows the ID's last dot. */
  public String namespace() {
    int dot = id().lastIndexOf('.');
    return said("namespace", dot < 0 ? ObjectMeta.DEFAULT_NAMESPACE : id().substring(dot + 1));
  }

  private String said(String key, String otherwise) {
    Value value = node.getMetadata().getFieldsMap().get(key);
    return value == null || value.getStringValue().isEmpty() ? otherwise : value.getStringValue();
  }
}
