package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Walks from listeners over routes and clusters to endpoints and secrets, and builds one consistent
 * configuration. Confined to the config loop.
 *
 * <p>A listener or cluster with an unanswered need waits: what was assembled of it before goes on
 * being used, and others are not held up by it. Before the first publication there is nothing to go
 * on with, so all of them are waited for.
 */
final class ConfigAssembler {
  private final StaticResources statics;
  private final ResourceStore store;
  private final Map<String, SecretConfig> localSecrets = new HashMap<>();
  private final Consumer<RuntimeConfig> publish;

  private Map<String, ClusterConfig> lastClusters = new HashMap<>();
  private Map<String, ListenerConfig> lastListeners = new LinkedHashMap<>();
  private @Nullable RuntimeConfig last;
  private @Nullable RuntimeConfig lastPublished;
  private Map<String, String> problems = Map.of();

  /** Which of them only wait for an answer. */
  private Set<String> unanswered = new HashSet<>();

  ConfigAssembler(StaticResources statics, ResourceStore store, Consumer<RuntimeConfig> publish) {
    this.statics = statics;
    this.store = store;
    this.publish = publish;
  }

  void onLocalSecret(String name, SecretConfig secret) {
    localSecrets.put(name, secret);
  }

  /** What holds a listener or cluster back, by {@code listener NAME} or {@code cluster NAME}. */
  Map<String, String> problems() {
    return problems;
  }

  /** Whether anything waits for an answer that has not come. */
  boolean isWaiting() {
    return !unanswered.isEmpty();
  }

  /** The names of a type that listeners and clusters need and the control plane must give. */
  Map<String, Set<String>> wantedNames() {
    Map<String, Set<String>> wanted = new HashMap<>();
    for (String type : List.of(TypeUrls.ENDPOINT, TypeUrls.SECRET, TypeUrls.ROUTE)) {
      wanted.put(type, new TreeSet<>());
    }
    List<Unresolved<?>> all = new ArrayList<>();
    all.addAll(current(TypeUrls.CLUSTER, statics.clusters()).values());
    all.addAll(current(TypeUrls.LISTENER, statics.listeners()).values());
    for (Unresolved<?> one : all) {
      for (ResourceRef need : one.needs()) {
        if (!isOwn(need)) {
          wanted.computeIfAbsent(need.typeUrl(), type -> new TreeSet<>()).add(need.name());
        }
      }
    }
    return wanted;
  }

  /** Builds and publishes, if there is something new that is whole. */
  void assemble() {
    boolean complete = store.isAnswered(TypeUrls.CLUSTER) && store.isAnswered(TypeUrls.LISTENER);
    unanswered = new HashSet<>();
    Map<String, String> held = new TreeMap<>();
    Map<String, Unresolved<ClusterConfig>> clusters = current(TypeUrls.CLUSTER, statics.clusters());
    Map<String, ClusterConfig> readyClusters = new HashMap<>();
    Set<String> waiting = new HashSet<>();
    clusters.forEach(
        (name, cluster) -> {
          ClusterConfig ready = resolve("cluster " + name, cluster, held);
          if (ready == null) {
            ready = lastClusters.get(name);
            waiting.add(name);
          }
          if (ready != null) {
            readyClusters.put(name, ready);
          }
        });
    Map<String, ListenerConfig> readyListeners = new LinkedHashMap<>();
    Map<String, Unresolved<ListenerConfig>> listeners =
        current(TypeUrls.LISTENER, statics.listeners());
    for (Map.Entry<String, Unresolved<ListenerConfig>> entry : listeners.entrySet()) {
      String name = entry.getKey();
      ListenerConfig ready = resolve("listener " + name, entry.getValue(), held);
      if (ready != null) {
        String missing = firstUnready(ready, readyClusters, waiting);
        if (missing != null) {
          held.put("listener " + name, "waits for the cluster " + missing);
          ready = null;
        }
      }
      if (ready == null) {
        ready = lastListeners.get(name);
        if (ready != null) {
          // What goes on being used may still send to clusters that are gone from the new set.
          keepClustersOf(ready, readyClusters);
        }
      }
      if (ready != null) {
        readyListeners.put(name, ready);
      }
    }
    problems = Map.copyOf(held);
    if (last == null && (!complete || isWaiting())) {
      publishStaticsAlone(complete);
      return;
    }
    publish(readyListeners, readyClusters);
  }

