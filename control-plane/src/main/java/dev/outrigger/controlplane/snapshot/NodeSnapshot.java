package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.outrigger.controlplane.ads.ResourceSet;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ads.XdsType;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import io.envoyproxy.envoy.config.route.v3.WeightedCluster;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What one proxy should have: listeners, routes, clusters and endpoints. Immutable. */
public final class NodeSnapshot implements ResourceView {
  /** Nothing, for a proxy whose workload nobody described. */
  public static final NodeSnapshot EMPTY =
      new NodeSnapshot(List.of(), List.of(), List.of(), List.of());

  private final Map<String, Listener> listeners = new TreeMap<>();
  private final Map<String, RouteConfiguration> routes = new TreeMap<>();
  private final Map<String, Cluster> clusters = new TreeMap<>();
  private final Map<String, ClusterLoadAssignment> endpoints = new TreeMap<>();
  private final Map<String, Map<String, VersionedResource>> byType;

  NodeSnapshot(
      Collection<Listener> listeners,
      Collection<RouteConfiguration> routes,
      Collection<Cluster> clusters,
      Collection<ClusterLoadAssignment> endpoints) {
    listeners.forEach(one -> this.listeners.put(one.getName(), one));
    routes.forEach(one -> this.routes.put(one.getName(), one));
    clusters.forEach(one -> this.clusters.put(one.getName(), one));
    endpoints.forEach(one -> this.endpoints.put(one.getClusterName(), one));
    byType =
        Map.of(
            XdsType.LISTENER, versioned(this.listeners),
            XdsType.ROUTE, versioned(this.routes),
            XdsType.CLUSTER, versioned(this.clusters),
            XdsType.ENDPOINT, versioned(this.endpoints));
  }

  private static Map<String, VersionedResource> versioned(Map<String, ? extends Message> all) {
    Map<String, VersionedResource> versioned = new LinkedHashMap<>();
    all.forEach((name, message) -> versioned.put(name, VersionedResource.of(message)));
    return ResourceSet.of(versioned);
  }

  @Override
  public Map<String, VersionedResource> resources(String typeUrl) {
    return byType.getOrDefault(typeUrl, Map.of());
  }

  public Map<String, Listener> listeners() {
    return Collections.unmodifiableMap(listeners);
  }

  public Map<String, RouteConfiguration> routes() {
    return Collections.unmodifiableMap(routes);
  }

  public Map<String, Cluster> clusters() {
    return Collections.unmodifiableMap(clusters);
  }

  /** By the name under which clusters ask for them. */
  public Map<String, ClusterLoadAssignment> endpoints() {
    return Collections.unmodifiableMap(endpoints);
  }

  /**
   * Checks that every name resolves and that nothing is there that nobody names.
   *
   * @throws IllegalStateException with all that is wrong; a bug of ours
   */
  public NodeSnapshot ensureConsistent() {
    List<String> wrong = new ArrayList<>();
    Set<String> usedRoutes = new TreeSet<>();
    Set<String> usedClusters = new TreeSet<>();
    Set<String> usedEndpoints = new TreeSet<>();
    try {
      for (Listener listener : listeners.values()) {
        for (FilterChain chain : listener.getFilterChainsList()) {
          collect(chain, usedRoutes, usedClusters);
        }
        if (listener.hasDefaultFilterChain()) {
          collect(listener.getDefaultFilterChain(), usedRoutes, usedClusters);
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
    routes.values().forEach(table -> collect(table, usedClusters));
    for (Cluster cluster : clusters.values()) {
      if (cluster.getType() == Cluster.DiscoveryType.EDS) {
        String service = cluster.getEdsClusterConfig().getServiceName();
        usedEndpoints.add(service.isEmpty() ? cluster.getName() : service);
      }
    }
    compare("route table", usedRoutes, routes.keySet(), wrong);
    compare("cluster", usedClusters, clusters.keySet(), wrong);
    compare("endpoints", usedEndpoints, endpoints.keySet(), wrong);
    if (!wrong.isEmpty()) {
      throw new IllegalStateException("inconsistent snapshot: " + String.join("; ", wrong));
    }
    return this;
  }

  private static void compare(
      String what, Set<String> used, Set<String> present, List<String> wrong) {
    for (String name : used) {
      if (!present.contains(name)) {
        wrong.add("the " + what + " '" + name + "' is named and not there");
      }
    }
    for (String name : present) {
      if (!used.contains(name)) {
        wrong.add("the " + what + " '" + name + "' is there and nobody names it");
      }
    }
  }

  private static void collect(FilterChain chain, Set<String> routes, Set<String> clusters)
      throws InvalidProtocolBufferException {
    for (Filter filter : chain.getFiltersList()) {
      Any any = filter.getTypedConfig();
      if (any.is(TcpProxy.class)) {
        TcpProxy proxy = any.unpack(TcpProxy.class);
        if (proxy.hasWeightedClusters()) {
          proxy.getWeightedClusters().getClustersList().forEach(one -> clusters.add(one.getName()));
        } else {
          clusters.add(proxy.getCluster());
        }
      } else if (any.is(HttpConnectionManager.class)) {
        HttpConnectionManager manager = any.unpack(HttpConnectionManager.class);
        if (manager.hasRds()) {
          routes.add(manager.getRds().getRouteConfigName());
        } else {
          collect(manager.getRouteConfig(), clusters);
        }
      }
    }
  }

  private static void collect(RouteConfiguration table, Set<String> clusters) {
    for (VirtualHost host : table.getVirtualHostsList()) {
      for (Route route : host.getRoutesList()) {
        if (!route.hasRoute()) {
          continue;
        }
        route
            .getRoute()
            .getRequestMirrorPoliciesList()
            .forEach(copy -> clusters.add(copy.getCluster()));
        if (route.getRoute().hasWeightedClusters()) {
          for (WeightedCluster.ClusterWeight one :
              route.getRoute().getWeightedClusters().getClustersList()) {
            clusters.add(one.getName());
          }
        } else {
          clusters.add(route.getRoute().getCluster());
        }
      }
    }
  }
}
