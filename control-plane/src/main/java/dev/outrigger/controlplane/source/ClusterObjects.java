package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.ObjectKey;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.Service.Member;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Locality;
import dev.outrigger.controlplane.source.PodReader.Pod;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All objects of a cluster that the mesh reads, and what they say together. Objects come as the
 * trees that the API server gives, and go through the decoders of the folder; pods and slices
 * become workloads and members of services. A bad object keeps its last good version. Not
 * thread-safe.
 */
public final class ClusterObjects {
  /** In the place of a file's name. */
  private static final String FILE = "kubernetes";

  /**
   * An annotation of experiments that were submitted over the API: in whose name. It says nothing
   * of the experiment itself, which is the same whoever submits it.
   */
  public static final String SUBMITTED_BY = "chaos.outrigger.dev/submitted-by";

  private static final Set<String> ROUTES =
      Set.of("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute");

  private final Map<ClusterKey, Entry> entries = new TreeMap<>();
  private final Map<ClusterKey, Map<?, ?>> statuses = new HashMap<>();
  private final Map<ClusterKey, Pod> pods = new TreeMap<>();
  private final Map<ClusterKey, SliceReader> slices = new TreeMap<>();
  private final Map<ServiceName, SortedMap<ClusterKey, SliceReader>> slicesOf = new HashMap<>();

  /** Services with who is behind them, as they were last. */
  private final Map<ServiceName, Joined> joined = new HashMap<>();

  private final Map<ClusterKey, Tree> grants = new TreeMap<>();
  private final Map<String, Locality> nodes = new HashMap<>();
  private final Set<ServiceName> externalNames = new HashSet<>();

  /**
   * An object that people write.
   *
   * @param tree as it came
   * @param good the last version without a mistake
   */
  private record Entry(Tree tree, DecodedDocument decoded, @Nullable MeshObject good) {}

  /**
   * A service with who is behind it.
   *
   * @param written as it was without that
   */
  private record Joined(Service written, Service service) {}

  /** What of an object is kept: pods and slices are many and large, and little of them is read. */
  public static final class Observed {
    private final ClusterKey key;
    private final @Nullable Map<?, ?> tree;
    private final @Nullable Pod pod;
    private final @Nullable SliceReader slice;

    private Observed(
        ClusterKey key, @Nullable Map<?, ?> tree, @Nullable Pod pod, @Nullable SliceReader slice) {
      this.key = key;
      this.tree = tree;
      this.pod = pod;
      this.slice = slice;
    }

    /** What it is called. */
    public ClusterKey key() {
      return key;
    }

    /** All of it; null for a pod and a slice. */
    public @Nullable Map<?, ?> tree() {
      return tree;
    }
  }

  /** Reads what is kept. Pure. */
  public static Observed observe(Map<?, ?> object) {
    Tree tree = Tree.of(object);
    ClusterKey key = ClusterKey.of(tree);
    return switch (key.kind()) {
      case "Pod" -> new Observed(key, null, PodReader.read(tree), null);
      case "EndpointSlice" -> new Observed(key, null, null, SliceReader.read(tree));
      default -> new Observed(key, object, null, null);
    };
  }

  /**
   * What came of an object that people write.
   *
   * @param uid of the object; empty where the server did not say
   * @param generation of the object that this is about
   * @param errors why it is refused; empty where it counts
   * @param warnings what it names that is not there, and what overrules it
   * @param parents of a route, as they are written; empty for other kinds
   * @param object what counts, which may be an older version; null for none
   * @param status what stands in the object now
   */
  public record Verdict(
      ClusterKey key,
      String uid,
      long generation,
      List<Problem> errors,
      List<Problem> warnings,
      List<Map<?, ?>> parents,
      @Nullable MeshObject object,
      Map<?, ?> status) {
    public Verdict {
      errors = List.copyOf(errors);
      warnings = List.copyOf(warnings);
      parents = List.copyOf(parents);
    }
  }

