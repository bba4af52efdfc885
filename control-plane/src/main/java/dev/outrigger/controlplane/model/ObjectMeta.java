package dev.outrigger.controlplane.model;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What every object has (Kubernetes: {@code metadata}).
 *
 * @param name a DNS label or subdomain
 * @param namespace a DNS label; {@code default} where none is given
 * @param labels what selectors look at
 * @param annotations hints for the mesh, such as {@code traffic.outrigger.dev/opaque-ports}
 */
public record ObjectMeta(
    String name, String namespace, Map<String, String> labels, Map<String, String> annotations) {
  public static final String DEFAULT_NAMESPACE = "default";

  public ObjectMeta {
    labels = Collections.unmodifiableMap(new TreeMap<>(labels));
    annotations = Collections.unmodifiableMap(new TreeMap<>(annotations));
  }

  /** Whether experiments must leave it alone: {@code chaos.outrigger.dev/protected: "true"}. */
  public boolean isProtected() {
    return "true".equals(annotations.get("chaos.outrigger.dev/protected"));
  }
}
