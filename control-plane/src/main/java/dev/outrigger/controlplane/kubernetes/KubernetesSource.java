package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects;
import dev.outrigger.controlplane.source.ModelSource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
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

  /** So many objects are read at once: all pods of a cluster would take much room. */
  private static final long PAGE = 250;

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
    List<SharedIndexInformer<GenericKubernetesResource>> first = new ArrayList<>();
    try {
      for (WatchedKind kind : WatchedKind.all()) {
        if (!isWanted(kind)) {
          continue;
        }
        if (client.supports(kind.apiVersion(), kind.kind())) {
          first.add(inform(kind));
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
      CompletableFuture.allOf(
              first.stream()
                  .map(informer -> informer.start().toCompletableFuture())
                  .toArray(CompletableFuture<?>[]::new))
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

  private SharedIndexInformer<GenericKubernetesResource> inform(WatchedKind kind) {
    var all = client.genericKubernetesResources(kind.context());
    SharedIndexInformer<GenericKubernetesResource> informer =
        !kind.namespaced()
            ? all.withLimit(PAGE).runnableInformer(0)
            : namespace == null
                ? all.inAnyNamespace().withLimit(PAGE).runnableInformer(0)
                : all.inNamespace(namespace).withLimit(PAGE).runnableInformer(0);
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

  /** Kinds may be installed after us, such as those of the Gateway API. */
  private void lookForMore() {
    for (WatchedKind kind : WatchedKind.all()) {
      if (!isWanted(kind)) {
        continue;
      }
      try {
        if (client.supports(kind.apiVersion(), kind.kind())) {
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
      verdicts = read.verdicts();
      Reading before = published;
      boolean same = read.state().equals(before.state());
      if (before.generation() == 0 || !same || !read.problems().equals(before.problems())) {
        // The same object for the same state: what was built of it stays.
        published =
            new Reading(
                same ? before.state() : read.state(), read.problems(), before.generation() + 1);
        listeners.forEach(Runnable::run);
      }
    } catch (RuntimeException e) {
      LOG.error("reading the cluster failed; the last state goes on", e);
    }
  }

  /** What of an object is read: not who wrote which field of it. */
  private static Map<String, Object> treeOf(WatchedKind kind, GenericKubernetesResource resource) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("apiVersion", kind.apiVersion());
    tree.put("kind", kind.kind());
    ObjectMeta from = resource.getMetadata();
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("name", from.getName());
    if (from.getNamespace() != null) {
      metadata.put("namespace", from.getNamespace());
    }
    if (from.getLabels() != null && !from.getLabels().isEmpty()) {
      metadata.put("labels", from.getLabels());
    }
    if (from.getAnnotations() != null && !from.getAnnotations().isEmpty()) {
      Map<String, String> annotations = new LinkedHashMap<>(from.getAnnotations());
      annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
      metadata.put("annotations", annotations);
    }
    if (from.getUid() != null) {
      metadata.put("uid", from.getUid());
    }
    if (from.getCreationTimestamp() != null) {
      metadata.put("creationTimestamp", from.getCreationTimestamp());
    }
    if (from.getGeneration() != null) {
      metadata.put("generation", from.getGeneration());
    }
    tree.put("metadata", metadata);
    tree.putAll(resource.getAdditionalProperties());
    return tree;
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
      run(
          () -> {
            ClusterKey key = observed.key();
            @Nullable Map<?, ?> tree = observed.tree();
            if (key.kind().equals(EXPERIMENT) && tree != null) {
              experiments.put(key.namespace() + "/" + key.name(), tree);
            }
            return objects.put(observed);
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
      run(
          () -> {
            objects.remove(key);
            if (key.kind().equals(EXPERIMENT)) {
              experiments.remove(key.namespace() + "/" + key.name());
            }
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
