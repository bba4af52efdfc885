package dev.outrigger.controlplane.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** All that is wanted, at one moment. Immutable; equal states behave equally. */
public final class DesiredState {
  private static final DesiredState EMPTY = new DesiredState(new TreeMap<>());

  private final NavigableMap<ObjectKey, MeshObject> objects;
  private final MeshConfig mesh;
  private final List<Service> services;
  private final List<Workload> workloads;
  private final List<MeshRoute> routes;
  private final Map<ServiceName, List<MeshRoute>> routesByParent;
  private final Set<ServiceName> servingProtected;
  private final List<TrafficPolicy> trafficPolicies;
  private final List<AuthenticationPolicy> authenticationPolicies;
  private final List<Experiment> experiments;
  private final List<Freeze> freezes;

  /** Made when it is asked for; two threads that both make it make the same. */
  private volatile @Nullable ServiceIndex index;

  private DesiredState(NavigableMap<ObjectKey, MeshObject> objects) {
    this.objects = Collections.unmodifiableNavigableMap(objects);
    List<MeshConfig> configs = new ArrayList<>();
    List<Service> services = new ArrayList<>();
    List<Workload> workloads = new ArrayList<>();
    List<MeshRoute> routes = new ArrayList<>();
    List<TrafficPolicy> traffic = new ArrayList<>();
    List<AuthenticationPolicy> authentication = new ArrayList<>();
    List<Experiment> experiments = new ArrayList<>();
    List<Freeze> freezes = new ArrayList<>();
    for (MeshObject object : objects.values()) {
      switch (object) {
        case AuthenticationPolicy policy -> authentication.add(policy);
        case Experiment experiment -> experiments.add(experiment);
        case Freeze freeze -> freezes.add(freeze);
        case MeshRoute route -> routes.add(route);
        case MeshConfig config -> configs.add(config);
        case Service service -> services.add(service);
        case TrafficPolicy policy -> traffic.add(policy);
        case Workload workload -> workloads.add(workload);
      }
    }
    this.mesh = configs.isEmpty() ? MeshConfig.DEFAULT : configs.getFirst();
    this.services = List.copyOf(services);
    this.workloads = List.copyOf(workloads);
    this.routes = List.copyOf(routes);
    this.routesByParent = byParent(routes);
    this.trafficPolicies = List.copyOf(traffic);
    this.authenticationPolicies = List.copyOf(authentication);
    this.experiments = List.copyOf(experiments);
    this.freezes = List.copyOf(freezes);
    this.servingProtected = servingProtected();
  }

  public static DesiredState empty() {
    return EMPTY;
  }

  /** A state of these objects; of two with the same key the later one counts. */
  public static DesiredState of(Collection<? extends MeshObject> objects) {
    NavigableMap<ObjectKey, MeshObject> byKey = new TreeMap<>();
    for (MeshObject object : objects) {
      byKey.put(object.key(), object);
    }
    return new DesiredState(byKey);
  }

  /** All objects in the order of their keys. */
  public Collection<MeshObject> objects() {
    return objects.values();
  }

  /** What holds for the whole mesh; the defaults where nobody wrote any. */
  public MeshConfig mesh() {
    return mesh;
  }

  public List<Service> services() {
    return services;
  }

  public List<Workload> workloads() {
    return workloads;
  }

  /** Routes of all kinds, by kind, namespace and name. */
  public List<MeshRoute> routes() {
    return routes;
  }

  /** Those that have the service as a parent, the oldest first. */
  public List<MeshRoute> routesOf(ServiceName service) {
    return routesByParent.getOrDefault(service, List.of());
  }

  /** Where routes may send what is meant for a service; that service itself is not among them. */
  public Set<ServiceName> sentTo(ServiceName service) {
    Set<ServiceName> backends = new TreeSet<>();
    for (MeshRoute route : routesOf(service)) {
      route.allBackends().forEach(backend -> backends.add(backend.service()));
    }
    backends.remove(service);
    return backends;
  }

  private static Map<ServiceName, List<MeshRoute>> byParent(List<MeshRoute> routes) {
    Map<ServiceName, List<MeshRoute>> byParent = new HashMap<>();
    for (MeshRoute route : routes) {
      route.parents().stream()
          .map(ServiceRef::service)
          .distinct()
          .forEach(one -> byParent.computeIfAbsent(one, key -> new ArrayList<>()).add(route));
    }
    byParent.values().forEach(about -> about.sort(MeshRoute.AGE));
    return byParent;
  }

  public List<TrafficPolicy> trafficPolicies() {
    return trafficPolicies;
  }

  public List<AuthenticationPolicy> authenticationPolicies() {
    return authenticationPolicies;
  }

