package dev.outrigger.controlplane.model;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What every object has (Kubernetes: {@code metadata}).
 *
 * @param name a DNS label or subdomain
 * @param namespace a DNS label; {@code default} where none is given
 * @param labels what selectors look at
 * @param annotations hints for the mesh, such as {@code traffic.outrigger.dev/opaque-ports}
 * @param created null where nobody said so, as in most files
 */
public record ObjectMeta(
    String name,
    String namespace,
    Map<String, String> labels,
    Map<String, String> annotations,
    @Nullable Instant created) {
  public static final String DEFAULT_NAMESPACE = "default";

  public ObjectMeta {
    labels = Collections.unmodifiableMap(new TreeMap<>(labels));
    annotations = Collections.unmodifiableMap(new TreeMap<>(annotations));
  }

  /** One of which it is not known when it was created. */
  public ObjectMeta(
      String name, String namespace, Map<String, String> labels, Map<String, String> annotations) {
    this(name, namespace, labels, annotations, null);
  }

  /** For the order of age: one of which it is not known comes last. */
  public Instant createdOrNever() {
    return created == null ? Instant.MAX : created;
  }

  /** Whether experiments must leave it alone: {@code chaos.outrigger.dev/protected: "true"}. */
  public boolean isProtected() {
    return "true".equals(annotations.get("chaos.outrigger.dev/protected"));
  }
}
