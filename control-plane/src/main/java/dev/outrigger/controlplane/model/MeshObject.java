package dev.outrigger.controlplane.model;

/** Anything that people can write. */
public sealed interface MeshObject
    permits AuthenticationPolicy,
        Experiment,
        Freeze,
        MeshConfig,
        MeshRoute,
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
    HTTP_ROUTE("HTTPRoute", "gateway.networking.k8s.io/v1", "v1beta1"),
    GRPC_ROUTE("GRPCRoute", "gateway.networking.k8s.io/v1", "v1alpha2"),
    TCP_ROUTE("TCPRoute", "gateway.networking.k8s.io/v1", "v1alpha2"),
    TLS_ROUTE("TLSRoute", "gateway.networking.k8s.io/v1", "v1alpha3", "v1alpha2"),
    TRAFFIC_POLICY("TrafficPolicy", "mesh.outrigger.dev/v1alpha1"),
    AUTHENTICATION_POLICY("AuthenticationPolicy", "mesh.outrigger.dev/v1alpha1"),
    MESH_CONFIG("MeshConfig", "mesh.outrigger.dev/v1alpha1"),
    EXPERIMENT("Experiment", "chaos.outrigger.dev/v1alpha1"),
    FREEZE("Freeze", "chaos.outrigger.dev/v1alpha1");

    private final String text;
    private final String apiVersion;

    /** Versions with the same fields, each between blanks. */
    private final String older;

    Kind(String text, String apiVersion, String... older) {
      this.text = text;
      this.apiVersion = apiVersion;
      this.older = " " + String.join(" ", older) + " ";
    }

    /** As in YAML. */
    public String text() {
      return text;
    }

    public String apiVersion() {
      return apiVersion;
    }

    /** Whether it is written so, or was before it was called stable: the fields are the same. */
    public boolean isApiVersion(String text) {
      String group = apiVersion.substring(0, apiVersion.indexOf('/') + 1);
      return text.equals(apiVersion)
          || text.startsWith(group) && older.contains(" " + text.substring(group.length()) + " ");
    }
  }
}
