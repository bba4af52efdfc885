package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.proxy.identity.CertificateClient;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A real API server with many services, control planes of the first core, and simulated proxies
 * with certificates of the mesh, which share the second core with the API server.
 */
final class ScaledMesh implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final List<String> FIRST_CORE = core("0");
  private static final List<String> SECOND_CORE = core("1");

  final KubeApi kube;
  final BigCluster cluster;
  final List<Replica> replicas = new ArrayList<>();
  final SimulatedProxies proxies;
  private final int size;

  /** Where this process may run by right. */
  private final String cores;

  /** By how much this process gives way, and what it starts does not. */
  private static final int YIELDING = 10;

  /** What is not judged by time may run anywhere. */
  private static List<String> core(String number) {
    return Measurements.full()
        ? List.of("nice", "-n", "-" + YIELDING, "taskset", "-c", number)
        : List.of();
  }

  /** Starts all of it, but no proxy. */
  ScaledMesh(Path folder, int services, int replicaCount) throws Exception {
    cores = allowed();
    if (Measurements.full()) {
      affinity("1");
      giveWay();
    }
    size = services;
    kube = KubeApi.start(folder.resolve("kube"), SECOND_CORE);
    boolean started = false;
    try {
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: outrigger-system}}\n");
      kube.installChart();
      cluster = new BigCluster(kube, services);
      cluster.create(folder);
      for (int i = 1; i <= replicaCount; i++) {
        replicas.add(
            replicaCount == 1
                ? Replica.startAlone(folder, kube, "cp-" + i, FIRST_CORE)
                : Replica.start(folder, kube, "cp-" + i, FIRST_CORE));
      }
      proxies = new SimulatedProxies(replicas.stream().map(Replica::xdsTls).toList());
      await("all serve", () -> replicas.stream().allMatch(Replica::isReady));
      started = true;
    } finally {
      if (!started) {
        replicas.forEach(Replica::close);
        kube.close();
      }
    }
  }

  private static String allowed() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("Cpus_allowed_list:")) {
        return line.substring(line.indexOf(':') + 1).strip();
      }
    }
    throw new IOException("no Cpus_allowed_list");
  }

  /**
   * Thousands of proxies that all look for a control plane take no CPU of the API server's machine
   * where they are real.
   */
  private static void giveWay() throws Exception {
    List<String> command = new ArrayList<>(List.of("renice", "-n", Integer.toString(YIELDING)));
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      threads.forEach(thread -> command.addAll(List.of("-p", thread.getFileName().toString())));
    }
    Process set =
        new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    // A thread that has ended meanwhile is none that could take anything.
    set.waitFor();
  }

  /** On which cores the threads of this process run, which new ones inherit. */
  private static void affinity(String cores) throws Exception {
    Process set =
        new ProcessBuilder("taskset", "-acp", cores, Long.toString(ProcessHandle.current().pid()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(set.waitFor()).isZero();
  }

  /** Starts one proxy beside the first pods of the services, and waits until all have all. */
  void join(int count) throws Exception {
    Map<String, SslContext> identities = new HashMap<>();
    for (String namespace : BigCluster.namespaces(size)) {
      identities.put(namespace, identity(namespace));
    }
    List<SimulatedProxies.Who> who = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int service = i % size;
      String namespace = BigCluster.namespace(service);
      who.add(
          new SimulatedProxies.Who(
              namespace, BigCluster.pod(service, i / size), identities.get(namespace)));
    }
    proxies.start(who);
    await("all proxies have all", () -> isComplete(count));
  }

  /** Whether so many proxies have the endpoints of all services. */
  boolean isComplete(int count) {
    return proxies.holding(SimulatedProxies.ENDPOINT, size) == count
        && proxies.holding(SimulatedProxies.ROUTE, size) == count
        && proxies.settled() == count;
  }

  /** As a proxy of the namespace's default account joins: by a token of its pod. */
  private SslContext identity(String namespace) throws Exception {
    int service = BigCluster.namespaces(size).indexOf(namespace);
    String pod = BigCluster.pod(service, 0);
    String uid = said("-n", namespace, "get", "pod", pod, "-o", "jsonpath={.metadata.uid}");
    String token =
        said(
            "-n",
            namespace,
            "create",
            "token",
            "default",
            "--audience=outrigger.dev",
            "--bound-object-kind=Pod",
            "--bound-object-name=" + pod,
            "--bound-object-uid=" + uid);
    TrustBundle roots = TrustBundle.parse(replicas.getFirst().get("/api/v1/root"));
    PeerRule rule =
        new PeerRule.MeshMember(
            Set.of("cluster.local"), Set.of(SpiffeId.ofControlPlane("cluster.local")));
    CompletableFuture<SslContext> made = new CompletableFuture<>();
    try (ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
        CertificateClient client =
            CertificateClient.of(
                new CertificateClient.Authority(
                    "127.0.0.1",
                    replicas.getFirst().xdsTls(),
                    null,
                    roots,
                    rule,
                    () -> token,
                    Duration.ZERO,
                    namespace + "/" + pod),
                scheduler,
                InstantSource.system(),
                new SecureRandom())) {
      client.start(
          (identity, trust) -> {
            try {
              made.complete(
                  ClientTls.of(
                          identity,
                          trust,
                          rule,
                          List.of("h2"),
                          List.of("TLSv1.3"),
                          InstantSource.system())
                      .context());
            } catch (Exception e) {
              made.completeExceptionally(e);
            }
          });
      SslContext context = made.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      scheduler.shutdownNow();
      return context;
    }
  }

  private String said(String... arguments) throws Exception {
    KubeApi.Said said = kube.kubectl(arguments);
    assertThat(said.exit()).as(said.all()).isZero();
    return said.out().strip();
  }

  /** Waits until one leads, and not this one. */
  Replica awaitLeaderOtherThan(@Nullable Replica before) {
    Replica[] found = new Replica[1];
    await(
        "one leads",
        () -> {
          try {
            found[0] = Replica.leading(kube, replicas);
          } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
          }
          return found[0] != null && found[0] != before;
        });
    return found[0];
  }

  /** Waits for it; what control planes said tells why it did not come. */
  void await(String what, BooleanSupplier condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .until(condition::getAsBoolean);
    } catch (RuntimeException e) {
      StringBuilder logs = new StringBuilder(what);
      for (Replica one : replicas) {
        String said = one.process().said();
        logs.append("\n--- ")
            .append(one.name())
            .append(one.process().isAlive() ? " lives\n" : " ended\n")
            .append(said.substring(Math.max(0, said.length() - 4000)));
      }
      throw new AssertionError(logs.toString(), e);
    }
  }

  /**
   * Changes an endpoint and waits until every proxy has accepted the change.
   *
   * @return how long that took from before the write
   */
  Duration change(int service, int slice, boolean ready) throws Exception {
    CompletableFuture<Long> reached =
        proxies.changeOf(SimulatedProxies.ENDPOINT, BigCluster.endpoints(service));
    long begun = System.nanoTime();
    cluster.ready(service, slice, ready);
    return Duration.ofNanos(reached.get(PATIENCE.toSeconds(), TimeUnit.SECONDS) - begun);
  }

  @Override
  public void close() throws Exception {
    proxies.close();
    replicas.forEach(Replica::close);
    cluster.close();
    kube.close();
    if (Measurements.full()) {
      affinity(cores);
    }
  }
}
