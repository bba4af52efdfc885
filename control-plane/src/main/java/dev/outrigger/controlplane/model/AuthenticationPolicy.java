package dev.outrigger.controlplane.model;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Whom a workload lets in (ours). The nearest says: one with a selector, then one of the namespace,
 * then {@link MeshConfig}; among equals the first by name.
 *
 * @param selector labels of the workloads meant, in its namespace; empty is all of them
 * @param mode null leaves it to the next
 * @param portModes by the port where peers reach the workload
 */
public record AuthenticationPolicy(
    ObjectMeta meta,
    Map<String, String> selector,
    @Nullable MtlsMode mode,
    Map<Integer, MtlsMode> portModes)
    implements MeshObject {
  public AuthenticationPolicy {
    selector = Collections.unmodifiableMap(new TreeMap<>(selector));
    portModes = Collections.unmodifiableMap(new TreeMap<>(portModes));
  }

  @Override
  public Kind kind() {
    return Kind.AUTHENTICATION_POLICY;
  }

  public boolean selects(Workload workload) {
    return workload.meta().namespace().equals(meta.namespace())
        && workload.meta().labels().entrySet().containsAll(selector.entrySet());
  }

  /** Who may connect. */
  public enum MtlsMode {
    /** Members of the mesh only. */
    STRICT,
    /** Members by mutual TLS, everybody else in plain text. */
    PERMISSIVE
  }
}
