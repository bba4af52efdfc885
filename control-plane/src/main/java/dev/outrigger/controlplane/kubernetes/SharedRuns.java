package dev.outrigger.controlplane.kubernetes;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.HaltOrder;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What replicas share about experiments, in a ConfigMap: where each stands, written by the one that
 * leads and only on top of what it has read, and orders to halt, which any of them adds. Each entry
 * is a value of its own, so that an order never waits for the leader. Thread-safe.
 */
final class SharedRuns implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedRuns.class);
  private static final String RUNS = "runs";
  private static final String ORDER = "halt-";

  /** The API server takes no more than a MiB. */
  private static final int MAX_CHARS = 900_000;

  /** So long a start waits to be kept. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private static final Duration AGAIN = Duration.ofMillis(500);
  private static final int MAX_RACES = 5;

  private final KubernetesClient client;
  private final String namespace;
  private final String name;
  private final Installation installation;
  private final BooleanSupplier mayWrite;
  private final Listener listener;
  private final ScheduledExecutorService writer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("outrigger-runs").factory());
  private @Nullable SharedIndexInformer<ConfigMap> informer;

  // Confined to the writer.
  private @Nullable List<ExperimentRun> wanted;
  private final Set<String> taken = new HashSet<>();

  /** Called by the informer, one call at a time. */
  interface Listener {
    /** Whether the orders were obeyed here, so that they can go. */
    boolean onShared(List<ExperimentRun> standing, List<HaltOrder> orders);
  }

  /** What was in it at one moment. */
  record Content(List<ExperimentRun> standing, List<HaltOrder> orders) {}

  /**
   * @param installation that it goes with
   * @param mayWrite asked before each write of where experiments stand
   */
  SharedRuns(
      KubernetesClient client,
      String namespace,
      String name,
      Installation installation,
      BooleanSupplier mayWrite,
      Listener listener) {
    this.client = client;
    this.namespace = namespace;
    this.name = name;
    this.installation = installation;
    this.mayWrite = mayWrite;
    this.listener = listener;
  }

  private Resource<ConfigMap> resource() {
    return client.configMaps().inNamespace(namespace).withName(name);
  }

  /** Begins to follow it; what is there is told first. */
  void start() {
    SharedIndexInformer<ConfigMap> started = resource().runnableInformer(0);
    started.addEventHandler(
        new ResourceEventHandler<ConfigMap>() {
          @Override
          public void onAdd(ConfigMap map) {
            tell(map);
          }

          @Override
          public void onUpdate(ConfigMap before, ConfigMap now) {
            tell(now);
          }

          @Override
          public void onDelete(ConfigMap map, boolean unknown) {
            var _ = listener.onShared(List.of(), List.of());
          }
        });
    // After the first list an error is never the end.
    started.exceptionHandler((wasStarted, error) -> wasStarted);
    informer = started;
    started.run();
  }

  /** These were obeyed: the next write takes them out. */
  void took(List<HaltOrder> orders) {
    if (!orders.isEmpty() && !writer.isShutdown()) {
      writer.execute(() -> orders.forEach(order -> taken.add(ORDER + order.id())));
    }
  }

  private void tell(ConfigMap map) {
    try {
      Content content = content(map);
      if (listener.onShared(content.standing(), content.orders())) {
        took(content.orders());
      }
    } catch (RuntimeException e) {
      LOG.error("the ConfigMap {} cannot be understood", name, e);
    }
  }

  /**
   * Reads it for one that takes over.
   *
   * @throws KubernetesClientException if it cannot be read
   */
  Content read() {
    @Nullable ConfigMap map = resource().get();
    return map == null ? new Content(List.of(), List.of()) : content(map);
  }

  static Content content(ConfigMap map) {
    Map<String, String> data = map.getData() == null ? Map.of() : map.getData();
    List<ExperimentRun> standing = new ArrayList<>();
    for (String line : data.getOrDefault(RUNS, "").lines().toList()) {
      try {
        standing.add(ExperimentRun.parse(line));
      } catch (IllegalArgumentException e) {
        LOG.warn("the ConfigMap {}: {}", map.getMetadata().getName(), e.getMessage());
      }
    }
    List<HaltOrder> orders = new ArrayList<>();
    new TreeMap<>(data)
        .forEach(
            (key, text) -> {
              if (key.startsWith(ORDER)) {
                try {
                  orders.add(HaltOrder.parse(key.substring(ORDER.length()), text));
                } catch (IllegalArgumentException e) {
                  LOG.warn("the ConfigMap {}: {}", map.getMetadata().getName(), e.getMessage());
                }
              }
            });
    return new Content(standing, orders);
  }

  /** Waits until it is written. */
  void keep(List<ExperimentRun> standing) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    writer.execute(
        () -> {
          wanted = standing;
          try {
            write();
            done.complete(null);
          } catch (IOException | RuntimeException e) {
            wanted = null;
            done.completeExceptionally(e);
          }
        });
    try {
      done.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw notKept(String.valueOf(cause == null ? e.getMessage() : cause.getMessage()));
    } catch (TimeoutException e) {
      throw notKept("the API server does not answer");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw notKept("interrupted");
    }
  }

  private UncheckedIOException notKept(String why) {
    return new UncheckedIOException(
        new IOException(
            "where experiments stand cannot be kept in ConfigMap " + name + ": " + why));
  }

  /** Writes it in a while, and again until that succeeds or this replica may not write. */
  void keepSoon(List<ExperimentRun> standing) {
    if (!writer.isShutdown()) {
      writer.execute(
          () -> {
            boolean waits = wanted != null;
            wanted = standing;
            if (!waits) {
              // Behind what else is waiting, so that many are written as one.
              writer.execute(this::writeSoon);
            }
          });
    }
  }

  private void writeSoon() {
    if (wanted == null) {
      return;
    }
    try {
      write();
    } catch (IOException | RuntimeException e) {
      if (!mayWrite.getAsBoolean()) {
        wanted = null;
        return;
      }
      LOG.warn("where experiments stand is not kept yet: {}", e.getMessage());
      var _ = writer.schedule(this::writeSoon, AGAIN.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void write() throws IOException {
    List<ExperimentRun> standing = wanted;
    if (standing == null) {
      return;
    }
    String text = standing.stream().map(run -> run.toJson() + "\n").collect(Collectors.joining());
    if (text.length() > MAX_CHARS) {
      throw new IOException("there are too many experiments: " + standing.size());
    }
    for (int race = 0; ; race++) {
      @Nullable ConfigMap there = resource().get();
      if (!mayWrite.getAsBoolean()) {
        throw new IOException("this replica does not lead");
      }
      try {
        put(there, text);
        wanted = null;
        return;
      } catch (KubernetesClientException e) {
        // Somebody added an order meanwhile, or leads; the lease tells which.
        if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || race >= MAX_RACES) {
          throw e;
        }
      }
    }
  }

  private void put(@Nullable ConfigMap there, String text) {
    Map<String, String> data = new HashMap<>();
    if (there != null && there.getData() != null) {
      data.putAll(there.getData());
    }
    data.keySet().removeAll(taken);
    data.put(RUNS, text);
    ConfigMapBuilder builder = there == null ? new ConfigMapBuilder() : new ConfigMapBuilder(there);
    ConfigMap next =
        builder
            .editOrNewMetadata()
            .withName(name)
            .withNamespace(namespace)
            .addToLabels("app.kubernetes.io/managed-by", "outrigger")
            .endMetadata()
            .withData(data)
            .build();
    if (there == null) {
      next.getMetadata().setOwnerReferences(installation.owners());
      var _ = client.resource(next).create();
    } else {
      var _ = client.resource(next).update();
    }
    taken.clear();
  }

  /** Adds an order beside whatever else is there. */
  void order(HaltOrder order) throws IOException {
    JsonObject data = new JsonObject();
    data.addProperty(ORDER + order.id(), order.toJson());
    JsonObject patch = new JsonObject();
    patch.add("data", data);
    try {
      var _ = resource().patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
    } catch (KubernetesClientException e) {
      throw new IOException(
          e.getCode() == HttpURLConnection.HTTP_NOT_FOUND
              ? "no replica has led yet"
              : String.valueOf(e.getMessage()),
          e);
    }
  }

  @Override
  public void close() {
    SharedIndexInformer<ConfigMap> started = informer;
    if (started != null) {
      started.stop();
    }
    writer.shutdownNow();
  }
}
