package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects;
import dev.outrigger.controlplane.source.ModelSource;
import io.fabric8.kubernetes.api.model.APIResource;
import io.fabric8.kubernetes.api.model.APIResourceList;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.impl.DefaultSharedIndexInformer;
import io.fabric8.kubernetes.client.informers.impl.ListerWatcher;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Desired state from a Kubernetes API server, by informers. What was read stays when the server is
 * lost: informers come back by themselves, with what changed meanwhile. Events that come together
 * are read together.
 */
public final class KubernetesSource implements ModelSource {
  private static final Logger LOG = LoggerFactory.getLogger(KubernetesSource.class);

  private static final String EXPERIMENT = "Experiment";

  /** An event waits so long for others. */
  private static final Duration QUIET = Duration.ofMillis(50);

  /** How often kinds are looked for that were not there. */
  private static final Duration LOOK = Duration.ofSeconds(30);

  /** So long a write of ours waits until those who are told of changes know of it. */
  private static final Duration TELLING = Duration.ofSeconds(10);

  /** What of an object's metadata is read, in this order. */
  private static final List<String> METADATA =
      List.of(
          "name", "namespace", "labels", "annotations", "uid", "creationTimestamp", "generation");

  /** Runs what waits for the server: a list of all pods takes a while. */
  private static final Executor WAITING =
      Executors.newThreadPerTaskExecutor(
          Thread.ofVirtual().name("outrigger-kubernetes-list").factory());

  private final KubernetesClient client;
  private final @Nullable String namespace;
  private final ScheduledExecutorService thread;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile Reading published = new Reading(DesiredState.empty(), List.of(), 0);
  private volatile List<ClusterObjects.Verdict> verdicts = List.of();

  /** Trees of experiments by namespace and name; immutable once they are here. */
  private final Map<String, Map<?, ?>> experiments = new ConcurrentHashMap<>();

  private final Map<String, WatchedKind> watched = new ConcurrentHashMap<>();

  // Confined to the thread.
  private final ClusterObjects objects = new ClusterObjects();
  private final OwnWrites ownWrites = new OwnWrites();

  /** The version of each experiment that is here. */
  private final Map<String, Long> versions = new HashMap<>();

  private final Map<WatchedKind, SharedIndexInformer<GenericKubernetesResource>> informers =
      new HashMap<>();
  private boolean pending;
  private boolean started;