  /** What all of them say, with what came of each. */
  public record Read(DesiredState state, List<Problem> problems, List<Verdict> verdicts) {
    public Read {
      problems = List.copyOf(problems);
      verdicts = List.copyOf(verdicts);
    }
  }

  /**
   * Takes an object in place of its last version.
   *
   * @return what it is called
   */
  public ClusterKey put(Map<?, ?> object) {
    Observed observed = observe(object);
    put(observed);
    return observed.key();
  }

  /**
   * Takes what was read of an object in place of its last version.
   *
   * @return false where that is known to change nothing
   */
  public boolean put(Observed observed) {
    ClusterKey key = observed.key();
    if (observed.tree() != null) {
      Tree tree = Tree.of(observed.tree());
      put(key, tree);
      if (entries.containsKey(key) && !key.kind().equals("Service")) {
        statuses.put(key, tree.at("status").fields());
      }
      return true;
    }
    if (observed.pod != null) {
      Pod placed = observed.pod.at(nodes);
      if (placed.equals(pods.get(key))) {
        return false;
      }
      pods.put(key, placed);
      return true;
    }
    if (observed.slice != null) {
      return putSlice(key, observed.slice);
    }
    // A key is of one kind.
    return pods.remove(key) != null || removeSlice(key);
  }

  private boolean putSlice(ClusterKey key, SliceReader slice) {
    if (slice.equals(slices.get(key))) {
      return false;
    }
    removeSlice(key);
    slices.put(key, slice);
    ServiceName service = new ServiceName(slice.service(), key.namespace());
    slicesOf.computeIfAbsent(service, name -> new TreeMap<>()).put(key, slice);
    joined.remove(service);
    return true;
  }

  /** False if there was none. */
  private boolean removeSlice(ClusterKey key) {
    @Nullable SliceReader before = slices.remove(key);
    if (before == null) {
      return false;
    }
    ServiceName service = new ServiceName(before.service(), key.namespace());
    @Nullable SortedMap<ClusterKey, SliceReader> rest = slicesOf.get(service);
    if (rest != null) {
      rest.remove(key);
      if (rest.isEmpty()) {
        slicesOf.remove(service);
      }
    }
    joined.remove(service);
    return true;
  }

  private void put(ClusterKey key, Tree tree) {
    switch (key.kind()) {
      case "Node" ->
          nodes.put(key.name(), PodReader.locality(tree.at("metadata").textMap("labels")));
      case "ReferenceGrant" -> grants.put(key, tree);
      case "Service" -> {
        ServiceName name = new ServiceName(key.name(), key.namespace());
        if (tree.at("spec").text("type").equals("ExternalName")) {
          externalNames.add(name);
        } else {
          externalNames.remove(name);
        }
        @Nullable Tree service = service(tree);
        if (service == null) {
          entries.remove(key);
        } else {
          decode(key, service);
        }
      }
      default -> {
        @Nullable Tree ours =
            ROUTES.contains(key.kind())
                ? route(tree)
                : withSpec(unsigned(tree), tree.at("spec").fields());
        if (ours == null) {
          entries.remove(key);
        } else {
          decode(key, ours);
        }
      }
    }
  }

  /** Forgets an object. */
  public void remove(ClusterKey key) {
    pods.remove(key);
    removeSlice(key);
    grants.remove(key);
    entries.remove(key);
    statuses.remove(key);
    if (key.kind().equals("Service")) {
      externalNames.remove(new ServiceName(key.name(), key.namespace()));
      joined.remove(new ServiceName(key.name(), key.namespace()));
    }
    if (key.kind().equals("Node")) {
      nodes.remove(key.name());
    }
  }

  /** Who submitted an experiment over the API; null where nobody did. */
  public static @Nullable String submitter(Map<?, ?> object) {
    return Tree.of(object).at("metadata", "annotations").value(SUBMITTED_BY) instanceof String who
        ? who
        : null;
  }

  /** Of an object that a server gave; empty where it did not say. */
  public static String uid(Map<?, ?> object) {
    return Tree.of(object).at("metadata").text("uid");
  }

