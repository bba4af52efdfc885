package dev.outrigger.controlplane.inject;

import java.util.Map;

/**
 * Where an object will live.
 *
 * @param namespace empty where it is not known
 * @param namespaceLabels of the namespace; empty where they are not known
 */
public record Scope(String namespace, Map<String, String> namespaceLabels) {
  /** Nothing is known. */
  public static final Scope UNKNOWN = new Scope("", Map.of());

  public Scope {
    namespaceLabels = Map.copyOf(namespaceLabels);
  }

  /** The Pod Security standard that the namespace enforces; empty if none, or not known. */
  String enforced() {
    String level = namespaceLabels.get("pod-security.kubernetes.io/enforce");
    return level == null ? "" : level;
  }
}
