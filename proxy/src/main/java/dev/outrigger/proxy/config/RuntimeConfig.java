package dev.outrigger.proxy.config;

import java.util.List;
import java.util.Map;

/**
 * All that the data plane does, as one consistent value: every name in it resolves. Built by the
 * configuration side, compared with the last one, then compiled and published whole.
 *
 * @param listeners by name, each name once
 * @param clusters by name; every cluster that a route or a TCP proxy names is here
 */
public record RuntimeConfig(List<ListenerConfig> listeners, Map<String, ClusterConfig> clusters) {
  public RuntimeConfig {
    listeners = List.copyOf(listeners);
    clusters = Map.copyOf(clusters);
  }

  /** A configuration that does nothing. */
  public static RuntimeConfig empty() {
    return new RuntimeConfig(List.of(), Map.of());
  }
}
