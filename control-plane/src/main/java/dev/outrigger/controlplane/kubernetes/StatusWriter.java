package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.ads.NackLedger;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes into objects what came of them, by server-side apply under one name, and only what differs
 * from what stands there. A replica that does not write tells the one that does what its proxies
 * acknowledged. Confined to the thread that calls {@link #tick}.
 */
public final class StatusWriter {
  private static final Logger LOG = LoggerFactory.getLogger(StatusWriter.class);

  /** Of the fields that we write. */
  static final String MANAGER = "outrigger";

  /** By it the parents' statuses of a route tell whose they are. */
  static final String CONTROLLER = "outrigger.dev/mesh";

  /** More in one go would hold up the next look. */
  private static final int MAX_WRITES = 200;

  /** So long a status stands before it says the same in other words. */
  private static final Duration REWORDED = Duration.ofSeconds(5);

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(MANAGER)
          .withForce(true)
          .build();

  private final KubernetesClient client;
  private final KubernetesSource source;
  private final NackLedger proxies;
  private final Supplier<List<ExperimentRun>> runs;
  private final InstantSource clock;
  private final BooleanSupplier mayWrite;
  private final @Nullable ClusterReplicas replicas;
  private final EventWriter events;

  private final AcknowledgementLedger acknowledgements = new AcknowledgementLedger();

  /** What was written and may not have come back yet. */
  private final Map<ClusterKey, Map<String, Object>> written = new HashMap<>();

  /** When each was written last. */
  private final Map<ClusterKey, Instant> writtenAt = new HashMap<>();

  /** What the last look found, and the versions of that. */
  private Look last = new Look(List.of(), List.of(), ObjectVersions.NONE, Set.of());

  private String lastFailure = "";

  /**
   * @param meshed workloads that people wrote down and that have a proxy of their own
   */
  private record Look(
      List<Verdict> verdicts,
      List<ExperimentRun> runs,
      ObjectVersions objects,
      Set<String> meshed) {}

  /**
   * Writes nothing yet.
   *
   * @param replicas those that share the work; null where there are no others
   * @param mayWrite whether it is this replica that writes
   */
  public StatusWriter(
      KubernetesClient client,
      KubernetesSource source,
      NackLedger proxies,
      Supplier<List<ExperimentRun>> runs,
      InstantSource clock,
      @Nullable ClusterReplicas replicas,
      BooleanSupplier mayWrite) {
    this.client = client;
    this.source = source;
    this.proxies = proxies;
    this.runs = runs;
    this.clock = clock;
    this.replicas = replicas;
    this.mayWrite = mayWrite;
    this.events = new EventWriter(client, System.getenv().getOrDefault("HOSTNAME", ""));
  }

  /** Looks at everything and writes what changed. Never throws. */
  public void tick() {
    try {
      write();
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private void write() {
    List<ExperimentRun> allRuns = runs.get();
    Map<String, ExperimentRun> byName = new HashMap<>();
    allRuns.forEach(run -> byName.put(run.experiment(), run));
    Look look = look(source.verdicts(), allRuns, byName);
    last = look;
    Programming programming = new Programming(acknowledged(look), look.objects(), null);
    Set<ClusterKey> seen = new HashSet<>();
    int writes = 0;
    for (Verdict verdict : look.verdicts()) {
      ClusterKey key = verdict.key();
      if (!mayWrite.getAsBoolean()) {
        // Whoever writes meanwhile may write something else.
        written.clear();
        writtenAt.clear();
        return;
      }
      seen.add(key);
      @Nullable WatchedKind kind = source.watched(key.kind());
      if (kind == null || !kind.statusOurs() || writes >= MAX_WRITES) {
        continue;
      }
      @Nullable ExperimentRun run = byName.get(key.namespace() + "/" + key.name());
      Map<String, Object> status = status(verdict, programming.of(run), clock.instant());
      events.look(kind, verdict, status, run, clock.instant());
      if (stands(status, verdict.status())) {
        written.remove(key);
      } else if (!status.equals(written.get(key)) && !isReworded(key, status, verdict.status())) {
        writes++;
        try {
          apply(kind, key, status);
          written.put(key, status);
          writtenAt.put(key, clock.instant());
        } catch (KubernetesClientException e) {
          if (e.getCode() == 0) {
            throw e; // Nobody answers, so neither will the next one be written.
          }
          failed(e);
        }
      }
    }
    written.keySet().retainAll(seen);
    writtenAt.keySet().retainAll(seen);
    if (mayWrite.getAsBoolean()) {
      events.write(clock.instant());
    }
  }

  private Look look(
      List<Verdict> verdicts, List<ExperimentRun> runsNow, Map<String, ExperimentRun> byName) {
    if (isSame(verdicts, last.verdicts()) && runsNow.equals(last.runs())) {
      return last;
    }
    return new Look(
        verdicts,
        runsNow,
        ObjectVersions.of(verdicts, byName),
        verdicts.stream()
            .filter(one -> one.object() instanceof Workload workload && workload.hasSidecar())
            .map(one -> one.key().name() + "." + one.key().namespace())
            .collect(Collectors.toUnmodifiableSet()));
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(Object a, Object b) {
    return a == b;
  }

  /** What proxies of all replicas that live have acknowledged. */
  private List<Acknowledgements> acknowledged(Look look) {
    ClusterReplicas others = replicas;
    // After the objects: whoever is settled up to this change has them.
    long change = proxies.changes();
    Acknowledgements own =
        acknowledgements.look(
            others == null ? "" : others.name(),
            look.objects(),
            change,
            proxies.proxies(),
            look.meshed());
    List<Acknowledgements> all = new ArrayList<>(List.of(own));
    if (others != null) {
      all.addAll(others.share(own));
    }
    return all;
  }

  /** Whether it only tells otherwise who is behind, and that was told just now. */
  private boolean isReworded(ClusterKey key, Map<String, Object> status, Map<?, ?> standing) {
    @Nullable Instant at = writtenAt.get(key);
    Instant now = clock.instant();
    return at != null
        && !now.isBefore(at)
        && now.isBefore(at.plus(REWORDED))
        && stands(withoutNames(status), standing);
  }

  /** Without the message of {@code Programmed}, which names proxies. */
  private static Object withoutNames(Object tree) {
    if (tree instanceof Map<?, ?> map) {
      boolean names = Programming.TYPE.equals(map.get("type"));
      Map<Object, Object> less = new LinkedHashMap<>();
      map.forEach(
          (name, value) -> {
            if (!(names && "message".equals(name))) {
              less.put(name, withoutNames(value));
            }
          });
      return less;
    }
    return tree instanceof List<?> list
        ? list.stream().map(StatusWriter::withoutNames).toList()
        : tree;
  }

  static Map<String, Object> status(Verdict verdict, Programming programming, Instant now) {
    Map<String, Object> status = new LinkedHashMap<>();
    @Nullable ExperimentRun run = programming.run();
    if (verdict.key().kind().endsWith("Route")) {
      status.put("parents", parents(verdict, programming, now));
      return status;
    }
    List<?> standing = list(verdict.status().get("conditions"));
    status.put(
        "conditions",
        trees(Conditions.of(verdict, -1, programming, standing), verdict, standing, now));
    if (run != null && verdict.key().kind().equals("Experiment")) {
      status.put("phase", run.phase().text());
      if (run.times().started() != null) {
        status.put("startedAt", seconds(run.times().started()));
      }
      if (run.times().ends() != null) {
        status.put("endsAt", seconds(run.times().ends()));
      }
      status.put("message", run.event().text() + " by " + run.by().who() + why(run));
    }
    return status;
  }

  private static String why(ExperimentRun run) {
    return run.by().why().isEmpty() ? "" : ": " + run.by().why();
  }

  private static String seconds(Instant time) {
    return time.truncatedTo(java.time.temporal.ChronoUnit.SECONDS).toString();
  }

  /** Ours, beside those of others, who share the list. */
  private static List<Object> parents(Verdict verdict, Programming programming, Instant now) {
    List<Object> all = new ArrayList<>();
    Map<Object, List<?>> before = new HashMap<>();
    for (Object one : list(verdict.status().get("parents"))) {
      if (one instanceof Map<?, ?> parent) {
        if (CONTROLLER.equals(parent.get("controllerName"))) {
          before.put(parent.get("parentRef"), list(parent.get("conditions")));
        } else {
          all.add(parent);
        }
      }
    }
    for (int i = 0; i < verdict.parents().size(); i++) {
      Map<?, ?> reference = verdict.parents().get(i);
      Map<String, Object> parent = new LinkedHashMap<>();
      List<?> standing = before.getOrDefault(reference, List.of());
      parent.put("parentRef", reference);
      parent.put("controllerName", CONTROLLER);
      parent.put(
          "conditions",
          trees(Conditions.of(verdict, i, programming, standing), verdict, standing, now));
      all.add(parent);
    }
    return all;
  }

  private static List<Object> trees(
      List<Condition> conditions, Verdict verdict, List<?> before, Instant now) {
    List<Object> trees = new ArrayList<>();
    conditions.forEach(one -> trees.add(one.tree(verdict.generation(), before, now)));
    return trees;
  }

  private static List<?> list(@Nullable Object value) {
    return value instanceof List<?> list ? list : List.of();
  }

  /** Whether all of it stands there already, whatever stands beside it. */
  private static boolean stands(@Nullable Object wanted, @Nullable Object there) {
    if (wanted instanceof Map<?, ?> map && there instanceof Map<?, ?> other) {
      return map.entrySet().stream()
          .allMatch(entry -> stands(entry.getValue(), other.get(entry.getKey())));
    }
    if (wanted instanceof List<?> list && there instanceof List<?> other) {
      if (list.size() != other.size()) {
        return false;
      }
      for (int i = 0; i < list.size(); i++) {
        if (!stands(list.get(i), other.get(i))) {
          return false;
        }
      }
      return true;
    }
    return wanted instanceof Number a && there instanceof Number b
        ? a.longValue() == b.longValue()
        : Objects.equals(wanted, there);
  }

  private void apply(WatchedKind kind, ClusterKey key, Map<String, Object> status) {
    GenericKubernetesResource object = new GenericKubernetesResource();
    object.setApiVersion(kind.apiVersion());
    object.setKind(kind.kind());
    object.setMetadata(
        new ObjectMetaBuilder().withName(key.name()).withNamespace(key.namespace()).build());
    object.setAdditionalProperties(new LinkedHashMap<>(Map.of("status", status)));
    try {
      var _ =
          client
              .genericKubernetesResources(kind.context())
              .inNamespace(key.namespace())
              .withName(key.name())
              .subresource("status")
              .patch(APPLY, object);
    } catch (KubernetesClientException e) {
      if (e.getCode() != 404) { // Gone meanwhile.
        throw e;
      }
    }
  }

  /** Told once, and again when it is another. */
  private void failed(RuntimeException e) {
    String failure = String.valueOf(e.getMessage());
    if (!failure.equals(lastFailure)) {
      LOG.warn("a status could not be written: {}", failure);
      lastFailure = failure;
    }
  }
}
