package dev.outrigger.controlplane;

import dev.outrigger.controlplane.access.ApiTokens;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.ads.AdsCounters;
import dev.outrigger.controlplane.ads.AdsLimits;
import dev.outrigger.controlplane.ads.AdsService;
import dev.outrigger.controlplane.ads.NackLedger;
import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.api.AccessRoutes;
import dev.outrigger.controlplane.api.Answering;
import dev.outrigger.controlplane.api.ApiGate;
import dev.outrigger.controlplane.api.ApiRoute;
import dev.outrigger.controlplane.api.ApiServer;
import dev.outrigger.controlplane.api.CoverageRoutes;
import dev.outrigger.controlplane.api.ExperimentRoutes;
import dev.outrigger.controlplane.api.LeaderLine;
import dev.outrigger.controlplane.api.MetricsPage;
import dev.outrigger.controlplane.api.OpenApiRoutes;
import dev.outrigger.controlplane.api.PreviewRoutes;
import dev.outrigger.controlplane.api.ScheduleRoutes;
import dev.outrigger.controlplane.api.StatusRoutes;
import dev.outrigger.controlplane.api.TokenRoutes;
import dev.outrigger.controlplane.ca.AttestedIdentity;
import dev.outrigger.controlplane.ca.CertificateAuthority;
import dev.outrigger.controlplane.ca.CertificateService;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.ca.StateLock;
import dev.outrigger.controlplane.ca.TokenVerifier;
import dev.outrigger.controlplane.chaos.Coverage;
import dev.outrigger.controlplane.chaos.ExperimentDocuments;
import dev.outrigger.controlplane.chaos.ExperimentLedger;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.FaultViews;
import dev.outrigger.controlplane.chaos.MeasurementService;
import dev.outrigger.controlplane.chaos.NetworkProber;
import dev.outrigger.controlplane.chaos.ReportStore;
import dev.outrigger.controlplane.chaos.Shadows;
import dev.outrigger.controlplane.chaos.SharedExperiments;
import dev.outrigger.controlplane.chaos.TestHistory;
import dev.outrigger.controlplane.cluster.ClusterOptions.LeaseOptions;
import dev.outrigger.controlplane.cluster.ClusterServices;
import dev.outrigger.controlplane.kubernetes.ClusterReplicas;
import dev.outrigger.controlplane.snapshot.SnapshotStore;
import dev.outrigger.controlplane.source.ModelSource;
import dev.outrigger.controlplane.source.Problem;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.TlsSetupException;
import dev.outrigger.tls.WorkloadIdentity;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane: files become desired state, desired state becomes what each proxy is sent, and
 * an authority certifies who the proxies are. Started by {@link #start}; runs until closed.
 */
public final class ControlPlane implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);
  private static final int MAX_METADATA_BYTES = 16 << 10;
  private static final int EXPERIMENT_TICK_MILLIS = 100;
  private static final int STATUS_TICK_MILLIS = 500;
  private static final int AUTHORITY_TICK_SECONDS = 15;
  private static final int MAX_CALLS_PER_CONNECTION = 16;

  /** Longer than our proxies', so that those who ask whether we live are not asked as well. */
  private static final int KEEP_ALIVE_SECONDS = 45;

  /**
   * Of each call. A thousand proxies that come back at once tell what they hold, and what waits to
   * be read takes room.
   */
  private static final int WINDOW_BYTES = 32 << 10;

  /** What is closed at the end, the latest first. */
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();

  private final AtomicBoolean closed = new AtomicBoolean();
  private final Ports ports;

  /** What the API answers. */
  private List<ApiRoute> served = List.of();

  /** Where it listens; negative where it does not. */
  public record Ports(int xds, int xdsTls, int api, int webhook, int metrics) {}

  private ControlPlane(
      ControlPlaneOptions options, InstantSource clock, LongSupplier nanoTime, SecureRandom random)
      throws IOException, TlsSetupException {
    boolean started = false;
    try {
      ports = wire(options, clock, nanoTime, random);
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /**
   * Starts a control plane; when this returns, it serves. While another one works with the same
   * state, it waits for its end. Its monotonic time is that of the clock, which nobody sets.
   *
   * @throws IOException if a port is taken or the state folder cannot be used
   * @throws TlsSetupException if there is no native TLS
   */
  public static ControlPlane start(
      ControlPlaneOptions options, InstantSource clock, SecureRandom random)
      throws IOException, TlsSetupException {
    Instant zero = clock.instant();
    return start(options, clock, () -> Duration.between(zero, clock.instant()).toNanos(), random);
  }

  /**
   * The same, with a wall clock that may be set.
   *
   * @param nanoTime monotonic time
   */
  public static ControlPlane start(
      ControlPlaneOptions options, InstantSource clock, LongSupplier nanoTime, SecureRandom random)
      throws IOException, TlsSetupException {
    return new ControlPlane(options, clock, nanoTime, random);
  }

  public Ports ports() {
    return ports;
  }

  /** Stops taking streams, ends the open ones, and closes everything. May be called twice. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.warn("while stopping", e);
      }
    }
  }

  /** Runs until the process is told to end. */
  public static void main(String[] args) throws InterruptedException {
    if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
      System.out.print(ControlPlaneOptions.help());
      return;
    }
    ControlPlaneOptions options;
    try {
      options = ControlPlaneOptions.parse(List.of(args), System.getenv());
    } catch (IllegalArgumentException e) {
      System.err.println("outrigger control-plane: " + e.getMessage());
      System.exit(2);
      return;
    }
    PeerFaults.keepOutOfTheLog();
    try {
      ControlPlane running =
          start(options, InstantSource.system(), System::nanoTime, new SecureRandom());
      CountDownLatch stopped = new CountDownLatch(1);
      Runtime.getRuntime()
          .addShutdownHook(
              Thread.ofPlatform()
                  .name("outrigger-stop")
                  .unstarted(
                      () -> {
                        running.close();
                        stopped.countDown();
                      }));
      System.out.println(running.readyLine(options));
      stopped.await();
    } catch (IOException | TlsSetupException e) {
      System.err.println("outrigger control-plane: " + e.getMessage());
      System.exit(1);
    }
  }

  /** All routes of the API. */
  List<ApiRoute> routes() {
    return served;
  }

  /** One line that says where it listens. */
  public String readyLine(ControlPlaneOptions options) {
    ControlPlaneOptions.@Nullable Cluster cluster = options.cluster();
    return "outrigger control-plane ready: "
        + (cluster == null
            ? "dir=" + options.folder()
            : "kubernetes=" + (cluster.namespace() == null ? "all" : cluster.namespace()))
        + " xds=127.0.0.1:"
        + ports.xds()
        + " xds-tls="
        + options.bind()
        + ":"
        + ports.xdsTls()
        + " api=http://127.0.0.1:"
        + ports.api();
  }

  private Ports wire(
      ControlPlaneOptions options, InstantSource clock, LongSupplier nanoTime, SecureRandom random)
      throws IOException, TlsSetupException {
    // The last to be closed: what follows is written by one control plane at a time.
    part(StateLock.take(options.state()));
    DesiredSource desired = part(DesiredSource.open(options));
    ModelSource source = desired.source();
    Path state = options.state();
    ClusterServices services =
        part(
            new ClusterServices(
                options.services(),
                options.cluster() == null ? null : options.cluster().kubeconfig()));
    CertificateAuthority authority =
        services.authority(
            state,
            () ->
                CertificateAuthority.open(
                    state,
                    source.reading().state().mesh().trustDomain(),
                    new CertificateAuthority.Lifetimes(
                        options.certificateLifetime(), options.certificateLifetime()),
                    clock,
                    random));
    JoinTokens tokens = JoinTokens.open(state, clock, random);
    TokenVerifier verifier = desired.tokens(tokens, services.audience(), nanoTime);

    StateDisk disk = new StateDisk();
    ExperimentRunner experiments =
        new ExperimentRunner(
            clock,
            part(ExperimentLedger.open(state.resolve("experiments.jsonl"), disk)),
            ExperimentDocuments.open(state.resolve("experiments"), disk),
            ReportStore.open(state.resolve("reports"), disk),
            part(new NetworkProber(options.probeCommands())),
            (identity, flaw, end) -> {
              WorkloadIdentity made =
                  authority.flawed(identity, flaw, Duration.between(clock.instant(), end));
              return new HandshakeFault.Credential(
                  made.chain().stream().map(Pem::of).collect(Collectors.joining()),
                  Pem.of(made.key()));
            });
    experiments.distrustClockBy(nanoTime);
    AttestedIdentity.@Nullable Source spiffe = options.spiffe();
    @Nullable AttestedIdentity attested =
        spiffe == null
            ? null
            : part(AttestedIdentity.open(spiffe, authority.trustDomain(), clock, random));
    ServingIdentity identity = attested == null ? authority : attested;
    MeasurementRelay relay = part(new MeasurementRelay(identity, clock, nanoTime));
    @Nullable LeaseOptions lease = options.services().lease();
    @Nullable ClusterReplicas replicas =
        desired.replicas(options.services(), clock, nanoTime, random, relay::send);
    if (replicas != null) {
      experiments.follow(replicas);
    }
    Shadows shadows = new Shadows(clock, experiments);
    TestHistory tests = TestHistory.open(state.resolve("tests.jsonl"), disk);
    experiments.tell(tests);
    Coverage coverage =
        new Coverage(clock, experiments, shadows, tests, state.resolve("calls.json"), disk);
    FaultViews views = new FaultViews(new SnapshotStore(source), experiments, shadows);
    @Nullable SharedExperiments submitted = desired.submitted();
    if (submitted != null) {
      experiments.keepIn(submitted);
    }
    experiments.readFolderBy(desired::experiment);
    source.onChange(() -> experiments.onState(source.reading().state()));
    experiments.onState(source.reading().state());
    NackLedger ledger = new NackLedger(clock);
    experiments.knowEnvoysBy(
        () ->
            ledger.proxies().stream()
                .filter(proxy -> proxy.agent().startsWith("envoy"))
                .map(ProxyStatus::workload)
                .collect(Collectors.toUnmodifiableSet()));
    AdsCounters counters = new AdsCounters();
    AdsService ads = new AdsService(views, ledger, counters, AdsLimits.DEFAULT);
    SuccessCounter certificates = new SuccessCounter();

    ExecutorService calls =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("outrigger-xds-", 0).factory());
    part(calls::shutdownNow);
    MeasurementService measurements = new MeasurementService(experiments, shadows);
    Server plain =
        server(new InetSocketAddress("127.0.0.1", options.xdsPort()), calls)
            .addService((BindableService) ads)
            .addService(measurements)
            .build();
    RotatingServerTls tls = new RotatingServerTls(identity, services.names(), clock);
    if (attested != null) {
      attested.onRenewal(tls::renew);
    }
    LeaderService leading = new LeaderService(identity::id);
    NettyServerBuilder guarded =
        server(new InetSocketAddress(options.bind(), options.xdsTlsPort()), calls)
            .sslContext(tls)
            .addService(ServerInterceptors.intercept(ads, new CallerAuthentication(verifier)))
            .addService(
                ServerInterceptors.intercept(measurements, new CallerAuthentication(verifier)))
            .addService(ServerInterceptors.intercept(leading, new CallerAuthentication(verifier)));
    if (attested == null) {
      guarded.addService(
          ServerInterceptors.intercept(
              CertificateService.define(authority, verifier, clock), certificates));
    }
    Server secure = guarded.build();
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("outrigger-timer").factory());
    part(timer::shutdownNow);
    long half = RotatingServerTls.LIFETIME.dividedBy(2).toSeconds();
    var _ = timer.scheduleWithFixedDelay(tls::renew, half, half, TimeUnit.SECONDS);

    var _ =
        timer.scheduleWithFixedDelay(
            () -> tick(experiments, shadows, coverage),
            0,
            EXPERIMENT_TICK_MILLIS,
            TimeUnit.MILLISECONDS);

    ScheduledExecutorService statuses =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("outrigger-status").factory());
    part(statuses::shutdownNow);
    var _ =
        statuses.scheduleWithFixedDelay(
            desired.statusWriter(
                ledger,
                experiments::runs,
                clock,
                replicas,
                () -> replicas == null || replicas.leads()),
            STATUS_TICK_MILLIS,
            STATUS_TICK_MILLIS,
            TimeUnit.MILLISECONDS);

    List<ApiRoute> routes = new ArrayList<>();
    routes.addAll(new ExperimentRoutes(experiments).routes());
    routes.addAll(new PreviewRoutes(experiments, shadows).routes());
    routes.addAll(new CoverageRoutes(coverage).routes());
    routes.addAll(new ScheduleRoutes(experiments).routes());
    routes.addAll(new StatusRoutes(source, ledger).routes());
    routes.addAll(new TokenRoutes(identity, tokens, clock).routes());
    MetricsPage metrics = metrics(source, ads, counters, certificates);
    routes.addAll(metrics.routes());
    routes.addAll(new OpenApiRoutes().routes());
    ApiTokens access = ApiTokens.open(state, clock, random);
    AuditLog audit = part(AuditLog.open(state.resolve("audit.jsonl"), clock, disk));
    routes.addAll(new AccessRoutes(access, audit).routes());
    if (options.apiTokens()) {
      String first = access.ensureAdmin();
      if (first != null) {
        LOG.warn("no administrator had a token of the API; one is in {}", first);
      }
    }
    ApiGate gate = new ApiGate(options.apiTokens() ? access : null, audit);
    experiments.checkRightsBy(gate::obstacle);
    served = List.copyOf(routes);
    leading.answerBy(new Answering(served));
    LeaderLine leader =
        replicas == null
            ? LeaderLine.NONE
            : new LeaderClient(identity, clock, replicas, experiments);
    // Late, since all proxies come at once after a restart; before whoever asks whether we are
    // ready.
    start(plain, options.xdsPort());
    start(secure, options.xdsTlsPort());
    part(ads);
    // No timer works any more while streams end: proxies that leave are not proxies that are
    // missing.
    part(timer::shutdownNow);
    part(statuses::shutdownNow);
    ApiServer api = part(new ApiServer(options.apiPort(), served, gate, leader));
    for (Problem problem : source.reading().problems()) {
      LOG.warn("{}", problem.render());
    }
    services.start(authority, timer, metrics::render);
    var _ =
        statuses.scheduleWithFixedDelay(
            () ->
                services.lookAfter(
                    authority, () -> replicas == null || replicas.leads(), tls::renew),
            AUTHORITY_TICK_SECONDS,
            AUTHORITY_TICK_SECONDS,
            TimeUnit.SECONDS);
    if (replicas != null && lease != null) {
      part(replicas);
      String host =
          !lease.address().isEmpty()
              ? lease.address()
              : options.bind().equals("0.0.0.0")
                  ? InetAddress.getLocalHost().getHostAddress()
                  : options.bind();
      String pod = lease.pod().isEmpty() ? InetAddress.getLocalHost().getHostName() : lease.pod();
      String name = pod + "-" + HexFormat.of().toHexDigits(random.nextInt());
      replicas.start(ReplicaChannel.nameOf(name, host, secure.getPort()), experiments);
    }
    return new Ports(
        plain.getPort(),
        secure.getPort(),
        api.port(),
        services.webhookPort(),
        services.metricsPort());
  }

  /** A timer that throws is never run again, so nothing may get out. */
  private static void tick(ExperimentRunner experiments, Shadows shadows, Coverage coverage) {
    try {
      experiments.tick();
      shadows.tick();
      coverage.tick();
    } catch (RuntimeException e) {
      LOG.error("experiments", e);
    }
  }

  private static NettyServerBuilder server(InetSocketAddress address, ExecutorService calls) {
    return NettyServerBuilder.forAddress(address)
        .executor(calls)
        .maxInboundMessageSize(AdsLimits.DEFAULT.maxMessageBytes())
        .maxInboundMetadataSize(MAX_METADATA_BYTES)
        .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
        .flowControlWindow(WINDOW_BYTES)
        .handshakeTimeout(10, TimeUnit.SECONDS)
        .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .permitKeepAliveTime(10, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .maxConnectionIdle(5, TimeUnit.MINUTES);
  }

  private void start(Server server, int port) throws IOException {
    try {
      server.start();
    } catch (IOException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException("port " + port + " cannot be used: " + cause.getMessage(), e);
    }
    part(
        () -> {
          server.shutdown();
          if (!server.awaitTermination(2, TimeUnit.SECONDS)) {
            server.shutdownNow();
          }
        });
  }

  private static MetricsPage metrics(
      ModelSource source, AdsService ads, AdsCounters counters, SuccessCounter certificates) {
    return new MetricsPage()
        .gauge("outrigger_xds_streams", "Open discovery streams.", counters::streams)
        .gauge(
            "outrigger_xds_streams_waiting",
            "Discovery streams that wait to be read for the first time.",
            ads::waiting)
        .counter(
            "outrigger_xds_streams_refused_total",
            "Discovery streams refused by a limit.",
            counters::streamsRefused)
        .counter("outrigger_xds_requests_total", "Discovery requests.", counters::requests)
        .counter(
            "outrigger_xds_resources_total",
            "Resources sent with their bodies.",
            counters::resources)
        .counter("outrigger_xds_pushes_total", "Discovery responses sent.", counters::pushes)
        .counter(
            "outrigger_xds_heartbeats_total",
            "Leases renewed without a body.",
            counters::heartbeats)
        .counter("outrigger_xds_acks_total", "Responses accepted by proxies.", counters::acks)
        .counter("outrigger_xds_nacks_total", "Responses refused by proxies.", counters::nacks)
        .counter(
            "outrigger_xds_stale_nonces_total",
            "Requests that answered an older response.",
            counters::staleNonces)
        .gauge(
            "outrigger_config_problems",
            "Problems in the desired state now.",
            () -> source.reading().problems().size())
        .gauge(
            "outrigger_config_generation",
            "Grows with every change of the desired state.",
            () -> source.reading().generation())
        .counter(
            "outrigger_certificates_issued_total", "Certificates issued.", certificates::succeeded)
        .counter(
            "outrigger_certificate_requests_refused_total",
            "Certificate requests refused.",
            certificates::refused);
  }

  private <T extends AutoCloseable> T part(T part) {
    parts.push(part);
    return part;
  }
}