  public List<Experiment> experiments() {
    return experiments;
  }

  /** While there is one, what it covers does not start. */
  public List<Freeze> freezes() {
    return freezes;
  }

  /** Whether experiments leave it alone: it says so itself, or the mesh's limits do. */
  public boolean isProtected(ServiceName name) {
    @Nullable Service service = service(name);
    return mesh.chaos().isProtected(name) || service != null && service.meta().isProtected();
  }

  /**
   * Whether a route sends what is for a protected service to this one, copies aside. What arrives
   * there does not tell what was called.
   */
  public boolean servesProtected(ServiceName name) {
    return servingProtected.contains(name);
  }

  private Set<ServiceName> servingProtected() {
    Set<ServiceName> serving = new HashSet<>();
    routesByParent.forEach(
        (parent, about) -> {
          if (isProtected(parent)) {
            about.forEach(
                route -> route.backends().forEach(backend -> serving.add(backend.service())));
          }
        });
    return serving;
  }

  public @Nullable Service service(ServiceName name) {
    return (Service)
        objects.get(new ObjectKey(MeshObject.Kind.SERVICE, name.namespace(), name.name()));
  }

  public @Nullable Workload workload(String namespace, String name) {
    return (Workload) objects.get(new ObjectKey(MeshObject.Kind.WORKLOAD, namespace, name));
  }

  public @Nullable Experiment experiment(String namespace, String name) {
    return (Experiment) objects.get(new ObjectKey(MeshObject.Kind.EXPERIMENT, namespace, name));
  }

  /** The workloads behind a service, by namespace and name. */
  public List<Workload> workloadsOf(Service service) {
    if (service.members() != null) {
      List<Workload> listed = new ArrayList<>();
      for (String name : service.members().keySet()) {
        @Nullable Workload workload = workload(service.meta().namespace(), name);
        if (workload != null) {
          listed.add(workload);
        }
      }
      return listed;
    }
    return workloads.stream().filter(service::selects).toList();
  }

  /**
   * Those of them that a caller of a zone shall take: where each is meant for certain zones, and
   * one for this zone, only the ones for this zone (Kubernetes: hints of {@code EndpointSlice}).
   * Those that are about to end have no hint and say nothing about the others.
   *
   * @param zone empty where it is not known
   */
  public List<Workload> workloadsOf(Service service, String zone) {
    List<Workload> all = workloadsOf(service);
    if (zone.isEmpty() || service.members() == null) {
      return all;
    }
    List<Workload> near = new ArrayList<>();
    List<Workload> ending = new ArrayList<>();
    for (Workload workload : all) {
      Service.@Nullable Member member = service.members().get(workload.meta().name());
      if (member != null && member.draining()) {
        ending.add(workload);
      } else if (member == null || member.forZones().isEmpty()) {
        return all;
      } else if (member.forZones().contains(zone)) {
        near.add(workload);
      }
    }
    if (near.isEmpty()) {
      return all;
    }
    near.addAll(ending);
    return near;
  }

  /** The services that a workload is behind, by namespace and name. */
  public List<Service> servicesOf(Workload workload) {
    @Nullable ServiceIndex known = index;
    if (known == null) {
      known = new ServiceIndex(services);
      index = known;
    }
    return known.of(workload);
  }

  /** The keys of all objects that are only in one of the two, or differ. */
  public Set<ObjectKey> keysDifferingFrom(DesiredState other) {
    Set<ObjectKey> keys = new TreeSet<>();
    Iterator<Map.Entry<ObjectKey, MeshObject>> theirs = other.objects.entrySet().iterator();
    Map.@Nullable Entry<ObjectKey, MeshObject> their = theirs.hasNext() ? theirs.next() : null;
    for (Map.Entry<ObjectKey, MeshObject> mine : objects.entrySet()) {
      while (their != null && their.getKey().compareTo(mine.getKey()) < 0) {
        keys.add(their.getKey());
        their = theirs.hasNext() ? theirs.next() : null;
      }
      if (their == null || !their.getKey().equals(mine.getKey())) {
        keys.add(mine.getKey());
        continue;
      }
      if (!their.getValue().equals(mine.getValue())) {
        keys.add(mine.getKey());
      }
      their = theirs.hasNext() ? theirs.next() : null;
    }
    while (their != null) {
      keys.add(their.getKey());
      their = theirs.hasNext() ? theirs.next() : null;
    }
    return keys;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DesiredState state && objects.equals(state.objects);
  }

  @Override
  public int hashCode() {
    return objects.hashCode();
  }

  @Override
  public String toString() {
    return "DesiredState" + objects.keySet();
  }
}
