package dev.outrigger.controlplane.kubernetes;

import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.util.List;

/**
 * A kind that is read from a cluster.
 *
 * @param group empty for the core group
 * @param required whether the control plane cannot do without; others may be installed later
 * @param statusOurs whether its status is written
 */
record WatchedKind(
    String group,
    String version,
    String kind,
    String plural,
    boolean namespaced,
    boolean required,
    boolean statusOurs) {
  private static final String GATEWAY = "gateway.networking.k8s.io";
  private static final String MESH = "mesh.outrigger.dev";
  private static final String CHAOS = "chaos.outrigger.dev";

  /** Of several versions of one kind the first that the server serves is read. */
  static List<WatchedKind> all() {
    return List.of(
        new WatchedKind("", "v1", "Service", "services", true, true, false),
        new WatchedKind("", "v1", "Pod", "pods", true, true, false),
        new WatchedKind("", "v1", "Node", "nodes", false, false, false),
        new WatchedKind(
            "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true, true, false),
        ours(MESH, "Workload", "workloads"),
        ours(MESH, "TrafficPolicy", "trafficpolicies"),
        ours(MESH, "AuthenticationPolicy", "authenticationpolicies"),
        ours(MESH, "MeshConfig", "meshconfigs"),
        ours(CHAOS, "Experiment", "experiments"),
        ours(CHAOS, "Freeze", "freezes"),
        route("v1", "HTTPRoute", "httproutes"),
        route("v1", "GRPCRoute", "grpcroutes"),
        route("v1", "TCPRoute", "tcproutes"),
        route("v1alpha2", "TCPRoute", "tcproutes"),
        route("v1", "TLSRoute", "tlsroutes"),
        route("v1alpha3", "TLSRoute", "tlsroutes"),
        route("v1alpha2", "TLSRoute", "tlsroutes"),
        grant("v1"),
        grant("v1beta1"));
  }

  private static WatchedKind grant(String version) {
    return new WatchedKind(
        GATEWAY, version, "ReferenceGrant", "referencegrants", true, false, false);
  }

  private static WatchedKind ours(String group, String kind, String plural) {
    return new WatchedKind(group, "v1alpha1", kind, plural, true, true, true);
  }

  private static WatchedKind route(String version, String kind, String plural) {
    return new WatchedKind(GATEWAY, version, kind, plural, true, false, true);
  }

  String apiVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  ResourceDefinitionContext context() {
    return new ResourceDefinitionContext.Builder()
        .withGroup(group)
        .withVersion(version)
        .withKind(kind)
        .withPlural(plural)
        .withNamespaced(namespaced)
        .build();
  }
}
