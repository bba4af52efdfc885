package dev.outrigger.controlplane.ads;

import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.AggregatedConfigSource;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.endpoint.v3.LocalityLbEndpoints;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** One view for everybody, changed by the test. */
final class MutableViews implements ViewSource {
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile Map<String, Map<String, VersionedResource>> all = Map.of();

  @Override
  public ResourceView viewFor(ProxyNode proxy) {
    Map<String, Map<String, VersionedResource>> now = all;
    return typeUrl -> now.getOrDefault(typeUrl, Map.of());
  }

  @Override
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** Collects changes that are shown at once. */
  Change change() {
    Map<String, Map<String, VersionedResource>> next = new TreeMap<>();
    all.forEach((type, resources) -> next.put(type, new TreeMap<>(resources)));
    return new Change(next);
  }

  final class Change {
    private final Map<String, Map<String, VersionedResource>> next;

    private Change(Map<String, Map<String, VersionedResource>> next) {
      this.next = next;
    }

    Change put(String name, Message message) {
      return put(name, message, null);
    }

    Change put(String name, Message message, java.time.@Nullable Duration ttl) {
      String type = "type.googleapis.com/" + message.getDescriptorForType().getFullName();
      next.computeIfAbsent(type, any -> new TreeMap<>())
          .put(name, VersionedResource.of(message, ttl));
      return this;
    }

    Change remove(String type, String name) {
      next.get(type).remove(name);
      return this;
    }

    void show() {
      all = next;
      listeners.forEach(Runnable::run);
    }
  }

  static Cluster edsCluster(String name, int connectTimeoutSeconds) {
    return Cluster.newBuilder()
        .setName(name)
        .setType(Cluster.DiscoveryType.EDS)
        .setConnectTimeout(Duration.newBuilder().setSeconds(connectTimeoutSeconds))
        .setEdsClusterConfig(
            Cluster.EdsClusterConfig.newBuilder()
                .setEdsConfig(
                    ConfigSource.newBuilder().setAds(AggregatedConfigSource.getDefaultInstance())))
        .build();
  }

  static Cluster plainCluster(String name, int connectTimeoutSeconds) {
    return Cluster.newBuilder()
        .setName(name)
        .setConnectTimeout(Duration.newBuilder().setSeconds(connectTimeoutSeconds))
        .build();
  }

  static ClusterLoadAssignment endpoints(String name, int priority) {
    return ClusterLoadAssignment.newBuilder()
        .setClusterName(name)
        .addEndpoints(LocalityLbEndpoints.newBuilder().setPriority(priority))
        .build();
  }

  static Listener listener(String name, String statPrefix) {
    return Listener.newBuilder().setName(name).setStatPrefix(statPrefix).build();
  }

  static RouteConfiguration routes(String name, int maxDirectBody) {
    return RouteConfiguration.newBuilder()
        .setName(name)
        .setMaxDirectResponseBodySizeBytes(com.google.protobuf.UInt32Value.of(maxDirectBody))
        .build();
  }
}
