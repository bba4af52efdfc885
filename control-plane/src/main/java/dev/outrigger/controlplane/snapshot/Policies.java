package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.AuthenticationPolicy;
import dev.outrigger.controlplane.model.AuthenticationPolicy.MtlsMode;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import org.jspecify.annotations.Nullable;

/** Which of the objects that say something about a thing counts. */
final class Policies {
  private Policies() {}

  /** A policy for the port, otherwise one for the service; the first by name. */
  static @Nullable TrafficPolicy traffic(DesiredState state, ServiceName service, int port) {
    @Nullable TrafficPolicy general = null;
    for (TrafficPolicy policy : state.trafficPolicies()) {
      for (ServiceRef target : policy.targets()) {
        if (!target.covers(service, port)
            || !policy.meta().namespace().equals(service.namespace())) {
          continue;
        }
        if (target.port().isPresent()) {
          return policy;
        }
        if (general == null) {
          general = policy;
        }
      }
    }
    return general;
  }

  /**
   * Who may connect to a port of a workload.
   *
   * @param port where peers reach it; 0 for a port that the workload does not list
   */
  static MtlsMode mtls(DesiredState state, Workload workload, int port) {
    @Nullable MtlsMode chosen = null;
    for (boolean withSelector : new boolean[] {true, false}) {
      for (AuthenticationPolicy policy : state.authenticationPolicies()) {
        if (policy.selector().isEmpty() == withSelector || !policy.selects(workload)) {
          continue;
        }
        @Nullable MtlsMode forPort = policy.portModes().get(port);
        if (forPort != null) {
          return forPort;
        }
        if (chosen == null) {
          chosen = policy.mode();
        }
      }
      if (chosen != null) {
        return chosen;
      }
    }
    return state.mesh().mtls();
  }
}
