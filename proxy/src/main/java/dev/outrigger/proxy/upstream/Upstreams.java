package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.health.HealthView;
import dev.outrigger.proxy.http.codec.Http1HeadWriter;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.ConfigView;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** All clusters as one worker sees them. Confined to its worker's event loop. */
@WorkerConfined
public final class Upstreams implements ConfigView.Watcher {
  private static final int SWEEP_SECONDS = 1;

  private final Worker worker;
  private final int workerCount;
  private final UpstreamConnector connector;
  private final WorkerTelemetry telemetry;
  private final WindowBudget windows;
  private final Http1HeadWriter headWriter = new Http1HeadWriter();
  private final Map<String, Upstream> byName = new HashMap<>();
  private HealthView health = HealthView.EMPTY;
  private final List<Upstream> leaving = new ArrayList<>();

  /**
   * @param workerCount among how many workers the limits of a cluster are shared
   * @param windows what those of HTTP/2 may become, all workers together
   */
  public Upstreams(
      Worker worker,
      int workerCount,
      UpstreamConnector connector,
      WorkerTelemetry telemetry,
      WindowBudget windows) {
    this.worker = worker;
    this.workerCount = workerCount;
    this.connector = connector;
    this.telemetry = telemetry;
    this.windows = windows;
  }

  /** Begins to close what is idle too long and to open what is wanted ahead; called once. */
  public void start() {
    assert worker.isCurrent();
    worker
        .loop()
        .scheduleWithFixedDelay(this::sweep, SWEEP_SECONDS, SWEEP_SECONDS, TimeUnit.SECONDS);
  }

  /** The cluster of this name, or null. */
  public @Nullable Upstream find(String cluster) {
    return byName.get(cluster);
  }

  /** All of them, for those who show them. */
  public Collection<Upstream> all() {
    return byName.values();
  }

  @Override
  public void onSnapshot(RuntimeSnapshot snapshot) {
    assert worker.isCurrent();
    Map<String, ClusterConfig> clusters = snapshot.config().clusters();
    for (Iterator<Upstream> it = byName.values().iterator(); it.hasNext(); ) {
      Upstream upstream = it.next();
      if (!clusters.containsKey(upstream.config().name())) {
        it.remove();
        upstream.retire();
        leaving.add(upstream);
      }
    }
    for (ClusterConfig cluster : clusters.values()) {
      Upstream known = byName.get(cluster.name());
      if (known == null) {
        byName.put(cluster.name(), new Upstream(this, cluster));
      } else if (!known.config().equals(cluster)) {
        known.update(cluster);
      }
    }
  }

  /** The addresses behind the names of a DNS cluster. */
  public void onEndpoints(String cluster, EndpointSet endpoints) {
    assert worker.isCurrent();
    Upstream upstream = byName.get(cluster);
    if (upstream != null) {
      upstream.endpoints(endpoints);
    }
  }

  /** What active checks say now. */
  public void onHealth(HealthView view) {
    assert worker.isCurrent();
    HealthView before = health;
    health = view;
    for (String cluster : view.changedSince(before)) {
      Upstream upstream = byName.get(cluster);
      if (upstream != null) {
        upstream.healthChanged();
      }
    }
  }

  /** New connections take the place of those there are; what is under way ends on the old ones. */
  public void renew(Predicate<ClusterConfig> which) {
    assert worker.isCurrent();
    for (Upstream upstream : byName.values()) {
      if (which.test(upstream.config())) {
        upstream.renew();
      }
    }
  }

  private void sweep() {
    long now = worker.nanoTime();
    for (Upstream upstream : byName.values()) {
      upstream.sweep(now);
    }
    leaving.removeIf(
        upstream -> {
          upstream.sweep(now);
          return upstream.connections() == 0;
        });
  }

  Worker worker() {
    return worker;
  }

  int workerCount() {
    return workerCount;
  }

  UpstreamConnector connector() {
    return connector;
  }

  WorkerTelemetry telemetry() {
    return telemetry;
  }

  WindowBudget windows() {
    return windows;
  }

  HealthView health() {
    return health;
  }

  Http1HeadWriter headWriter() {
    return headWriter;
  }
}
