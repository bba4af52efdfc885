package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.ObjectKey;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

/**
 * In what a state differs from the one before. Immutable.
 *
 * @param keys of objects that are new, gone or different
 * @param namespacesOfWorkloads where workloads are among them
 * @param everything whether something changed that may concern every proxy and every service
 */
record StateChange(Set<ObjectKey> keys, Set<String> namespacesOfWorkloads, boolean everything) {

  static StateChange between(DesiredState before, DesiredState after) {
    Set<ObjectKey> keys = after.keysDifferingFrom(before);
    Set<String> workloads = new HashSet<>();
    boolean everything = false;
    for (ObjectKey key : keys) {
      switch (key.kind()) {
        case WORKLOAD -> workloads.add(key.namespace());
        case SERVICE, EXPERIMENT, FREEZE -> {}
        case HTTP_ROUTE,
            GRPC_ROUTE,
            TCP_ROUTE,
            TLS_ROUTE,
            TRAFFIC_POLICY,
            AUTHENTICATION_POLICY,
            MESH_CONFIG ->
            everything = true;
      }
    }
    return new StateChange(keys, workloads, everything);
  }

  boolean isDisjoint(Set<ObjectKey> others) {
    return Collections.disjoint(keys, others);
  }
}
