package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.Value;
import dev.outrigger.controlplane.ads.ProxyNode;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.tls.SpiffeId;
import io.envoyproxy.envoy.config.core.v3.Node;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What must be known of a proxy to configure it.
 *
 * @param workload the name of the {@link Workload} that it stands beside
 * @param implementation what it understands
 * @param meshTls whether it holds an identity of the mesh, so that it can speak mutual TLS
 */
public record NodeDescription(
    String namespace, String workload, Implementation implementation, MeshTls meshTls) {

  /** Envoy's own fault filter: it stands in what it gets, and routes say what it does. */
  public static final String ENVOY_FAULT_FILTER = "envoy.filters.http.fault";

  /** Which proxy it is. */
  public enum Implementation {
    OUTRIGGER,
    /** Gets nothing that only ours understands. */
    ENVOY
  }

  /** Whether the proxy can prove who it is. */
  public enum MeshTls {
    AVAILABLE,
    /** It sends plain text, and takes it where that is allowed. */
    ABSENT
  }

  /**
   * From what a proxy says about itself. An Envoy has no identity unless its metadata says {@code
   * meshTls: true}.
   */
  public static NodeDescription of(Node node) {
    Map<String, Value> metadata = node.getMetadata().getFieldsMap();
    ProxyNode proxy = new ProxyNode(node, null);
    boolean envoy = node.getUserAgentName().equals("envoy");
    @Nullable Value tls = metadata.get("meshTls");
    boolean hasTls =
        tls == null ? !envoy : tls.getBoolValue() || tls.getStringValue().equals("true");
    return new NodeDescription(
        proxy.namespace(),
        proxy.workload(),
        envoy ? Implementation.ENVOY : Implementation.OUTRIGGER,
        hasTls ? MeshTls.AVAILABLE : MeshTls.ABSENT);
  }

  /** Whether a proxy with this proven identity may have what belongs to the workload. */
  public boolean isClaimedBy(SpiffeId identity, DesiredState state) {
    @Nullable Workload found = state.workload(namespace, workload);
    return found == null || found.identityIn(state.mesh().trustDomain()).equals(identity);
  }
}