  /**
   * Until the control plane has been heard for the first time, the bootstrap's own listeners serve
   * already if they need nothing else.
   */
  private void publishStaticsAlone(boolean complete) {
    if (complete || statics.listeners().isEmpty()) {
      return;
    }
    Map<String, ClusterConfig> clusters = new HashMap<>();
    Map<String, ListenerConfig> listeners = new LinkedHashMap<>();
    Map<String, String> held = new TreeMap<>();
    statics
        .clusters()
        .forEach(
            (name, cluster) -> {
              ClusterConfig ready = resolve(name, cluster, held);
              if (ready != null) {
                clusters.put(name, ready);
              }
            });
    statics
        .listeners()
        .forEach(
            (name, listener) -> {
              ListenerConfig ready = resolve(name, listener, held);
              if (ready != null && clusters.keySet().containsAll(clustersOf(ready))) {
                listeners.put(name, ready);
              }
            });
    if (!listeners.isEmpty()) {
      publishValue(new RuntimeConfig(List.copyOf(listeners.values()), clusters), false);
    }
  }

  private void publish(Map<String, ListenerConfig> listeners, Map<String, ClusterConfig> clusters) {
    lastListeners = listeners;
    lastClusters = clusters;
    publishValue(new RuntimeConfig(List.copyOf(listeners.values()), clusters), true);
  }

  private void publishValue(RuntimeConfig next, boolean whole) {
    if (whole) {
      last = next;
    }
    if (!next.equals(lastPublished)) {
      lastPublished = next;
      publish.accept(next);
    }
  }

  /** The static and the dynamic ones of a type; the static one of a name wins. */
  @SuppressWarnings("unchecked") // The store holds what the type's decoder gave.
  private <R> Map<String, Unresolved<R>> current(String typeUrl, Map<String, Unresolved<R>> fixed) {
    Map<String, Unresolved<R>> all = new LinkedHashMap<>(fixed);
    store
        .watches(typeUrl)
        .forEach(
            (name, watch) -> {
              Watch.Held held = watch.held();
              if (held != null) {
                all.putIfAbsent(name, (Unresolved<R>) held.value());
              }
            });
    return all;
  }

  /** Null if it has to wait or does not fit; the reason is noted. */
  private <R> @Nullable R resolve(String what, Unresolved<R> resource, Map<String, String> held) {
    for (ResourceRef need : resource.needs()) {
      String name = TypeUrls.shortName(need.typeUrl()) + " '" + need.name() + "'";
      switch (answerTo(need)) {
        case USABLE -> {}
        case UNANSWERED -> {
          unanswered.add(what);
          held.put(what, "waits for the " + name);
          return null;
        }
        case REFUSED -> {
          held.put(what, "the " + name + " was refused");
          return null;
        }
        case MISSING -> {
          held.put(what, "the " + name + " does not exist");
          return null;
        }
      }
    }
    try {
      return resource.resolve(new Lookup());
    } catch (InvalidResourceException e) {
      held.put(what, e.getMessage());
      return null;
    }
  }

  /** What the control plane has said to a need. */
  private enum Answer {
    USABLE,
    UNANSWERED,
    REFUSED,
    MISSING
  }

