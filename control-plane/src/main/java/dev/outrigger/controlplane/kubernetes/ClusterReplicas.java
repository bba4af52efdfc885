package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.HaltOrder;
import dev.outrigger.controlplane.chaos.Replicas;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replicas that agree by a Lease, and share by two ConfigMaps, all in one namespace. Thread-safe;
 * nobody leads before {@link #start}.
 */
public final class ClusterReplicas implements Replicas, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterReplicas.class);

  /** What is shared bears the Lease's name with this behind it. */
  private static final String SHARED = "-experiments";

  /** And what replicas say of their proxies this. */
  private static final String ACKNOWLEDGED = "-acknowledgements";

  private final KubernetesClient client;
  private final Settings settings;
  private final Installation installation;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private final BiConsumer<String, Measurement> onward;
  private final ScheduledExecutorService rounds =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("outrigger-lease").factory());
  private volatile @Nullable Leadership leadership;
  private volatile @Nullable SharedRuns shared;
  private volatile @Nullable SharedAcknowledgements acknowledged;
  private volatile String self = "";

  /**
   * @param name of the Lease
   * @param lasts for how long one that is gone keeps others from leading
   */
  public record Settings(String namespace, String name, Duration lasts) {}

  /**
   * @param client whose requests end well before the Lease does; stays the caller's
   * @param installation that the Lease and what is shared go with
   * @param nanoTime monotonic time
   * @param random spreads the rounds of replicas that started at once
   * @param onward takes what a proxy measured to the replica of that name
   */
  public ClusterReplicas(
      KubernetesClient client,
      Settings settings,
      Installation installation,
      InstantSource clock,
      LongSupplier nanoTime,
      RandomGenerator random,
      BiConsumer<String, Measurement> onward) {
    this.client = client;
    this.settings = settings;
    this.installation = installation;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.random = random;
    this.onward = onward;
  }

  /**
   * Begins to follow, and to lead when that may be.
   *
   * @param self unique among replicas; the others are told it
   * @param experiments of this replica
   */
  public void start(String self, ExperimentRunner experiments) {
    this.self = SharedAcknowledgements.key(self);
    SharedRuns runs =
        new SharedRuns(
            client,
            settings.namespace(),
            settings.name() + SHARED,
            installation,
            this::leads,
            experiments::onShared);
    shared = runs;
    Leadership elected =
        new Leadership(
            new OneLease(),
            self,
            settings.lasts(),
            clock,
            nanoTime,
            new Leadership.Listener() {
              @Override
              public void onLead() {
                SharedRuns.Content content = runs.read();
                experiments.lead(content.standing(), content.orders());
                runs.took(content.orders());
              }

              @Override
              public void onResign() {
                experiments.resign();
              }
            });
    leadership = elected;
    runs.start();
    SharedAcknowledgements proxies =
        new SharedAcknowledgements(
            client,
            settings.namespace(),
            settings.name() + ACKNOWLEDGED,
            self,
            installation,
            clock,
            new FellowLedger(SharedAcknowledgements.key(self), settings.lasts(), nanoTime));
    proxies.start();
    acknowledged = proxies;
    long every = Leadership.every(settings.lasts()).toMillis();
    rounds.execute(() -> round(elected, every));
  }

  private void round(Leadership elected, long every) {
    elected.round();
    if (!rounds.isShutdown()) {
      long wait = every - random.nextLong(every / 5 + 1);
      var _ = rounds.schedule(() -> round(elected, every), wait, TimeUnit.MILLISECONDS);
    }
  }

  /** The Lease at the API server. */
  private final class OneLease implements Leadership.Leases {
    @Override
    public @Nullable Lease get() {
      return client.leases().inNamespace(settings.namespace()).withName(settings.name()).get();
    }

    @Override
    public Lease create(Lease lease) {
      lease.getMetadata().setName(settings.name());
      lease.getMetadata().setNamespace(settings.namespace());
      lease.getMetadata().setOwnerReferences(installation.owners());
      return client.resource(lease).create();
    }

    @Override
    public Lease update(Lease lease) {
      return client.resource(lease).update();
    }
  }

  @Override
  public boolean leads() {
    Leadership elected = leadership;
    return elected != null && elected.holds();
  }

  @Override
  public boolean isLed() {
    Leadership elected = leadership;
    return elected != null && elected.isHeld();
  }

  @Override
  public String leader() {
    Leadership elected = leadership;
    return elected == null ? "" : elected.holder();
  }

  @Override
  public void keep(List<ExperimentRun> standing) {
    SharedRuns runs = shared;
    if (runs != null) {
      runs.keep(standing);
    }
  }

  @Override
  public void keepSoon(List<ExperimentRun> standing) {
    SharedRuns runs = shared;
    if (runs != null && leads()) {
      runs.keepSoon(standing);
    }
  }

  @Override
  public void order(HaltOrder order) throws IOException {
    SharedRuns runs = shared;
    if (runs == null) {
      throw new IOException("this replica has only begun to start");
    }
    runs.order(order);
  }

  @Override
  public void measured(Measurement measurement) {
    String to = leader();
    if (!to.isEmpty()) {
      onward.accept(to, measurement);
    }
  }

  /** The name by which this replica tells others of its proxies; empty before the start. */
  String name() {
    return self;
  }

  /**
   * Tells the others what proxies of this one have acknowledged, if that is due. One thread at a
   * time.
   *
   * @return what the others that live told last; nothing before the start
   */
  List<Acknowledgements> share(Acknowledgements own) {
    SharedAcknowledgements proxies = acknowledged;
    return proxies == null ? List.of() : proxies.share(own, leads());
  }

  @Override
  public void close() {
    Leadership elected = leadership;
    if (elected != null) {
      try {
        rounds.submit(elected::release).get(2, TimeUnit.SECONDS);
      } catch (Exception e) {
        LOG.warn("the lease could not be given up; it ends by itself", e);
      }
    }
    SharedAcknowledgements proxies = acknowledged;
    if (proxies != null) {
      acknowledged = null;
      try {
        rounds.submit(proxies::close).get(2, TimeUnit.SECONDS);
      } catch (Exception e) {
        LOG.warn("the others hear by its age alone that this replica is gone", e);
      }
    }
    rounds.shutdownNow();
    SharedRuns runs = shared;
    if (runs != null) {
      runs.close();
    }
  }
}
