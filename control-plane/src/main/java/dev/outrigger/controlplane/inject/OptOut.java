package dev.outrigger.controlplane.inject;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.inject.Injection.Outcome.Left;
import dev.outrigger.controlplane.inject.Injection.Why;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which pods are left alone, and why. */
final class OptOut {
  private static final Set<String> SYSTEM = Set.of("kube-system", "kube-public", "kube-node-lease");

  /** Containers that other meshes put into pods. */
  private static final Map<String, String> FOREIGN_CONTAINERS =
      Map.of(
          "istio-proxy", "Istio",
          "istio-init", "Istio",
          "istio-validation", "Istio",
          "linkerd-proxy", "Linkerd",
          "linkerd-init", "Linkerd",
          "kuma-sidecar", "Kuma",
          "kuma-init", "Kuma",
          "consul-dataplane", "Consul",
          "osm-init", "Open Service Mesh");

  /** What makes another mesh's webhook inject, or shows that it has. */
  private record Sign(String key, Set<String> values, String mesh) {
    boolean in(JsonObject map) {
      return map.has(key) && (values.isEmpty() || values.contains(Json.text(map, key)));
    }
  }

  private static final List<Sign> FOREIGN_SIGNS =
      List.of(
          new Sign("sidecar.istio.io/status", Set.of(), "Istio"),
          new Sign("sidecar.istio.io/inject", Set.of("true"), "Istio"),
          new Sign("linkerd.io/proxy-version", Set.of(), "Linkerd"),
          new Sign("linkerd.io/inject", Set.of("enabled", "ingress"), "Linkerd"),
          new Sign("kuma.io/sidecar-injected", Set.of("true"), "Kuma"),
          new Sign("kuma.io/sidecar-injection", Set.of("enabled", "true"), "Kuma"),
          new Sign("consul.hashicorp.com/connect-inject", Set.of("true"), "Consul"));

  private OptOut() {}

  /**
   * Why a pod is left alone; null if it is not.
   *
   * @param metadata of the pod or of its template
   * @param spec of the pod
   */
  static @Nullable Left of(
      JsonObject metadata, JsonObject spec, Scope scope, InjectionSettings settings) {
    JsonObject labels = Json.object(metadata, "labels");
    JsonObject annotations = Json.object(metadata, "annotations");
    if (isInjected(annotations, spec)) {
      return new Left(Why.ALREADY_INJECTED, "it has the sidecar already");
    }
    if (Json.text(labels, PodOptions.INJECT).equals("disabled")) {
      return new Left(Why.OPTED_OUT, "its label " + PodOptions.INJECT + " is disabled");
    }
    if (Json.text(annotations, PodOptions.INJECT).equals("disabled")) {
      return new Left(Why.OPTED_OUT, "its annotation " + PodOptions.INJECT + " is disabled");
    }
    if ("disabled".equals(scope.namespaceLabels().get(PodOptions.INJECT))
        && !Json.text(labels, PodOptions.INJECT).equals("enabled")) {
      return new Left(
          Why.OPTED_OUT, "its namespace has the label " + PodOptions.INJECT + ": disabled");
    }
    if (SYSTEM.contains(scope.namespace())) {
      return new Left(Why.SYSTEM_NAMESPACE, scope.namespace() + " belongs to Kubernetes itself");
    }
    if (!scope.namespace().isEmpty()
        && scope.namespace().equals(settings.controlPlaneNamespace())) {
      return new Left(
          Why.SYSTEM_NAMESPACE, scope.namespace() + " is where the control plane itself runs");
    }
    if (Json.isTrue(spec, "hostNetwork")) {
      return new Left(
          Why.HOST_NETWORK, "it uses the host's network, whose traffic is not ours to capture");
    }
    if (Json.text(Json.object(spec, "os"), "name").equals("windows")
        || Json.text(Json.object(spec, "nodeSelector"), "kubernetes.io/os").equals("windows")) {
      return new Left(Why.WINDOWS, "it runs on Windows, which the proxy does not");
    }
    @Nullable String mesh = foreignMesh(labels, annotations, spec);
    if (mesh != null) {
      return new Left(Why.OTHER_MESH, "it has, or asks for, a sidecar of " + mesh);
    }
    if (Json.objects(spec, "containers").isEmpty()) {
      return new Left(Why.NO_CONTAINERS, "it has no containers");
    }
    return null;
  }

  private static boolean isInjected(JsonObject annotations, JsonObject spec) {
    return annotations.has(PodOptions.INJECTED)
        || has(spec, "initContainers", SidecarContainers.PROXY)
        || has(spec, "containers", SidecarContainers.PROXY);
  }

  private static boolean has(JsonObject spec, String list, String name) {
    return Json.objects(spec, list).stream()
        .anyMatch(container -> Json.text(container, "name").equals(name));
  }

  private static @Nullable String foreignMesh(
      JsonObject labels, JsonObject annotations, JsonObject spec) {
    for (String list : List.of("initContainers", "containers")) {
      for (JsonObject container : Json.objects(spec, list)) {
        @Nullable String mesh = FOREIGN_CONTAINERS.get(Json.text(container, "name"));
        if (mesh != null) {
          return mesh;
        }
      }
    }
    for (Sign sign : FOREIGN_SIGNS) {
      if (sign.in(labels) || sign.in(annotations)) {
        return sign.mesh();
      }
    }
    return null;
  }
}