  private KubernetesSource(KubernetesClient client, @Nullable String namespace) {
    this.client = client;
    this.namespace = namespace;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("outrigger-kubernetes").factory());
  }

  /**
   * Reads everything once, and then follows. The client stays the caller's.
   *
   * @param namespace the only one that is read; null for all
   * @throws IOException if the server does not answer within the time, or lacks our kinds
   */
  public static KubernetesSource watching(
      KubernetesClient client, @Nullable String namespace, Duration patience) throws IOException {
    KubernetesSource source = new KubernetesSource(client, namespace);
    boolean done = false;
    try {
      source.start(patience);
      done = true;
      return source;
    } finally {
      if (!done) {
        source.close();
      }
    }
  }

  private void start(Duration patience) throws IOException {
    List<WatchedKind> missing = new ArrayList<>();
    List<CompletableFuture<?>> first = new ArrayList<>();
    try {
      Map<String, Set<String>> served = new HashMap<>();
      for (WatchedKind kind : WatchedKind.all()) {
        if (!isWanted(kind)) {
          continue;
        }
        if (isServed(kind, served)) {
          // The server puts a list together while it is asked for the next kind.
          first.add(inform(kind).start().toCompletableFuture());
        } else if (kind.required()) {
          missing.add(kind);
        }
      }
      if (!missing.isEmpty()) {
        throw new IOException(
            "the API server "
                + client.getMasterUrl()
                + " does not know "
                + String.join(", ", missing.stream().map(WatchedKind::kind).toList())
                + "; install the CRDs: kubectl apply --server-side -f helm/outrigger/files/crds");
      }
      CompletableFuture.allOf(first.toArray(CompletableFuture<?>[]::new))
          .get(patience.toNanos(), TimeUnit.NANOSECONDS);
      // Behind all that the informers handed over.
      thread
          .submit(
              () -> {
                started = true;
                read();
              })
          .get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (KubernetesClientException | ExecutionException e) {
      Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
      throw new IOException(
          "the API server " + client.getMasterUrl() + " cannot be read: " + reason(cause), e);
    } catch (TimeoutException e) {
      throw new IOException(
          "the API server " + client.getMasterUrl() + " gave no answer within " + patience, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    var _ =
        thread.scheduleWithFixedDelay(
            this::lookForMore, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static String reason(Throwable cause) {
    Throwable deepest = cause;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    String text = String.valueOf(deepest.getMessage());
    return text.equals("null") ? deepest.getClass().getSimpleName() : text;
  }

  /**
   * One that may only see its own namespace may see no nodes; of several versions of a kind one is
   * enough.
   */
  private boolean isWanted(WatchedKind kind) {
    return (kind.namespaced() || namespace == null)
        && informers.keySet().stream().noneMatch(one -> one.kind().equals(kind.kind()));
  }

  /** How a kind is read from this server; null where it is not. */
  @Nullable WatchedKind watched(String kind) {
    return watched.get(kind);
  }

  @SuppressWarnings("unchecked") // What lists and watches inside the client is not in its types.
  private SharedIndexInformer<GenericKubernetesResource> inform(WatchedKind kind) {
    var all = client.genericKubernetesResources(kind.context());
    Object watches =
        !kind.namespaced()
            ? all
            : namespace == null ? all.inAnyNamespace() : all.inNamespace(namespace);
    StreamedLists lists =
        new StreamedLists(
            client,
            kind,
            namespace,
            (ListerWatcher<GenericKubernetesResource, GenericKubernetesResourceList>) watches,
            tree -> observed(kind, tree),
            WAITING);
    SharedIndexInformer<GenericKubernetesResource> informer =
        new DefaultSharedIndexInformer<>(GenericKubernetesResource.class, lists, 0, WAITING);
    informer
        .removeNamespaceIndex()
        .itemStore(new ObservedStore(resource -> ClusterObjects.observe(treeOf(kind, resource))))
        .addEventHandler(new Handler(kind));
    // After the first list an error is never the end.
    informer.exceptionHandler((wasStarted, error) -> wasStarted);
    informers.put(kind, informer);
    watched.put(kind.kind(), kind);
    return informer;
  }

  /**
   * Whether the server has a kind.
   *
   * @param served kinds by group and version, as far as it was asked; asked for the rest
   */
  private boolean isServed(WatchedKind kind, Map<String, Set<String>> served) {
    return served
        .computeIfAbsent(
            kind.apiVersion(),
            version -> {
              @Nullable APIResourceList all = client.getApiResources(version);
              return all == null
                  ? Set.of()
                  : all.getResources().stream()
                      .map(APIResource::getKind)
                      .collect(Collectors.toUnmodifiableSet());
            })
        .contains(kind.kind());
  }

  /** Kinds may be installed after us, such as those of the Gateway API. */
  private void lookForMore() {
    ownWrites.waiting().forEach(this::lookAgain);
    Map<String, Set<String>> served = new HashMap<>();
    for (WatchedKind kind : WatchedKind.all()) {
      if (!isWanted(kind)) {
        continue;
      }
      try {
        if (isServed(kind, served)) {
          LOG.info("{} {} is there now", kind.apiVersion(), kind.kind());
          var _ = inform(kind).start();
        }
      } catch (RuntimeException e) {
        LOG.debug("{} cannot be looked for", kind.kind(), e);
      }
    }
  }

  @Override
  public Reading reading() {
    return published;
  }

  /** What came of each object that people write, by its key. */
  public List<ClusterObjects.Verdict> verdicts() {
    return verdicts;
  }

  /**
   * An experiment as it is written, as YAML; null where there is none. Waits for nobody: those who
   * are told of a change ask it on our own thread.
   */
  public @Nullable String experiment(String key) {
    @Nullable Map<?, ?> tree = experiments.get(key);
    return tree == null ? null : ClusterObjects.document(tree);
  }

  /** In whose name an experiment was submitted over the API; null where nobody did. */
  @Nullable String submitter(String key) {
    @Nullable Map<?, ?> tree = experiments.get(key);
    return tree == null ? null : ClusterObjects.submitter(tree);
  }

  /** The only namespace that is read; null for all. */
  @Nullable String namespace() {
    return namespace;
  }

  /**
   * Takes an experiment that the API server answered with, ahead of the informer. Those who are
   * told of changes have been told when this returns, so it waits, and must not be called with a
   * lock of theirs.
   *
   * @throws IOException if the thread is interrupted, or they take very long
   */
  void answered(GenericKubernetesResource experiment) throws IOException {
    now(() -> putAnswered(experiment));
  }

  /**
   * Forgets an experiment that the API server does not have any more. Like {@link #answered}.
   *
   * @param uid of the object; null where only the server said that there is none
   */
  void answeredGone(String key, @Nullable String uid) throws IOException {
    now(() -> removeAnswered(key, uid));
  }

  private void putAnswered(GenericKubernetesResource experiment) {
    WatchedKind kind = Objects.requireNonNull(watched(EXPERIMENT));
    ClusterObjects.Observed observed = ClusterObjects.observe(treeOf(kind, experiment));
    String key = observed.key().namespace() + "/" + observed.key().name();
    long version = version(experiment.getMetadata());
    if (versions.getOrDefault(key, -1L) < version) {
      ownWrites.wrote(key, experiment.getMetadata().getUid(), version);
      take(observed, version);
    }
  }

  private void removeAnswered(String key, @Nullable String uid) {
    @Nullable Map<?, ?> tree = experiments.get(key);
    String known = tree == null ? "" : ClusterObjects.uid(tree);
    if (tree != null && (uid == null || known.equals(uid))) {
      ownWrites.deleted(key, known);
      forget(key);
    }
  }

  /** Whatever became of it before an informer could show it: it may never do so. */
  private void lookAgain(String key) {
    try {
      int slash = key.indexOf('/');
      @Nullable GenericKubernetesResource there =
          client
              .genericKubernetesResources(Objects.requireNonNull(watched(EXPERIMENT)).context())
              .inNamespace(key.substring(0, slash))
              .withName(key.substring(slash + 1))
              .get();
      ownWrites.forget(key);
      if (there == null) {
        removeAnswered(key, null);
        ownWrites.forget(key);
      } else {
        putAnswered(there);
      }
      changed();
    } catch (RuntimeException e) {
      LOG.debug("{} cannot be looked at", key, e);
    }
  }

  private void now(Runnable step) throws IOException {
    try {
      thread
          .submit(
              () -> {
                step.run();
                read();
              })
          .get(TELLING.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException | TimeoutException | RejectedExecutionException e) {
      throw new IOException("what the API server took cannot be read yet: " + reason(e), e);
    }
  }

  private void take(ClusterObjects.Observed observed, long version) {
    ClusterKey key = observed.key();
    @Nullable Map<?, ?> tree = observed.tree();
    if (tree != null) {
      String name = key.namespace() + "/" + key.name();
      experiments.put(name, tree);
      versions.put(name, version);
    }
    var _ = objects.put(observed);
  }

  private void forget(String name) {
    int slash = name.indexOf('/');
    objects.remove(new ClusterKey(EXPERIMENT, name.substring(0, slash), name.substring(slash + 1)));
    experiments.remove(name);
    versions.remove(name);
  }

  /** Zero where it is none that can be compared, which is taken for the oldest. */
  private static long version(ObjectMeta metadata) {
    @Nullable String text = metadata.getResourceVersion();
    try {
      return text == null ? 0 : Long.parseLong(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  @Override
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  @Override
  public void close() {
    informers.values().forEach(SharedIndexInformer::stop);
    thread.shutdownNow();
  }

  private void changed() {
    if (started && !pending) {
      pending = true;
      var _ =
          thread.schedule(
              () -> {
                pending = false;
                read();
              },
              QUIET.toMillis(),
              TimeUnit.MILLISECONDS);
    }
  }

  private void read() {
    try {
      ClusterObjects.Read read = objects.read();
      Reading before = published;
      boolean same = read.state().equals(before.state());
      if (before.generation() == 0 || !same || !read.problems().equals(before.problems())) {
        // The same object for the same state: what was built of it stays.
        published =
            new Reading(
                same ? before.state() : read.state(), read.problems(), before.generation() + 1);
        listeners.forEach(Runnable::run);
      }
      // Who reads them finds that everybody who serves the state has been told of it.
      verdicts = read.verdicts();
    } catch (RuntimeException e) {
      LOG.error("reading the cluster failed; the last state goes on", e);
    }
  }

  /** What of an object is read: not who wrote which field of it. */
  private static Map<String, Object> treeOf(WatchedKind kind, GenericKubernetesResource resource) {
    ObjectMeta from = resource.getMetadata();
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("name", from.getName());
    metadata.put("namespace", from.getNamespace());
    metadata.put("labels", from.getLabels());
    metadata.put("annotations", from.getAnnotations());
    metadata.put("uid", from.getUid());
    metadata.put("creationTimestamp", from.getCreationTimestamp());
    metadata.put("generation", from.getGeneration());
    return treeOf(kind, metadata, resource.getAdditionalProperties());
  }

  private static Map<String, Object> treeOf(
      WatchedKind kind, Map<?, ?> metadata, Map<String, Object> fields) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("apiVersion", kind.apiVersion());
    tree.put("kind", kind.kind());
    Map<String, Object> read = new LinkedHashMap<>();
    for (String name : METADATA) {
      @Nullable Object value = metadata.get(name);
      if (name.equals("annotations") && value instanceof Map<?, ?> annotations) {
        Map<Object, Object> rest = new LinkedHashMap<>(annotations);
        rest.remove("kubectl.kubernetes.io/last-applied-configuration");
        value = rest;
      }
      if (value != null && !(value instanceof Map<?, ?> map && map.isEmpty())) {
        read.put(name, value instanceof Integer number ? number.longValue() : value);
      }
    }
    tree.put("metadata", read);
    fields.forEach(tree::putIfAbsent);
    return tree;
  }

  /** Of a list, whose objects are read as they come. */
  private static GenericKubernetesResource observed(WatchedKind kind, Map<String, Object> tree) {
    Map<?, ?> metadata = tree.get("metadata") instanceof Map<?, ?> map ? map : Map.of();
    ObjectMeta names = new ObjectMeta();
    names.setName(text(metadata, "name"));
    names.setNamespace(text(metadata, "namespace"));
    names.setUid(text(metadata, "uid"));
    names.setResourceVersion(text(metadata, "resourceVersion"));
    return ObservedStore.observed(
        names, () -> ClusterObjects.observe(treeOf(kind, metadata, tree)));
  }

  private static @Nullable String text(Map<?, ?> map, String name) {
    return map.get(name) instanceof String text ? text : null;
  }

  private final class Handler implements ResourceEventHandler<GenericKubernetesResource> {
    private final WatchedKind kind;

    Handler(WatchedKind kind) {
      this.kind = kind;
    }

    @Override
    public void onAdd(GenericKubernetesResource resource) {
      ClusterObjects.@Nullable Observed observed = ObservedStore.take(resource);
      if (observed == null) {
        return;
      }
      @Nullable String uid = resource.getMetadata().getUid();
      long version = version(resource.getMetadata());
      run(
          () -> {
            ClusterKey key = observed.key();
            if (!key.kind().equals(EXPERIMENT)) {
              return objects.put(observed);
            }
            String name = key.namespace() + "/" + key.name();
            if (ownWrites.isPast(name, String.valueOf(uid), version)) {
              return false;
            }
            take(observed, version);
            return true;
          });
    }

    @Override
    public void onUpdate(GenericKubernetesResource before, GenericKubernetesResource resource) {
      onAdd(resource);
    }

    @Override
    public void onDelete(GenericKubernetesResource resource, boolean unknown) {
      String space = resource.getMetadata().getNamespace();
      ClusterKey key =
          new ClusterKey(kind.kind(), space == null ? "" : space, resource.getMetadata().getName());
      @Nullable String uid = resource.getMetadata().getUid();
      run(
          () -> {
            if (!key.kind().equals(EXPERIMENT)) {
              objects.remove(key);
              return true;
            }
            String name = key.namespace() + "/" + key.name();
            if (ownWrites.isPastEnd(name, String.valueOf(uid))) {
              return false;
            }
            forget(name);
            return true;
          });
    }

    /** The step says whether it may have changed anything. */
    private void run(BooleanSupplier step) {
      if (!thread.isShutdown()) {
        thread.execute(
            () -> {
              boolean changed = true;
              try {
                changed = step.getAsBoolean();
              } catch (RuntimeException e) {
                LOG.error("{} cannot be read", kind.kind(), e);
              }
              if (changed) {
                changed();
              }
            });
      }
    }
  }
}
