package dev.outrigger.proxy;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.admin.AdminServer;
import dev.outrigger.proxy.admin.AdminSources;
import dev.outrigger.proxy.admin.Readiness;
import dev.outrigger.proxy.admin.WatchServer;
import dev.outrigger.proxy.bootstrap.BootstrapConfig;
import dev.outrigger.proxy.bootstrap.ControlPlaneTarget;
import dev.outrigger.proxy.bootstrap.Discovery;
import dev.outrigger.proxy.bootstrap.LoadedBootstrap;
import dev.outrigger.proxy.bootstrap.ProxyOptions;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.forward.Forwarder;
import dev.outrigger.proxy.health.AppProber;
import dev.outrigger.proxy.health.HealthCheckers;
import dev.outrigger.proxy.health.HealthView;
import dev.outrigger.proxy.health.HealthWatch;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.HttpService;
import dev.outrigger.proxy.http.filter.buffer.BufferFilter;
import dev.outrigger.proxy.http.filter.compress.CompressionFilter;
import dev.outrigger.proxy.http.filter.cors.CorsFilter;
import dev.outrigger.proxy.http.filter.fault.AttemptFaults;
import dev.outrigger.proxy.http.filter.fault.FaultFilter;
import dev.outrigger.proxy.http.filter.fault.WorkerFaults;
import dev.outrigger.proxy.http.filter.grpcweb.GrpcWebFilter;
import dev.outrigger.proxy.identity.CertificateClient;
import dev.outrigger.proxy.identity.IdentitySource;
import dev.outrigger.proxy.identity.WorkloadApiSource;
import dev.outrigger.proxy.listen.CompiledConfig;
import dev.outrigger.proxy.listen.Listeners;
import dev.outrigger.proxy.listen.WorkerListeners;
import dev.outrigger.proxy.resolve.DnsLookup;
import dev.outrigger.proxy.resolve.NameCache;
import dev.outrigger.proxy.resolve.NameResolver;
import dev.outrigger.proxy.tcp.HandshakeFaults;
import dev.outrigger.proxy.tcp.PoisonedConnector;
import dev.outrigger.proxy.tcp.TcpService;
import dev.outrigger.proxy.tcp.ToxicStages;
import dev.outrigger.proxy.telemetry.Explanations;
import dev.outrigger.proxy.telemetry.FaultReadings;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.toxiproxy.ToxiproxyServer;
import dev.outrigger.proxy.upstream.SocketConnector;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.HeldBytes;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.Workers;
import dev.outrigger.proxy.xds.AdsClient;
import dev.outrigger.proxy.xds.AdsSettings;
import dev.outrigger.proxy.xds.AdsStreams;
import dev.outrigger.proxy.xds.FaultLeases;
import dev.outrigger.proxy.xds.FaultReports;
import dev.outrigger.proxy.xds.IdentitySecrets;
import dev.outrigger.proxy.xds.ResourceCache;
import dev.outrigger.proxy.xds.XdsStatus;
import dev.outrigger.proxy.xds.decode.ClusterDecoder;
import dev.outrigger.proxy.xds.decode.EndpointDecoder;
import dev.outrigger.proxy.xds.decode.ListenerDecoder;
import dev.outrigger.proxy.xds.decode.RouteDecoder;
import dev.outrigger.proxy.xds.decode.SecretDecoder;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TlsSetupException;
import dev.outrigger.tls.TrustBundle;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.SplittableGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole proxy in one object: this is where everything is made and joined, in the order of a
 * request's journey. Public methods may be called from any thread.
 */
