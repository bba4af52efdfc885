package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.extension.Unresolved;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the bootstrap itself lists, by name. It is there before any control plane answers, and a
 * dynamic resource of the same name does not replace it.
 */
public record StaticResources(
    Map<String, Unresolved<ListenerConfig>> listeners,
    Map<String, Unresolved<ClusterConfig>> clusters,
    Map<String, SecretConfig> secrets) {
  public static final StaticResources NONE = new StaticResources(Map.of(), Map.of(), Map.of());

  public StaticResources {
    listeners = Collections.unmodifiableMap(new LinkedHashMap<>(listeners));
    clusters = Collections.unmodifiableMap(new LinkedHashMap<>(clusters));
    secrets = Map.copyOf(secrets);
  }
}
