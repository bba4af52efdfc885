package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Sidecar;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** From desired state to what one proxy should have. A pure function. */
public final class SnapshotBuilder {
  private SnapshotBuilder() {}

  /**
   * What the proxy should have; nothing for one whose workload nobody described, or that should
   * have no proxy. The result is consistent, and equal for equal arguments.
   */
  public static NodeSnapshot build(DesiredState state, NodeDescription node) {
    @Nullable Workload workload = state.workload(node.namespace(), node.workload());
    if (workload == null) {
      return NodeSnapshot.EMPTY;
    }
    Clusters clusters = new Clusters(state, node);
    Filters filters = new Filters(state.mesh(), node);
    OutboundListeners outbound = new OutboundListeners(state, node, clusters, filters);
    InboundListeners inbound = new InboundListeners(state, node, clusters, filters);
    switch (workload.sidecar()) {
      case Sidecar.None _ -> {
        return NodeSnapshot.EMPTY;
      }
      case Sidecar.Transparent _ -> {
        outbound.transparent(workload);
        inbound.transparent(workload);
      }
      case Sidecar.Explicit explicit -> {
        outbound.explicit(workload, explicit);
        inbound.explicit(workload, explicit);
      }
    }
    List<Listener> listeners = new ArrayList<>(outbound.listeners());
    listeners.addAll(inbound.listeners());
    return new NodeSnapshot(
            listeners, outbound.routes().values(), clusters.clusters(), clusters.endpoints())
        .ensureConsistent();
  }
}
