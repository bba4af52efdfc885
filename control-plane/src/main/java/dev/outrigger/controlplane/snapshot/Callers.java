package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import java.util.HashSet;
import java.util.Set;

/**
 * Proxies that get the same for what they call.
 *
 * @param namespace empty for all namespaces without routes of their own for services of others
 * @param zone empty for those in no zone, and where no endpoint is meant for certain zones
 */
record Callers(String namespace, String zone, Implementation implementation, MeshTls meshTls) {

  /** Any of them; it stands beside no workload. */
  NodeDescription node() {
    return new NodeDescription(namespace, "", implementation, meshTls);
  }

  /** What tells callers of a state apart. */
  static final class Kinds {
    private final Set<String> namespaces = new HashSet<>();
    private boolean zones;

    Kinds(DesiredState state) {
      for (MeshRoute route : state.routes()) {
        String own = route.meta().namespace();
        if (route.parents().stream().anyMatch(one -> !one.service().namespace().equals(own))) {
          namespaces.add(own);
        }
      }
      for (Service service : state.services()) {
        zones |=
            service.members() != null
                && service.members().values().stream().anyMatch(one -> !one.forZones().isEmpty());
      }
    }

    Callers of(NodeDescription node, String zone) {
      return new Callers(
          namespaces.contains(node.namespace()) ? node.namespace() : "",
          zones ? zone : "",
          node.implementation(),
          node.meshTls());
    }
  }
}
