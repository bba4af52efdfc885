package dev.outrigger.controlplane;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.controlplane.ControlPlaneOptions.Cluster;
import dev.outrigger.controlplane.ads.NackLedger;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.TokenVerifier;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.SharedExperiments;
import dev.outrigger.controlplane.cluster.AccountTokens;
import dev.outrigger.controlplane.cluster.ClusterOptions;
import dev.outrigger.controlplane.cluster.ClusterOptions.LeaseOptions;
import dev.outrigger.controlplane.kubernetes.ClusterExperiments;
import dev.outrigger.controlplane.kubernetes.ClusterLogin;
import dev.outrigger.controlplane.kubernetes.ClusterReplicas;
import dev.outrigger.controlplane.kubernetes.Installation;
import dev.outrigger.controlplane.kubernetes.KubernetesSource;
import dev.outrigger.controlplane.kubernetes.StatusWriter;
import dev.outrigger.controlplane.source.FileSource;
import dev.outrigger.controlplane.source.FolderExperiments;
import dev.outrigger.controlplane.source.ModelSource;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Where this control plane has its desired state from: a folder or a cluster. */
sealed interface DesiredSource extends AutoCloseable {
  /** How long a start waits for an API server. */
  Duration PATIENCE = Duration.ofSeconds(60);

  /** How long a write may take where no lease says so. */
  int ALONE_MILLIS = 10_000;

  ModelSource source();

  /** An experiment as it is written, by namespace and name; null where there is none. */
  @Nullable String experiment(String key);

  /** Where experiments go that are submitted over the API; null for the state folder. */
  @Nullable SharedExperiments submitted();

  /**
   * Tells those who wrote it what came of it; called once a second, by one thread.
   *
   * @param replicas those that share the work; null where there are no others
   * @param mayWrite asked before each write
   */
  Runnable statusWriter(
      NackLedger proxies,
      Supplier<List<ExperimentRun>> runs,
      InstantSource clock,
      @Nullable ClusterReplicas replicas,
      BooleanSupplier mayWrite);

  /**
   * Those that share the work; they lead and follow once started.
   *
   * @param services whose lease is null where there are no others
   * @param nanoTime monotonic time
   * @param onward takes what a proxy measured to the replica of that name
   */
  @Nullable ClusterReplicas replicas(
      ClusterOptions services,
      InstantSource clock,
      LongSupplier nanoTime,
      RandomGenerator random,
      BiConsumer<String, Measurement> onward);

  /**
   * By what proxies join.
   *
   * @param ours always good
   * @param audience of tokens of the cluster's service accounts
   * @param nanoTime monotonic time
   */
  TokenVerifier tokens(JoinTokens ours, String audience, LongSupplier nanoTime);

  @Override
  void close();

  /**
   * Opens what the options name.
   *
   * @throws IOException if there is no such cluster, or we may not read it
   */
  static DesiredSource open(ControlPlaneOptions options) throws IOException {
    @Nullable Cluster cluster = options.cluster();
    if (cluster == null) {
      return new Folder(FileSource.watching(options.folder()), options.folder());
    }
    KubernetesClient client = ClusterLogin.client(cluster.kubeconfig(), System.getenv());
    boolean done = false;
    try {
      KubernetesSource source = KubernetesSource.watching(client, cluster.namespace(), PATIENCE);
      @Nullable LeaseOptions lease = options.services().lease();
      KubernetesClient writes =
          ClusterLogin.client(
              cluster.kubeconfig(),
              System.getenv(),
              lease == null || lease.pod().isEmpty() ? "outrigger" : "outrigger/" + lease.pod(),
              // A write that is under way when the lease ends must end before another's begins.
              lease == null
                  ? ALONE_MILLIS
                  : (int) Math.min(ALONE_MILLIS, lease.lasts().toMillis() / 3),
              0);
      done = true;
      return new Kubernetes(client, writes, source);
    } finally {
      if (!done) {
        client.close();
      }
    }
  }

  /** A folder of YAML files. */
  record Folder(FileSource source, Path folder) implements DesiredSource {
    @Override
    public @Nullable String experiment(String key) {
      return FolderExperiments.text(folder, key);
    }

    @Override
    public @Nullable SharedExperiments submitted() {
      return null;
    }

    @Override
    public TokenVerifier tokens(JoinTokens ours, String audience, LongSupplier nanoTime) {
      return ours;
    }

    /** One state folder is worked with by one at a time. */
    @Override
    public @Nullable ClusterReplicas replicas(
        ClusterOptions services,
        InstantSource clock,
        LongSupplier nanoTime,
        RandomGenerator random,
        BiConsumer<String, Measurement> onward) {
      return null;
    }

    /** Files have no status: `outrigger analyze` and the API tell. */
    @Override
    public Runnable statusWriter(
        NackLedger proxies,
        Supplier<List<ExperimentRun>> runs,
        InstantSource clock,
        @Nullable ClusterReplicas replicas,
        BooleanSupplier mayWrite) {
      return () -> {};
    }

    @Override
    public void close() {
      source.close();
    }
  }

  /** An API server. */
  record Kubernetes(KubernetesClient client, KubernetesClient writes, KubernetesSource source)
      implements DesiredSource {
    @Override
    public @Nullable String experiment(String key) {
      return source.experiment(key);
    }

    @Override
    public SharedExperiments submitted() {
      return new ClusterExperiments(writes, source);
    }

    @Override
    public Runnable statusWriter(
        NackLedger proxies,
        Supplier<List<ExperimentRun>> runs,
        InstantSource clock,
        @Nullable ClusterReplicas replicas,
        BooleanSupplier mayWrite) {
      return new StatusWriter(writes, source, proxies, runs, clock, replicas, mayWrite)::tick;
    }

    @Override
    public TokenVerifier tokens(JoinTokens ours, String audience, LongSupplier nanoTime) {
      return new AccountTokens(
          ours, client, audience, source.reading().state().mesh().trustDomain(), nanoTime);
    }

    @Override
    public @Nullable ClusterReplicas replicas(
        ClusterOptions services,
        InstantSource clock,
        LongSupplier nanoTime,
        RandomGenerator random,
        BiConsumer<String, Measurement> onward) {
      @Nullable LeaseOptions lease = services.lease();
      return lease == null
          ? null
          : new ClusterReplicas(
              writes,
              new ClusterReplicas.Settings(services.namespace(), lease.name(), lease.lasts()),
              new Installation(writes, services.installation()),
              clock,
              nanoTime,
              random,
              onward);
    }

    @Override
    public void close() {
      source.close();
      writes.close();
      client.close();
    }
  }
}