public final class ProxyServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyServer.class);
  private static final long IDLE_CHECK_MILLIS = 100;
  static final String VERSION = "0.1.0";

  private final HeldBytes heldByToxics = HeldBytes.ofBuffers();
  private final WindowBudget windows = WindowBudget.ofBuffers();
  private final LoadedBootstrap bootstrap;
  private final InstantSource clock;
  private final ConfigLoop loop;
  private final Workers workers;
  private final List<Parts> parts = new ArrayList<>();
  private final Listeners listeners;
  private final NameResolver resolver;
  private final DnsLookup dns;
  private final HealthWatch health;
  private final ExecutorService disk;
  private final @Nullable ScheduledExecutorService identityThread;
  private final @Nullable IdentitySource identity;
  private final @Nullable AdsClient ads;
  private final FaultReadings faultReadings = new FaultReadings();
  private final AtomicReference<String> ownIdentity = new AtomicReference<>("");
  private final CompletableFuture<Void> firstConfig = new CompletableFuture<>();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();

  private CompiledConfig compiled = CompiledConfig.EMPTY;
  private String lastConfigError = "";
  private boolean draining;
  private final Readiness readiness;
  private final RandomGenerator toxiproxyChance;
  private volatile @Nullable AdminServer admin;
  private final List<WatchServer> watched = new CopyOnWriteArrayList<>();
  private volatile @Nullable ToxiproxyServer toxiproxy;

  /** What one worker owns. */
  private record Parts(
      Worker worker,
      Upstreams upstreams,
      HttpService http,
      TcpService tcp,
      WorkerListeners local) {}

  /** Sources of time and chance. */
  public record Surroundings(
      InstantSource clock, SplittableGenerator chance, SecureRandom random) {}

  /**
   * Makes a proxy and starts it; listeners open as soon as there is a configuration.
   *
   * @param telemetry makes the records of one worker
   * @throws IOException if a file that the bootstrap names cannot be read
   * @throws InvalidResourceException if the static resources contradict themselves
   */
  public static ProxyServer start(
      LoadedBootstrap bootstrap,
      Transport transport,
      Surroundings surroundings,
      Function<Worker, WorkerTelemetry> telemetry)
      throws IOException, InvalidResourceException {
    ProxyServer server = new ProxyServer(bootstrap, transport, surroundings, telemetry);
    try {
      server.begin();
      return server;
    } catch (InvalidResourceException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private ProxyServer(
      LoadedBootstrap bootstrap,
      Transport transport,
      Surroundings surroundings,
      Function<Worker, WorkerTelemetry> telemetry)
      throws IOException {
    this.bootstrap = bootstrap;
    this.clock = surroundings.clock();
    BootstrapConfig config = bootstrap.config();
    ProxyOptions options = bootstrap.options();
    boolean member = options.source() instanceof ProxyOptions.Source.Mesh;
    readiness =
        new Readiness(
            member
                ? Map.of("configuration", "none yet", "identity", "not issued yet")
                : Map.of("configuration", "none yet"));
    loop = ConfigLoop.start(transport);
    workers = Workers.start(transport, options.concurrency(), surroundings.chance());
    for (Worker worker : workers.all()) {
      WorkerTelemetry records = telemetry.apply(worker);
      faultReadings.add(worker, records);
      parts.add(newParts(worker, transport, records));
    }
    listeners =
        new Listeners(
            loop, workers, parts.stream().map(Parts::local).toList(), this::onBindFailure);
    dns = new DnsLookup(loop.loop(), transport.datagramChannel(), transport.socketChannel(), null);
    health =
        new HealthWatch(
            loop,
            HealthCheckers.over(loop.loop(), transport.socketChannel(), clock),
            surroundings.chance().split(),
            this::publish);
    resolver = new NameResolver(loop, dns, new NameCache(loop.loop().ticker()), this::apply);
    disk = Executors.newSingleThreadExecutor(task -> daemon(task, "outrigger-disk"));

    IdentitySecrets secrets = new IdentitySecrets();
    if (options.source() instanceof ProxyOptions.Source.Mesh mesh) {
      identityThread =
          Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "outrigger-identity"));
      ProxyOptions.MeshJoin join = mesh.join();
      identity =
          switch (join.membership()) {
            case ProxyOptions.Membership.Issued issued ->
                joining(join, issued, identityThread, surroundings.random());
            case ProxyOptions.Membership.Attested attested ->
                new WorkloadApiSource(
                    attested.socket(),
                    attested.wanted(),
                    attested.controlPlane().trustDomain(),
                    identityThread,
                    clock,
                    surroundings.random());
          };
      identity.start(
          (own, trust) -> {
            SpiffeId id = own.spiffeId();
            ownIdentity.set(id == null ? "" : id.toString());
            readiness.met("identity");
            secrets.onIdentity(own, trust);
          });
    } else {
      identityThread = null;
      identity = null;
    }
    ads = config.dynamic().ads() == null ? null : newAds(config, options, surroundings, secrets);
    toxiproxyChance = surroundings.chance().split();
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** The order in which a worker's parts meet a request, from the far end to the near one. */
  private Parts newParts(Worker worker, Transport transport, WorkerTelemetry telemetry) {
    CompletableFuture<Parts> made = new CompletableFuture<>();
    worker
        .loop()
        .execute(
            () -> {
              try {
                WorkerListeners[] self = new WorkerListeners[1];
                HandshakeFaults handshakes =
                    new HandshakeFaults(worker, workers.faultsOf(worker), clock);
                SocketConnector connector =
                    new SocketConnector(
                        worker,
                        transport,
                        tls -> {
                          ClientTls flawed = handshakes.clientTls(tls);
                          return flawed != null ? flawed : self[0].clientTls(tls);
                        });
                ToxicStages toxics =
                    new ToxicStages(
                        worker,
                        workers.faultsOf(worker),
                        this::identityOrNull,
                        telemetry,
                        heldByToxics);
                Upstreams upstreams =
                    new Upstreams(
                        worker,
                        workerCount(),
                        new PoisonedConnector(worker, connector, toxics, handshakes),
                        telemetry,
                        windows);
                WorkerFaults faults =
                    WorkerFaults.of(worker, workers.faultsOf(worker), this::identityOrNull);
                boolean honoured = bootstrap.options().faults();
                HttpService http =
                    new HttpService(
                        worker,
                        telemetry,
                        filters(honoured ? faults : null),
                        new Forwarder(
                            worker,
                            upstreams,
                            honoured ? List.of(new AttemptFaults(faults)) : List.of()),
                        bootstrap.options().minBodyRate());
                TcpService tcp =
                    new TcpService(worker, upstreams, connector, toxics, handshakes, telemetry);
                self[0] = new WorkerListeners(worker, http, tcp, handshakes, telemetry);
                handshakes.renewing(upstreams::renew, http::renewMesh);
                upstreams.start();
                workers.viewOf(worker).watch(upstreams);
                made.complete(new Parts(worker, upstreams, http, tcp, self[0]));
              } catch (RuntimeException | Error e) {
                made.completeExceptionally(e);
              }
            });
    return made.join();
  }

  private static List<HttpFilter.Factory> filters(@Nullable WorkerFaults faults) {
    List<HttpFilter.Factory> all = new ArrayList<>();
    all.add(CorsFilter.factory());
    if (faults != null) {
      all.add(FaultFilter.factory(faults));
    }
    all.add(CompressionFilter.factory());
    all.add(GrpcWebFilter.factory());
    all.add(BufferFilter.factory());
    return List.copyOf(all);
  }

  /**
   * Goes by these faults and no others: for a proxy that hears of none from a control plane.
   *
   * @return done when every connection, old or new, meets them
   */
  public CompletableFuture<Void> useFaults(FaultPlan plan) {
    return workers.adopt(plan);
  }

  private int workerCount() {
    return workers.all().size();
  }

  private @Nullable String identityOrNull() {
    String id = ownIdentity.get();
    return id.isEmpty() ? null : id;
  }

  private CertificateClient joining(
      ProxyOptions.MeshJoin join,
      ProxyOptions.Membership.Issued issued,
      ScheduledExecutorService scheduler,
      SecureRandom random)
      throws IOException {
    CertificateClient.RootSource later =
        () -> {
          try {
            return TrustBundle.parse(Files.readString(issued.rootCa()));
          } catch (dev.outrigger.tls.PemException e) {
            throw new IOException(issued.rootCa() + ": " + e.getMessage(), e);
          }
        };
    TrustBundle roots = later.read();
    CertificateClient.TokenSource token =
        switch (issued.token()) {
          case ProxyOptions.JoinToken.Inline inline -> inline::text;
          case ProxyOptions.JoinToken.File file -> () -> Files.readString(file.path()).strip();
        };
    String trustDomain = roots.trustDomain();
    PeerRule rule =
        trustDomain == null
            ? new PeerRule.NamedBy(
                List.of(
                    new PeerRule.NameMatcher(
                        literal(join.serverName()) ? PeerRule.NameKind.IP : PeerRule.NameKind.DNS,
                        PeerRule.NameComparison.EXACT,
                        join.serverName())))
            : new PeerRule.MeshMember(
                Set.of(trustDomain), Set.of(SpiffeId.ofControlPlane(trustDomain)));
    List<CertificateClient.Authority> replicas =
        join.controlPlanes().stream()
            .map(
                address ->
                    new CertificateClient.Authority(
                        address.host(),
                        address.port(),
                        literal(join.serverName()) ? null : join.serverName(),
                        roots,
                        later,
                        rule,
                        token,
                        Duration.ZERO,
                        join.namespace() + "/" + join.workload()))
            .toList();
    return CertificateClient.of(replicas, scheduler, clock, random);
  }

  private static boolean literal(String host) {
    return io.netty.util.NetUtil.isValidIpV4Address(host)
        || io.netty.util.NetUtil.isValidIpV6Address(host);
  }

  private AdsClient newAds(
      BootstrapConfig config,
      ProxyOptions options,
      Surroundings surroundings,
      IdentitySecrets secrets) {
    BootstrapConfig.AdsServer server = config.dynamic().ads();
    if (server == null) {
      throw new IllegalStateException("there is no stream to open");
    }
    FaultReports[] reports = new FaultReports[1];
    MeshFaults[] mesh = new MeshFaults[1];
    FaultLeases leases =
        new FaultLeases(
            loop.loop(),
            clock,
            (plan, deadline) -> {
              workers.publish(plan, deadline);
              mesh[0].follow(plan);
              reports[0].onFaults();
            },
            workers::renew,
            plan -> {
              workers.observe(plan);
              reports[0].onFaults();
            });
    AdsSettings settings = Discovery.settings(bootstrap, VERSION);
    if (settings == null) {
      throw new IllegalStateException("there is nothing to ask for");
    }
    AdsStreams streams =
        new AdsStreams(
            new ControlPlaneTarget(server, config.secrets(), secrets, clock),
            loop,
            workers.transport());
    reports[0] =
        new FaultReports(
            loop, FaultReports.of(streams), settings.node(), leases, faultReadings::take);
    Path folder = options.stateFolder();
    AdsClient client =
        new AdsClient(
            new AdsClient.Parts(
                loop,
                streams,
                List.of(
                    new ListenerDecoder(),
                    new RouteDecoder(),
                    new ClusterDecoder(),
                    new EndpointDecoder(),
                    new SecretDecoder()),
                this::decodeContext,
                leases,
                folder == null ? null : new ResourceCache(folder, config.node().id()),
                disk,
                surroundings.chance().split()),
            settings,
            Discovery.statics(bootstrap),
            resolver::resolve);
    client.useLocalSecrets(secrets);
    IdentitySource authority = identity;
    mesh[0] =
        new MeshFaults(
            config.node().id(),
            client::suffer,
            reason -> {
              if (authority != null) {
                authority.suffer(reason);
              }
            });
    return client;
  }

  private DecodeContext decodeContext(String typeUrl, String name) {
    if (bootstrap.options().unsupported() == ProxyOptions.Unsupported.ERROR) {
      return DecodeContext.strict(typeUrl, name);
    }
    return (field, hint) ->
        LOG.warn("{} {}: {} is set and not supported {}", typeUrl, name, field, hint);
  }

  private void begin() throws InvalidResourceException {
    AdsClient client = ads;
    if (client != null) {
      client.start();
      return;
    }
    RuntimeConfig config = bootstrap.staticConfig();
    loop.execute(() -> resolver.resolve(config));
  }

  /** On the config loop: every name is an address now. */
  private void apply(RuntimeConfig config) {
    loop.checkInside();
    CompiledConfig next;
    try {
      next = compiled.next(config, clock);
    } catch (TlsSetupException | IllegalArgumentException e) {
      lastConfigError = String.valueOf(e.getMessage());
      LOG.error("the configuration cannot be used, the last one goes on: {}", e.getMessage());
      firstConfig.completeExceptionally(e);
      return;
    }
    Set<String> gone = new HashSet<>(compiled.listeners().keySet());
    gone.removeAll(next.listeners().keySet());
    compiled = next;
    lastConfigError = "";
    // Clusters before the listeners that send to them, and both before sockets are opened; what the
    // clusters need to begin TLS before all.
    for (Parts one : parts) {
      one.worker().loop().execute(() -> one.local().announce(next));
    }
    workers.publish(next.snapshot());
    for (Parts one : parts) {
      one.worker()
          .loop()
          .execute(
              () -> {
                one.local().replace(next);
                for (String name : gone) {
                  one.http().drainListener(name);
                  one.tcp().drainListener(name, bootstrap.options().drainTime());
                }
              });
    }
    health.watch(config.clusters().values());
    if (!draining) {
      listeners.apply(
          config.listeners(),
          () -> {
            if (lastConfigError.isEmpty()) {
              readiness.met("configuration");
            }
            firstConfig.complete(null);
          });
    }
  }

  private void publish(HealthView view) {
    for (Parts one : parts) {
      one.worker().loop().execute(() -> one.upstreams().onHealth(view));
    }
  }

  private void onBindFailure(String address, String reason) {
    lastConfigError = "cannot bind " + address + ": " + reason;
    readiness.unmet("listener " + address, reason);
    firstConfig.completeExceptionally(new CannotBindException(address, reason));
  }

  /** A listener of the first configuration cannot be opened. */
  public static final class CannotBindException extends Exception {
    private static final long serialVersionUID = 1L;

    CannotBindException(String address, String reason) {
      super("cannot bind " + address + ": " + reason);
    }
  }

  /** Ends when the first configuration is in force and its listeners are open, or cannot be. */
  public CompletableFuture<Void> started() {
    return firstConfig;
  }

  /** Ends when a drain has ended. */
  public CompletableFuture<Void> drained() {
    return drained;
  }

  /** Where the listeners are bound, by name. */
  public CompletableFuture<Map<String, List<InetSocketAddress>>> addresses() {
    return onConfigLoop(listeners::addresses);
  }

  /** What is in force. */
  public CompletableFuture<RuntimeConfig> config() {
    return onConfigLoop(() -> compiled.snapshot().config());
  }

  /** What active checks say. */
  public CompletableFuture<HealthView> healthView() {
    return onConfigLoop(health::view);
  }

  /** How discovery stands; null without a control plane. */
  public @Nullable CompletableFuture<XdsStatus> discovery() {
    AdsClient client = ads;
    return client == null ? null : client.status();
  }

  /** Whether this proxy is ready for traffic, and why not. */
  public Readiness readiness() {
    return readiness;
  }

  /**
   * Serves the admin pages.
   *
   * @param metrics gives the Prometheus text
   * @param explanations who may ask for them, and what was told
   * @param transport what the loops run on, and why, in words
   * @param quit ends the process
   * @return where it is bound
   * @throws IOException if it cannot listen
   */
  public InetSocketAddress serveAdmin(
      SocketAddressConfig address,
      Supplier<? extends CompletionStage<String>> metrics,
      Explanations explanations,
      String transport,
      Runnable quit)
      throws IOException {
    AtomicReference<@Nullable XdsStatus> lastStatus = new AtomicReference<>();
    AdminServer server =
        new AdminServer(
            loop,
            workers.transport(),
            new AdminSources(
                readiness,
                metrics,
                () -> compiled.snapshot(),
                health::view,
                workers::faults,
                () -> {
                  CompletableFuture<XdsStatus> asked = discovery();
                  if (asked != null) {
                    asked.thenAccept(lastStatus::set);
                  }
                  return lastStatus.get();
                },
                new AdminSources.ServerFacts(
                    VERSION,
                    bootstrap.config().node().id(),
                    bootstrap.config().node().cluster(),
                    transport,
                    workerCount(),
                    clock.instant()),
                clock,
                explanations,
                () -> drain(bootstrap.options().drainTime()),
                quit));
    InetSocketAddress bound = server.start(address);
    admin = server;
    return bound;
  }

  /**
   * Serves what those who watch over a pod may see, where the options say so.
   *
   * @param metrics gives the Prometheus text
   * @return where health and metrics are bound, those that are
   * @throws IOException if it cannot listen
   */
  public List<InetSocketAddress> serveWatchers(Supplier<? extends CompletionStage<String>> metrics)
      throws IOException {
    ProxyOptions.Watched wanted = bootstrap.options().watched();
    Transport transport = workers.transport();
    List<InetSocketAddress> bound = new ArrayList<>();
    if (wanted.health() != null) {
      WatchServer server =
          WatchServer.ofHealth(
              loop,
              transport,
              readiness,
              wanted.appProbes(),
              new AppProber(wanted.podAddress(), loop.loop(), transport.socketChannel()));
      watched.add(server);
      bound.add(server.start(wanted.health()));
    }
    if (wanted.metrics() != null) {
      WatchServer server = WatchServer.ofMetrics(loop, transport, metrics);
      watched.add(server);
      bound.add(server.start(wanted.metrics()));
    }
    return bound;
  }

  /**
   * Serves Toxiproxy's HTTP API, and the proxies that are made by it.
   *
   * @return where it is bound
   * @throws IOException if it cannot listen
   */
  public InetSocketAddress serveToxiproxy(SocketAddressConfig address) throws IOException {
    ToxiproxyServer server = ToxiproxyServer.start(address, workers.transport(), toxiproxyChance);
    toxiproxy = server;
    return server.address();
  }

  private <T> CompletableFuture<T> onConfigLoop(Supplier<T> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    loop.execute(
        () -> {
          try {
            answer.complete(question.get());
          } catch (RuntimeException e) {
            answer.completeExceptionally(e);
          }
        });
    return answer;
  }

  /**
   * Lets what is under way end: not ready, inbound connections are told to close, then no new ones
   * are taken, outbound goes on; {@link #drained} ends when nothing is under way any more or the
   * time is over.
   */
  public void drain(Duration grace) {
    loop.execute(
        () -> {
          if (draining) {
            return;
          }
          draining = true;
          readiness.unmet("drain", "the proxy is shutting down");
          // Where nothing is outbound, all that comes is for the application behind this proxy.
          boolean inboundOnly =
              compiled.snapshot().config().listeners().stream()
                  .anyMatch(listener -> listener.direction() == ListenerConfig.Direction.OUTBOUND);
          for (Parts one : parts) {
            one.worker().loop().execute(() -> one.http().drain(inboundOnly));
          }
          long now = loop.nanoTime();
          awaitQuiet(now + grace.toNanos() / 2, now + grace.toNanos(), 0);
        });
  }

  /**
   * While clients may not have heard yet, what comes is still taken. A proxy that never falls quiet
   * refuses new connections from half time on: whoever calls it goes elsewhere, and what is under
   * way ends, where an exit would cut it.
   */
  private void awaitQuiet(long lastAccept, long end, int quietChecks) {
    activeExchanges()
        .thenAcceptAsync(
            active -> {
              int quiet = active == 0 ? quietChecks + 1 : 0;
              if (quiet > 10 || loop.nanoTime() >= lastAccept) {
                refuseConnections();
                awaitIdle(end, 0);
              } else {
                loop.schedule(
                    () -> awaitQuiet(lastAccept, end, quiet), Duration.ofMillis(IDLE_CHECK_MILLIS));
              }
            },
            loop);
  }

  /** On the listeners that drain: where there is something outbound, that goes on. */
  private void refuseConnections() {
    Set<String> outbound = new HashSet<>();
    for (ListenerConfig listener : compiled.snapshot().config().listeners()) {
      if (listener.direction() == ListenerConfig.Direction.OUTBOUND) {
        outbound.add(listener.name());
      }
    }
    listeners.close(name -> !outbound.contains(name));
  }

  private void awaitIdle(long end, int quietChecks) {
    activeExchanges()
        .thenAcceptAsync(
            active -> {
              int quiet = active == 0 ? quietChecks + 1 : 0;
              // More than once: a connection that was accepted last may not have asked yet.
              if (quiet > 2 || loop.nanoTime() >= end) {
                drained.complete(null);
              } else {
                loop.schedule(() -> awaitIdle(end, quiet), Duration.ofMillis(IDLE_CHECK_MILLIS));
              }
            },
            loop);
  }

  private CompletableFuture<Integer> activeExchanges() {
    List<CompletableFuture<Integer>> counts = new ArrayList<>();
    for (Parts one : parts) {
      CompletableFuture<Integer> count = new CompletableFuture<>();
      counts.add(count);
      one.worker()
          .loop()
          .execute(() -> count.complete(one.http().activeExchanges() + one.tcp().active()));
    }
    return CompletableFuture.allOf(counts.toArray(CompletableFuture[]::new))
        .thenApply(_ -> counts.stream().mapToInt(CompletableFuture::join).sum());
  }

  /** Ends at once: sockets are closed, threads end. */
  @Override
  public void close() {
    AdsClient client = ads;
    if (client != null) {
      client.stop();
    }
    IdentitySource source = identity;
    if (source != null) {
      source.close();
    }
    CompletableFuture<Void> closed = new CompletableFuture<>();
    loop.execute(
        () -> {
          health.stop();
          resolver.stop();
          dns.close();
          listeners.close(_ -> true);
          closed.complete(null);
        });
    AdminServer pages = admin;
    if (pages != null) {
      pages.close();
    }
    watched.forEach(WatchServer::close);
    ToxiproxyServer relays = toxiproxy;
    if (relays != null) {
      relays.close();
    }
    closed.orTimeout(2, TimeUnit.SECONDS).exceptionally(_ -> null).join();
    workers.close();
    loop.stop().awaitUninterruptibly(2, TimeUnit.SECONDS);
    disk.shutdown();
    if (identityThread != null) {
      identityThread.shutdownNow();
    }
    drained.complete(null);
  }

  /** What listens, for the line at the start. */
  static String listening(
      Map<String, List<InetSocketAddress>> addresses, List<ListenerConfig> listeners) {
    StringBuilder text = new StringBuilder();
    addresses.forEach(
        (name, bound) ->
            bound.forEach(
                address ->
                    text.append(text.isEmpty() ? "" : ", ")
                        .append(name)
                        .append(" on ")
                        .append(io.netty.util.NetUtil.toSocketAddressString(address))));
    return text.isEmpty() ? listeners.isEmpty() ? "no listeners yet" : "nothing" : text.toString();
  }
}