  private static Tree unsigned(Tree object) {
    Map<Object, Object> annotations =
        new LinkedHashMap<>(object.at("metadata", "annotations").fields());
    if (annotations.remove(SUBMITTED_BY) == null) {
      return object;
    }
    Map<Object, Object> metadata = new LinkedHashMap<>(object.at("metadata").fields());
    if (annotations.isEmpty()) {
      metadata.remove("annotations");
    } else {
      metadata.put("annotations", annotations);
    }
    Map<Object, Object> all = new LinkedHashMap<>(object.fields());
    all.put("metadata", metadata);
    return new Tree(all);
  }

  /** An object as people could have written it: a document of YAML. */
  public static String document(Map<?, ?> object) {
    Tree written = unsigned(Tree.of(object));
    Map<Object, Object> all = new LinkedHashMap<>(written.fields());
    Map<Object, Object> metadata = new LinkedHashMap<>(written.at("metadata").fields());
    // The server's, which make no other object of the same words.
    metadata.keySet().removeAll(Set.of("uid", "creationTimestamp"));
    all.put("metadata", metadata);
    all.remove("status");
    return Trees.yaml(new Tree(all));
  }

  private void decode(ClusterKey key, Tree tree) {
    @Nullable Entry before = entries.get(key);
    if (before != null && before.tree().equals(tree)) {
      return;
    }
    DecodedDocument decoded =
        DocumentDecoder.decode(Doc.ofObject(FILE), FILE, Trees.node(tree.fields()));
    if (decoded.object() == null && ROUTES.contains(key.kind())) {
      decoded = RuleByRule.read(tree, FILE, decoded);
    }
    @Nullable MeshObject good = decoded.object();
    entries.put(
        key, new Entry(tree, decoded, good == null && before != null ? before.good() : good));
  }

  /**
   * What we read of a service; the rest is the cluster's. Null for one that is only a name for
   * another host, which is resolved and passed through, and for one without ports.
   */
  private static @Nullable Tree service(Tree service) {
    Tree spec = service.at("spec");
    if (spec.text("type").equals("ExternalName") || spec.trees("ports").isEmpty()) {
      return null;
    }
    Map<String, Object> kept = new LinkedHashMap<>();
    for (String name : List.of("ports", "selector", "clusterIP", "clusterIPs")) {
      Object value = spec.value(name);
      if (value != null && !value.equals("")) {
        kept.put(name, value);
      }
    }
    return withSpec(service, kept);
  }

  private static Tree withSpec(Tree object, Map<?, ?> spec) {
    Map<Object, Object> all = new LinkedHashMap<>(object.fields());
    all.put("spec", spec);
    all.remove("status");
    return new Tree(all);
  }

  private static boolean isService(Tree parent) {
    return parent.text("kind").equals("Service")
        && (parent.text("group").isEmpty() || parent.text("group").equals("core"));
  }

  /** A route without those parents that are others'; null where none is left. */
  private static @Nullable Tree route(Tree route) {
    List<Object> ours = new ArrayList<>();
    for (Tree parent : route.at("spec").trees("parentRefs")) {
      if (isService(parent)) {
        ours.add(parent.fields());
      }
    }
    if (ours.isEmpty()) {
      return null;
    }
    Map<Object, Object> spec = new LinkedHashMap<>(route.at("spec").fields());
    spec.put("parentRefs", ours);
    return withSpec(route, spec);
  }

