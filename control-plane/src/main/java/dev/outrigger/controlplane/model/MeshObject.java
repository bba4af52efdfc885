package dev.outrigger.controlplane.model;

/** Anything that people can write. */
public sealed interface MeshObject
    permits AuthenticationPolicy,
        Experiment,
        Freeze,
        HttpRoute,
        MeshConfig,
        Service,
        TrafficPolicy,
        Workload {
  ObjectMeta meta();

  Kind kind();

  /** What tells it from all others. */
  default ObjectKey key() {
    return new ObjectKey(kind(), meta().namespace(), meta().name());
  }

  /** The kinds that are read. */
  enum Kind {
    SERVICE("Service", "v1"),
    WORKLOAD("Workload", "mesh.outrigger.dev/v1alpha1"),
    HTTP_ROUTE("HTTPRoute", "gateway.networking.k8s.io/v1"),
    TRAFFIC_POLICY("TrafficPolicy", "mesh.outrigger.dev/v1alpha1"),
    AUTHENTICATION_POLICY("AuthenticationPolicy", "mesh.outrigger.dev/v1alpha1"),
    MESH_CONFIG("MeshConfig", "mesh.outrigger.dev/v1alpha1"),
    EXPERIMENT("Experiment", "chaos.outrigger.dev/v1alpha1"),
    FREEZE("Freeze", "chaos.outrigger.dev/v1alpha1");

    private final String text;
    private final String apiVersion;

    Kind(String text, String apiVersion) {
      this.text = text;
      this.apiVersion = apiVersion;
    }

    /** As in YAML. */
    public String text() {
      return text;
    }

    public String apiVersion() {
      return apiVersion;
    }
  }
}
