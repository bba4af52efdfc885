package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Probes the endpoints of all clusters that ask for it and publishes what changes. An endpoint that
 * no probe has answered for is not healthy; what is known of an address outlives changes of its
 * cluster. Lives on the config loop; every method is called there.
 */
public final class HealthWatch {
  private static final Logger LOG = LoggerFactory.getLogger(HealthWatch.class);

  private final ConfigLoop loop;
  private final HealthCheckers checkers;
  private final RandomGenerator random;
  private final Consumer<HealthView> publish;
  private final Map<String, Watched> clusters = new HashMap<>();
  private HealthView published = HealthView.EMPTY;

  /**
   * @param random for jitter
   * @param publish called on the config loop with each view that differs from the last
   */
  public HealthWatch(
      ConfigLoop loop,
      HealthCheckers checkers,
      RandomGenerator random,
      Consumer<HealthView> publish) {
    this.loop = loop;
    this.checkers = checkers;
    this.random = random;
    this.publish = publish;
  }

  /** The last view that was published. */
  public HealthView view() {
    loop.checkInside();
    return published;
  }

  /**
   * From now on these clusters, and no others. Only those whose endpoints are listed are probed:
   * names are resolved before.
   */
  public void watch(Collection<ClusterConfig> wanted) {
    loop.checkInside();
    Set<String> names = new HashSet<>();
    for (ClusterConfig cluster : wanted) {
      HealthCheckPolicy policy = cluster.health();
      if (policy != null && cluster.discovery() instanceof ClusterConfig.Discovery.Listed listed) {
        names.add(cluster.name());
        Watched watched = clusters.get(cluster.name());
        if (watched == null) {
          watched = new Watched(cluster, policy);
          clusters.put(cluster.name(), watched);
        }
        watched.update(cluster, policy, listed);
      }
    }
    clusters
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !names.contains(entry.getKey());
              if (gone) {
                entry.getValue().stop();
              }
              return gone;
            });
    publishIfChanged();
  }

  /** Ends all probing. */
  public void stop() {
    loop.checkInside();
    clusters.values().forEach(Watched::stop);
    clusters.clear();
  }

  private void publishIfChanged() {
    Map<String, Set<SocketAddressConfig>> healthy = new HashMap<>();
    clusters.forEach((name, watched) -> healthy.put(name, watched.healthy()));
    HealthView view = new HealthView(healthy);
    if (!view.equals(published)) {
      published = view;
      publish.accept(view);
    }
  }

  /** One cluster. */
  private final class Watched {
    private final Map<SocketAddressConfig, Patient> patients = new HashMap<>();
    private ClusterConfig cluster;
    private Schedule schedule;
    private HealthChecker checker;

    Watched(ClusterConfig cluster, HealthCheckPolicy policy) {
      this.cluster = cluster;
      this.schedule = policy.schedule();
      this.checker = checkers.newChecker(cluster, policy);
    }

    void update(
        ClusterConfig next, HealthCheckPolicy policy, ClusterConfig.Discovery.Listed listed) {
      if (!next.tlsMatches().equals(cluster.tlsMatches()) || !policy.equals(cluster.health())) {
        checker = checkers.newChecker(next, policy);
        schedule = policy.schedule();
        patients.values().forEach(patient -> patient.ledger.reschedule(schedule));
      }
      cluster = next;
      Map<SocketAddressConfig, Endpoint> present = new HashMap<>();
      listed.endpoints().endpoints().forEach(one -> present.putIfAbsent(one.address(), one));
      patients
          .entrySet()
          .removeIf(
              entry -> {
                boolean gone = !present.containsKey(entry.getKey());
                if (gone) {
                  entry.getValue().stop();
                }
                return gone;
              });
      present.forEach(
          (address, endpoint) -> {
            Patient known = patients.get(address);
            if (known != null) {
              known.endpoint = endpoint;
            } else {
              Patient patient = new Patient(this, endpoint);
              patients.put(address, patient);
              patient.probe();
            }
          });
    }

    void stop() {
      patients.values().forEach(Patient::stop);
    }

    Set<SocketAddressConfig> healthy() {
      Set<SocketAddressConfig> healthy = new HashSet<>();
      patients.forEach(
          (address, patient) -> {
            if (patient.ledger.healthy()) {
              healthy.add(address);
            }
          });
      return healthy;
    }
  }

  /** One endpoint: a probe, then a wait, then a probe. */
  private final class Patient {
    private final Watched watched;
    private final HealthLedger ledger;
    private Endpoint endpoint;
    private @Nullable ScheduledFuture<?> next;
    private boolean stopped;

    Patient(Watched watched, Endpoint endpoint) {
      this.watched = watched;
      this.endpoint = endpoint;
      this.ledger = new HealthLedger(watched.schedule);
    }

    void probe() {
      // Never called back from within watch(): half of an update must not be published.
      next =
          loop.schedule(
              () -> watched.checker.probe(endpoint, watched.schedule.timeout(), this::onResult),
              Duration.ZERO);
    }

    void stop() {
      stopped = true;
      if (next != null) {
        next.cancel(false);
      }
    }

    private void onResult(ProbeResult result) {
      if (stopped) {
        return;
      }
      next = loop.schedule(this::probe, pause());
      if (ledger.onProbe(result)) {
        String reason =
            switch (result) {
              case ProbeResult.Passed _ -> "passed";
              case ProbeResult.Unanswered(String why) -> why;
              case ProbeResult.Wrong(String why) -> why;
            };
        LOG.info(
            "cluster {}: endpoint {} is {}: {}",
            watched.cluster.name(),
            endpoint.address(),
            ledger.healthy() ? "healthy" : "unhealthy",
            reason);
        publishIfChanged();
      }
    }

    private Duration pause() {
      long interval = watched.schedule.interval().toNanos();
      long jitter = interval / 100 * watched.schedule.jitterPercent();
      return Duration.ofNanos(interval + (jitter > 0 ? random.nextLong(jitter) : 0));
    }
  }
}