  private Answer answerTo(ResourceRef need) {
    if (isOwn(need)) {
      return localSecrets.containsKey(need.name()) || statics.secrets().containsKey(need.name())
          ? Answer.USABLE
          : Answer.UNANSWERED;
    }
    Watch watch = store.find(need);
    if (watch == null || !watch.isAnswered()) {
      return watch != null && watch.rejection() != null ? Answer.REFUSED : Answer.UNANSWERED;
    }
    // An absent route table answers 404 and absent endpoints 503; without a secret there would be
    // no identity to show or nobody to trust.
    return watch.held() == null && need.typeUrl().equals(TypeUrls.SECRET)
        ? Answer.MISSING
        : Answer.USABLE;
  }

  private boolean isOwn(ResourceRef need) {
    return need.typeUrl().equals(TypeUrls.SECRET)
        && (LocalSecrets.isLocal(need.name()) || statics.secrets().containsKey(need.name()));
  }

  private static @Nullable String firstUnready(
      ListenerConfig listener, Map<String, ClusterConfig> ready, Set<String> waiting) {
    for (String cluster : clustersOf(listener)) {
      // A cluster that exists nowhere is an answer too: requests to it are told so.
      if (waiting.contains(cluster) && !ready.containsKey(cluster)) {
        return cluster;
      }
    }
    return null;
  }

  private void keepClustersOf(ListenerConfig listener, Map<String, ClusterConfig> clusters) {
    for (String name : clustersOf(listener)) {
      ClusterConfig before = lastClusters.get(name);
      if (before != null) {
        clusters.putIfAbsent(name, before);
      }
    }
  }

  private static Set<String> clustersOf(ListenerConfig listener) {
    Set<String> names = new TreeSet<>();
    List<FilterChainConfig> chains = new ArrayList<>(listener.chains());
    if (listener.defaultChain() != null) {
      chains.add(listener.defaultChain());
    }
    for (FilterChainConfig chain : chains) {
      switch (chain.network()) {
        case NetworkFilter.Tcp tcp -> addAll(names, tcp.clusters());
        case NetworkFilter.Http http -> addRoutes(names, http.config().routes());
      }
    }
    return names;
  }

  private static void addRoutes(Set<String> names, RouteTableConfig routes) {
    for (RouteTableConfig.VirtualHost host : routes.virtualHosts()) {
      for (RouteTableConfig.Route route : host.routes()) {
        switch (route.action()) {
          case RouteTableConfig.Action.Forward forward -> addAll(names, forward.clusters());
          case RouteTableConfig.Action.Direct _, RouteTableConfig.Action.Redirect _ -> {}
        }
      }
    }
  }

  private static void addAll(Set<String> names, List<WeightedCluster> clusters) {
    clusters.forEach(one -> names.add(one.cluster()));
  }

  /** The answered resources, as their users see them. */
  private final class Lookup implements ResourceLookup {
    @Override
    public RouteTableConfig routes(String name) {
      Object value = valueOf(TypeUrls.ROUTE, name);
      return value == null ? new RouteTableConfig(name, List.of()) : (RouteTableConfig) value;
    }

    @Override
    public EndpointSet endpoints(String name) {
      Object value = valueOf(TypeUrls.ENDPOINT, name);
      return value == null ? EndpointSet.EMPTY : (EndpointSet) value;
    }

    @Override
    public SecretConfig secret(String name) {
      SecretConfig own = localSecrets.get(name);
      if (own == null) {
        own = statics.secrets().get(name);
      }
      if (own != null) {
        return own;
      }
      Object value = valueOf(TypeUrls.SECRET, name);
      if (value == null) {
        throw new IllegalStateException("the secret " + name + " is not held");
      }
      return (SecretConfig) value;
    }

    private @Nullable Object valueOf(String typeUrl, String name) {
      Watch watch = store.find(new ResourceRef(typeUrl, name));
      if (watch == null || !watch.isAnswered()) {
        throw new IllegalStateException(
            "the " + TypeUrls.shortName(typeUrl) + " " + name + " was not among the needs");
      }
      Watch.Held held = watch.held();
      return held == null ? null : held.value();
    }
  }
}
