package dev.outrigger.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The demo's mesh on loopback: who is there, on which ports, and what the control plane reads.
 *
 * @param sidecars one beside each application
 * @param warm how long all is well
 * @param experiment how long the experiment runs
 * @param recovery how long it must be well again
 */
record DemoPlan(List<Sidecar> sidecars, Duration warm, Duration experiment, Duration recovery) {
  static final String EXPERIMENT = "shop/catalog-fails";
  static final int PERCENT = 30;

  private static final List<String> WORKLOADS =
      List.of("frontend-1", "checkout-1", "catalog-1", "catalog-2", "catalog-3");

  /** How many ports a mesh takes. */
  static final int PORTS = WORKLOADS.size() * 4;

  DemoPlan {
    sidecars = List.copyOf(sidecars);
  }

  /**
   * An application with its proxy.
   *
   * @param inbound where peers reach it, at the proxy
   * @param app where the application itself listens
   * @param outbound where the application sends what is for others
   */
  record Sidecar(String workload, int inbound, int app, int outbound, int admin) {
    String role() {
      return workload.substring(0, workload.indexOf('-'));
    }

    String identity() {
      return "spiffe://cluster.local/ns/shop/sa/" + role();
    }
  }

  /**
   * Spreads a time over the phases.
   *
   * @param ports free ones, {@link #PORTS} of them
   */
  static DemoPlan of(List<Integer> ports, Duration time) {
    List<Sidecar> sidecars = new ArrayList<>();
    for (int i = 0; i < WORKLOADS.size(); i++) {
      List<Integer> own = ports.subList(i * 4, i * 4 + 4);
      sidecars.add(new Sidecar(WORKLOADS.get(i), own.get(0), own.get(1), own.get(2), own.get(3)));
    }
    Duration warm = time.multipliedBy(3).dividedBy(10);
    Duration experiment = time.multipliedBy(4).dividedBy(10);
    return new DemoPlan(sidecars, warm, experiment, time.minus(warm).minus(experiment));
  }

  Sidecar sidecar(String workload) {
    return sidecars.stream().filter(s -> s.workload().equals(workload)).findFirst().orElseThrow();
  }

  /** The mesh as YAML. */
  String mesh() {
    StringBuilder yaml =
        new StringBuilder(
            """
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh}
            spec:
              trustDomain: cluster.local
              mtls: {mode: PERMISSIVE}
              accessLog: none
            """);
    for (String service : List.of("frontend", "checkout", "catalog")) {
      yaml.append(
          """
          ---
          apiVersion: v1
          kind: Service
          metadata: {name: %s, namespace: shop}
          spec:
            selector: {app: %s}
            ports: [{name: http, port: 80, targetPort: http, appProtocol: http}]
          """
              .formatted(service, service));
    }
    for (Sidecar sidecar : sidecars) {
      yaml.append(
          """
          ---
          apiVersion: mesh.outrigger.dev/v1alpha1
          kind: Workload
          metadata: {name: %s, namespace: shop, labels: {app: %s}}
          spec:
            address: 127.0.0.1
            serviceAccount: %s
            ports: [{name: http, port: %d, appPort: %d, appProtocol: http}]
            sidecar: {mode: explicit, outbound: "127.0.0.1:%d"}
          """
              .formatted(
                  sidecar.workload(),
                  sidecar.role(),
                  sidecar.role(),
                  sidecar.inbound(),
                  sidecar.app(),
                  sidecar.outbound()));
    }
    return yaml.toString();
  }

  /** The experiment as YAML; it ends by itself if the demo is not there to stop it. */
  String experimentYaml() {
    return """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: catalog-fails, namespace: shop}
        spec:
          hypothesis: the shop shows an error for every request that the catalog refuses, and no more
          owner: demo
          duration: %ds
          lease: 2s
          seed: 7
          start: manual
          faults:
          - name: refuse
            where: request
            abort: {httpStatus: 503}
            match:
              source: {services: [checkout]}
              destination: {services: [catalog]}
            percentage: %d%%
        """
        .formatted(experiment.toSeconds() + 30, PERCENT);
  }
}
