package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.ads.ResourceSet;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshConfig;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What proxies that capture get for all that they call: the same objects for all of them, and for
 * every state in which they are the same. Immutable.
 */
final class OutboundPart {
  private final ResourceSet listeners;
  private final ResourceSet routes;
  private final ResourceSet clusters;
  private final ResourceSet endpoints;

  /** The chains of each service, in order, of which the listener is made. */
  private final List<List<FilterChain>> chains;

  private final Set<Integer> detected;
  private final MeshConfig mesh;

  /**
   * Who gets it.
   *
   * @param ipv6 whether their listeners have addresses of both families
   * @param calls the services that they call; null is all
   */
  record Kind(Callers callers, boolean ipv6, @Nullable List<ServiceName> calls) {}

  /** Resources by name. */
  record Part(
      Map<String, VersionedResource> routes,
      Map<String, VersionedResource> clusters,
      Map<String, VersionedResource> endpoints) {}

  private OutboundPart(
      ResourceSet listeners,
      ResourceSet routes,
      ResourceSet clusters,
      ResourceSet endpoints,
      List<List<FilterChain>> chains,
      Set<Integer> detected,
      MeshConfig mesh) {
    this.listeners = listeners;
    this.routes = routes;
    this.clusters = clusters;
    this.endpoints = endpoints;
    this.chains = chains;
    this.detected = detected;
    this.mesh = mesh;
  }

  ResourceSet listeners() {
    return listeners;
  }

  ResourceSet routes() {
    return routes;
  }

  ResourceSet clusters() {
    return clusters;
  }

  ResourceSet endpoints() {
    return endpoints;
  }

  /**
   * Puts it together.
   *
   * @param services by name; what is missing is made and added
   * @param before of the state before, whose sets stay where they are equal
   */
  static OutboundPart of(
      DesiredState state,
      Kind kind,
      Map<ServiceName, CalledService> services,
      @Nullable OutboundPart before) {
    List<List<FilterChain>> chains = new ArrayList<>();
    Set<Integer> detected = new TreeSet<>();
    Set<String> taken = new HashSet<>();
    Part all = new Part(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
    for (Service service : OutboundListeners.visible(state, kind.calls())) {
      CalledService one =
          services.computeIfAbsent(
              service.serviceName(),
              name -> CalledService.of(state, service, kind.callers(), Set.of(), null));
      if (one.claims().stream().anyMatch(taken::contains)) {
        // Rare, as with two headless services of the same pods: the first by name goes before.
        one = CalledService.of(state, service, kind.callers(), taken, one);
      }
      taken.addAll(one.claims());
      chains.add(one.chains());
      detected.addAll(one.detected());
      all.routes().putAll(one.part().routes());
      all.clusters().putAll(one.part().clusters());
      all.endpoints().putAll(one.part().endpoints());
    }
    NodeDescription node = kind.callers().node();
    Clusters clusters = new Clusters(state, node, "");
    OutboundListeners outbound =
        new OutboundListeners(state, node, clusters, new Filters(state.mesh(), node));
    boolean same =
        before != null
            && state.mesh().equals(before.mesh)
            && detected.equals(before.detected)
            && areSame(chains, before.chains);
    Listener listener =
        outbound.captured(
            same ? List.of() : chains.stream().flatMap(List::stream).toList(),
            detected,
            kind.ipv6());
    all.clusters()
        .putAll(
            CalledService.versioned(
                clusters.clusters(),
                one -> one.getName(),
                before == null ? null : before.clusters));
    return new OutboundPart(
        same && before != null
            ? before.listeners
            : next(
                CalledService.versioned(List.of(listener), one -> one.getName(), null),
                before == null ? null : before.listeners),
        next(all.routes(), before == null ? null : before.routes),
        next(all.clusters(), before == null ? null : before.clusters),
        next(all.endpoints(), before == null ? null : before.endpoints),
        chains,
        detected,
        state.mesh());
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean areSame(List<List<FilterChain>> a, List<List<FilterChain>> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (a.get(i) != b.get(i)) {
        return false;
      }
    }
    return true;
  }

  private static ResourceSet next(
      Map<String, VersionedResource> all, @Nullable ResourceSet before) {
    return before != null && before.equals(all) ? before : ResourceSet.of(all);
  }

  /** Of several kinds of callers, and the services of each. */
  static final class Parts {
    private final DesiredState state;
    private final Callers.Kinds kinds;
    private final Map<Callers, Map<ServiceName, CalledService>> services = new HashMap<>();
    private final Map<Kind, OutboundPart> parts = new HashMap<>();
    private final Map<Kind, OutboundPart> before;

    Parts(DesiredState state) {
      this.state = state;
      this.kinds = new Callers.Kinds(state);
      this.before = Map.of();
    }

    /** What is made of unchanged objects is kept. */
    Parts(DesiredState state, Parts last, StateChange change) {
      this.state = state;
      this.kinds = new Callers.Kinds(state);
      this.before = Map.copyOf(last.parts);
      // What nobody asked for lately is made when somebody does.
      Set<Callers> present = new HashSet<>();
      before.keySet().forEach(kind -> present.add(kind.callers()));
      last.services.forEach(
          (callers, all) -> {
            if (!present.contains(callers)) {
              return;
            }
            Map<ServiceName, CalledService> kept = new HashMap<>();
            all.forEach(
                (name, one) -> {
                  @Nullable Service service = state.service(name);
                  if (service == null) {
                    return;
                  }
                  kept.put(
                      name,
                      !change.everything() && one.isUntouchedBy(change)
                          ? one
                          : CalledService.of(state, service, callers, Set.of(), one));
                });
            services.put(callers, kept);
          });
    }

    Callers callers(NodeDescription node, String zone) {
      return kinds.of(node, zone);
    }

    OutboundPart of(Kind kind) {
      return parts.computeIfAbsent(
          kind,
          key ->
              OutboundPart.of(
                  state,
                  key,
                  services.computeIfAbsent(key.callers(), callers -> new HashMap<>()),
                  before.get(key)));
    }
  }
}
