package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.SocketAddressConfig;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What active checks say; immutable, published to every worker apart from the configuration.
 *
 * @param healthy the addresses that are well, by cluster; a cluster that is not here is not checked
 */
public record HealthView(Map<String, Set<SocketAddressConfig>> healthy) {
  /** Nothing is checked. */
  public static final HealthView EMPTY = new HealthView(Map.of());

  public HealthView {
    Map<String, Set<SocketAddressConfig>> copy = new HashMap<>();
    healthy.forEach((cluster, addresses) -> copy.put(cluster, Set.copyOf(addresses)));
    healthy = Map.copyOf(copy);
  }

  /** Whether an endpoint may be used, as far as active checks know; true where none are made. */
  public boolean healthy(String cluster, Endpoint endpoint) {
    Set<SocketAddressConfig> well = healthy.get(cluster);
    return well == null || well.contains(endpoint.address());
  }

  /** The clusters of which this says something else than an earlier view. */
  public Set<String> changedSince(HealthView earlier) {
    Set<String> changed = new HashSet<>(healthy.keySet());
    changed.addAll(earlier.healthy.keySet());
    changed.removeIf(cluster -> Objects.equals(healthy.get(cluster), earlier.healthy.get(cluster)));
    return changed;
  }
}