  /** What all objects say now. */
  public Read read() {
    Map<ObjectKey, MeshObject> objects = new LinkedHashMap<>();
    List<DecodedDocument> accepted = new ArrayList<>();
    List<Problem> problems = new ArrayList<>();
    for (Entry entry : entries.values()) {
      problems.addAll(entry.decoded().problems());
      if (entry.good() != null) {
        objects.put(entry.good().key(), entry.good());
      }
      if (entry.decoded().object() != null) {
        accepted.add(entry.decoded());
      }
    }
    Map<String, List<Workload>> written = new HashMap<>();
    for (MeshObject object : List.copyOf(objects.values())) {
      if (object instanceof Workload workload) {
        written
            .computeIfAbsent(workload.meta().namespace(), key -> new ArrayList<>())
            .add(workload);
      }
    }
    pods.replaceAll((key, pod) -> pod.at(nodes));
    for (Pod pod : pods.values()) {
      objects.put(pod.workload().key(), pod.workload());
    }
    for (SliceReader slice : slices.values()) {
      slice.others().forEach(workload -> objects.putIfAbsent(workload.key(), workload));
    }
    for (MeshObject object : List.copyOf(objects.values())) {
      if (object instanceof Service service) {
        objects.put(
            service.key(),
            join(service, written.getOrDefault(service.meta().namespace(), List.of())));
      }
    }
    Grants granted = new Grants(grants.values());
    for (Entry entry : entries.values()) {
      if (entry.good() instanceof MeshRoute route) {
        Set<ServiceName> refused = granted.refused(route);
        objects.put(route.key(), Grants.without(route, refused));
        refused.forEach(backend -> problems.add(notGranted(entry, route, backend)));
      }
    }
    DesiredState state = DesiredState.of(objects.values());
    problems.addAll(Semantics.check(state, accepted, externalNames));
    List<Problem> all = problems.stream().sorted().distinct().toList();
    return new Read(state, all, verdicts(all));
  }

  /** With who is behind it by its slices and its selector; the same object for the same. */
  private Service join(Service service, List<Workload> written) {
    @Nullable Joined before = joined.get(service.serviceName());
    if (written.isEmpty() && before != null && before.written().equals(service)) {
      return before.service();
    }
    Map<String, Member> behind = new HashMap<>();
    slicesOf
        .getOrDefault(service.serviceName(), Collections.emptySortedMap())
        .values()
        .forEach(
            slice ->
                slice
                    .members()
                    .forEach((name, member) -> behind.merge(name, member, SliceReader::merged)));
    for (Workload workload : written) {
      if (service.selects(workload)) {
        behind.putIfAbsent(workload.meta().name(), new Member(false, Map.of(), Set.of()));
      }
    }
    Service now = service.withMembers(behind);
    if (before != null && before.service().equals(now)) {
      now = before.service();
    }
    joined.put(service.serviceName(), new Joined(service, now));
    return now;
  }

  private static Problem notGranted(Entry entry, MeshRoute route, ServiceName backend) {
    return new Problem(
        Code.NOT_GRANTED,
        FILE,
        entry.decoded().place().line(),
        entry.decoded().place().column(),
        route.key().toString(),
        "the route may not send to `"
            + backend
            + "`: no ReferenceGrant of that namespace allows it",
        "create a ReferenceGrant in the namespace " + backend.namespace(),
        null);
  }

  private List<Verdict> verdicts(List<Problem> problems) {
    Map<String, List<Problem>> byObject =
        problems.stream().collect(Collectors.groupingBy(Problem::object));
    List<Verdict> verdicts = new ArrayList<>();
    entries.forEach(
        (key, entry) -> {
          if (key.kind().equals("Service")) {
            return;
          }
          List<Problem> warnings =
              byObject.getOrDefault(String.valueOf(entry.decoded().key()), List.of()).stream()
                  .filter(problem -> problem.severity() == Problem.Severity.WARNING)
                  .toList();
          List<Map<?, ?>> parents = new ArrayList<>();
          if (ROUTES.contains(key.kind())) {
            entry.tree().at("spec").trees("parentRefs").forEach(one -> parents.add(one.fields()));
          }
          verdicts.add(
              new Verdict(
                  key,
                  entry.tree().at("metadata").text("uid"),
                  entry.tree().at("metadata").number("generation", 0),
                  entry.decoded().problems(),
                  warnings,
                  parents,
                  entry.good(),
                  statuses.getOrDefault(key, Map.of())));
        });
    return verdicts;
  }
}
