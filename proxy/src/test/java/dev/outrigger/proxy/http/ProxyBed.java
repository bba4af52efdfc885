package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.TlsMatch;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.config.HttpProxyConfig.Limits;
import dev.outrigger.proxy.config.HttpProxyConfig.RequestIds;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderLevels;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Rewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.forward.AttemptFilter;
import dev.outrigger.proxy.forward.Forwarder;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One worker with everything from a client's socket to an origin's, over loopback. */
public final class ProxyBed implements AutoCloseable {
  private static final HeaderChanges NO_CHANGES = HeaderChanges.NONE;

  private final MultiThreadIoEventLoopGroup group;
  public final Worker worker;
  public final RecordedTelemetry telemetry = new RecordedTelemetry();
  private final Channel listener;
  private final HttpService service;
  private final Upstreams upstreams;

  /** What a test changes of the defaults. */
  public static final class Setup {
    /** The service that the virtual host stands for. */
    public @Nullable String called;

    public final List<Endpoint> endpoints = new ArrayList<>();
    public RetryPolicy retry = RetryPolicy.NEVER;
    public Duration timeout = Duration.ofSeconds(15);
    public Duration connectTimeout = Duration.ofSeconds(2);
    public PoolConfig pool = PoolConfig.DEFAULT;
    public BreakerConfig breaker = BreakerConfig.DEFAULT;
    public Limits limits = Limits.DEFAULT;
    public Timeouts timeouts = Timeouts.DEFAULT;
    public Forwarding forwarding = Forwarding.DEFAULT;
    public HeaderChanges headers = NO_CHANGES;
    public String prefix = "/";
    public @Nullable String prefixRewrite;
    public @Nullable String hostRewrite;
    public boolean inbound;
    public boolean halfClosure;
    public boolean countsAttempts;
    public Codec codec = Codec.HTTP1;
    public UpgradesConfig upgrades = UpgradesConfig.WEBSOCKETS;
    public final List<Route> routes = new ArrayList<>();
    public final List<Mirror> mirrors = new ArrayList<>();
    public final Map<String, Integer> clusters = new HashMap<>();
    public Rewrite rewrite = Rewrite.NONE;
    public final List<HttpFilterConfig> httpFilters = new ArrayList<>();
    public final Map<String, HttpFilterConfig.OfRoute> routeFilters = new HashMap<>();
    public RequestIds requestIds = RequestIds.DEFAULT;
    public final List<HttpFilter.Factory> filters = new ArrayList<>();
    public final List<AttemptFilter> attemptFilters = new ArrayList<>();

    public Setup to(int port) {
      endpoints.add(endpoint(port));
      return this;
    }
  }

  private static Endpoint endpoint(int port) {
    return new Endpoint(
        new SocketAddressConfig("127.0.0.1", port),
        "",
        1,
        0,
        Endpoint.Health.HEALTHY,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "");
  }

  private static ClusterConfig cluster(String name, List<Endpoint> endpoints, Setup setup) {
    return new ClusterConfig(
        name,
        new Discovery.Listed(new EndpointSet(endpoints)),
        new LbPolicy.RoundRobin(),
        setup.connectTimeout,
        setup.pool,
        setup.breaker,
        null,
        null,
        List.of(new TlsMatch("plain", Map.of(), new UpstreamTls.Plain())),
        Map.of("service", "catalog", "namespace", "shop"));
  }

  public ProxyBed(Setup setup) throws Exception {
    group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    EventLoop loop = group.next();
    worker = new Worker(0, loop, new Random(42));
    Map<String, ClusterConfig> clusters = new HashMap<>();
    clusters.put("origin", cluster("origin", setup.endpoints, setup));
    setup.clusters.forEach(
        (name, port) -> clusters.put(name, cluster(name, List.of(endpoint(port)), setup)));
    List<Route> routes = new ArrayList<>(setup.routes);
    routes.add(
        new Route(
            "all",
            new Match(new PathMatch.Prefix(setup.prefix, true), List.of(), List.of(), List.of()),
            new Action.Forward(
                List.of(new WeightedCluster("origin", 1)),
                setup.timeout,
                null,
                setup.retry,
                setup.rewrite.path() == null && setup.rewrite.host() == null
                    ? new Rewrite(
                        setup.prefixRewrite == null
                            ? null
                            : new PathRewrite.Prefix(setup.prefixRewrite),
                        setup.hostRewrite == null
                            ? null
                            : new HostRewrite.Literal(setup.hostRewrite),
                        false)
                    : setup.rewrite,
                null,
                CallTimes.NONE,
                Action.Forward.DEFAULT_RETRY_BUFFER,
                setup.mirrors,
                null),
            HeaderLevels.of(setup.headers),
            setup.routeFilters));
    RouteTableConfig table =
        new RouteTableConfig(
            "routes",
            List.of(
                new VirtualHost(
                    "any",
                    List.of("*"),
                    routes,
                    false,
                    setup.countsAttempts,
                    setup.countsAttempts,
                    setup.called)));
    HttpProxyConfig config =
        new HttpProxyConfig(
            "test",
            table,
            setup.codec,
            setup.limits,
            setup.timeouts,
            setup.forwarding,
            TracingConfig.OFF,
            AccessLogConfig.OFF,
            setup.upgrades,
            "",
            false,
            setup.requestIds,
            setup.httpFilters);
    RuntimeSnapshot snapshot = new RuntimeSnapshot(1, new RuntimeConfig(List.of(), clusters));
    HttpSettings settings = new HttpSettings(snapshot, config, RouteTable.compile(table));
    Upstreams all = new Upstreams(worker, 1, plain(worker), telemetry, WindowBudget.FIXED);
    upstreams = all;
    service =
        new HttpService(
            worker, telemetry, setup.filters, new Forwarder(worker, all, setup.attemptFilters));
    inLoop(
        () -> {
          all.onSnapshot(snapshot);
          all.start();
          return null;
        });
    listener =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, setup.halfClosure)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    InetSocketAddress remote = (InetSocketAddress) channel.remoteAddress();
                    InetSocketAddress local = (InetSocketAddress) channel.localAddress();
                    channel
                        .pipeline()
                        .addLast(
                            service.newHandler(
                                () -> settings,
                                new ConnectionFacts(
                                    "test",
                                    setup.inbound,
                                    remote,
                                    local,
                                    local,
                                    false,
                                    null,
                                    null,
                                    null)));
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .sync()
            .channel();
  }

  /** Where clients connect. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  public HttpService service() {
    return service;
  }

  public Upstreams upstreams() {
    return upstreams;
  }

  public <T> T inLoop(Callable<T> task) throws Exception {
    return worker.loop().submit(task).get();
  }

  @Override
  public void close() {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private static UpstreamConnector plain(Worker worker) {
    return (ClusterConfig cluster,
        Endpoint endpoint,
        UpstreamTls tls,
        ChannelHandler last,
        UpstreamConnector.Listener told) ->
        new Bootstrap()
            .group(worker.loop())
            .channel(NioSocketChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(last);
                  }
                })
            .connect(endpoint.address().host(), endpoint.address().port())
            .addListener(
                (io.netty.channel.ChannelFuture future) -> {
                  if (future.isSuccess()) {
                    told.connected(future.channel());
                  } else {
                    told.failed(
                        new ProxyError.ConnectRefused(
                            endpoint.address().toString(), String.valueOf(future.cause())));
                  }
                });
  }
}
