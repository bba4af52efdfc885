package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.HttpService;
import dev.outrigger.proxy.http.HttpSettings;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.tcp.HandshakeFaults;
import dev.outrigger.proxy.tcp.TcpService;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.ServerTls;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All that one worker needs to set a connection up. Confined to its worker's event loop. */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
public final class WorkerListeners {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerListeners.class);

  private final Worker worker;
  private final HttpService http;
  private final TcpService tcp;
  private final HandshakeFaults handshakes;
  private final WorkerTelemetry telemetry;
  private final Set<Integer> ownPorts = new LinkedHashSet<>();
  private boolean ownRefused;
  private final TlsContexts contexts = new TlsContexts();
  private CompiledConfig config = CompiledConfig.EMPTY;
  private Map<String, CompiledListener> listeners = new HashMap<>();

  public WorkerListeners(
      Worker worker,
      HttpService http,
      TcpService tcp,
      HandshakeFaults handshakes,
      WorkerTelemetry telemetry) {
    this.worker = worker;
    this.http = http;
    this.tcp = tcp;
    this.handshakes = handshakes;
    this.telemetry = telemetry;
  }

  /** This will be in force: to be said before its clusters are. */
  public void announce(CompiledConfig next) {
    assert worker.isCurrent();
    contexts.announce(next.clientTls());
  }

  /** New connections go by this from now on; old ones live on. */
  public void replace(CompiledConfig next) {
    assert worker.isCurrent();
    config = next;
    contexts.replace(next.clientTls());
    listeners = next.listeners();
  }

  /** The context made for a way of beginning TLS; null if it left long ago. */
  public @Nullable ClientTls clientTls(UpstreamTls.Originate tls) {
    return contexts.find(tls);
  }

  /** A port that this proxy listens on: a connection meant for it would come back for ever. */
  void ownPort(int port) {
    assert worker.isCurrent();
    ownPorts.add(port);
  }

  /** A connection to the proxy itself was refused: said once, since anyone may try it. */
  void ownRefused(String listener, InetSocketAddress bound) {
    if (!ownRefused) {
      ownRefused = true;
      LOG.warn(
          "{}: a connection whose destination is the proxy's own {} is refused; further ones are"
              + " only counted",
          listener,
          bound);
    }
  }

  boolean isOwnPort(int port) {
    return ownPorts.contains(port);
  }

  @Nullable CompiledListener find(String name) {
    return listeners.get(name);
  }

  Worker worker() {
    return worker;
  }

  /** What goes wrong on purpose with the handshake of an accepted connection; mostly null. */
  HandshakeFaults.@Nullable Spoiled spoil(CompiledChain chain) {
    return handshakes.concernsAccepted()
        ? handshakes.accepted(chain.config().name(), services(chain))
        : null;
  }

  /** What a handshake is to be made with. */
  ServerTls serverTls(CompiledChain chain, ServerTls tls, HandshakeFaults.Spoiled spoiled) {
    return chain.config().tls() instanceof DownstreamTls.Terminate terminate
        ? handshakes.serverTls(terminate, spoiled, tls)
        : tls;
  }

  /** A handshake that something went wrong with on purpose failed. */
  void handshakeFailed(HandshakeFaults.Spoiled spoiled) {
    handshakes.failed(spoiled, telemetry);
  }

  private Set<String> services(CompiledChain chain) {
    Set<String> names = new LinkedHashSet<>();
    switch (chain.config().network()) {
      case NetworkFilter.Tcp relay -> relay.clusters().forEach(one -> names.add(one.cluster()));
      case NetworkFilter.Http filter -> {
        for (RouteTableConfig.VirtualHost host : filter.config().routes().virtualHosts()) {
          for (RouteTableConfig.Route route : host.routes()) {
            if (route.action() instanceof RouteTableConfig.Action.Forward forward) {
              forward.clusters().forEach(one -> names.add(one.cluster()));
            }
          }
        }
      }
    }
    Set<String> services = new LinkedHashSet<>();
    for (String name : names) {
      ClusterConfig cluster = config.snapshot().config().clusters().get(name);
      if (cluster != null && cluster.service() != null) {
        services.add(cluster.service());
      }
    }
    return services;
  }

  WorkerTelemetry telemetry() {
    return telemetry;
  }

  /** Installs what handles the bytes of a chain; the connection is set up. */
  void install(Channel channel, String listener, CompiledChain chain, ConnectionFacts facts) {
    ChannelHandler last =
        switch (chain.config().network()) {
          case NetworkFilter.Http _ -> http.newHandler(new Current(listener, chain), facts);
          case NetworkFilter.Tcp relay -> tcp.newRelay(relay, facts, bufferBytes(listener));
        };
    channel.pipeline().addLast(last);
  }

  private int bufferBytes(String listener) {
    CompiledListener found = listeners.get(listener);
    ListenerConfig settings = found == null ? null : found.config();
    return settings == null ? 64 * 1024 : settings.connectionBufferBytes();
  }

  /** What a connection's next exchange goes by: its chain as it is now, or as it last was. */
  private final class Current implements HttpSettings.View {
    private final String listener;
    private final boolean byDefault;
    private CompiledConfig seen;
    private CompiledChain chain;

    Current(String listener, CompiledChain chain) {
      this.listener = listener;
      this.chain = chain;
      this.seen = config;
      CompiledListener found = listeners.get(listener);
      this.byDefault = found != null && found.defaultChain() == chain;
    }

    @Override
    public HttpSettings current() {
      if (seen != config) {
        seen = config;
        CompiledListener found = listeners.get(listener);
        CompiledChain now = found == null ? null : found.successorOf(chain, byDefault);
        if (now != null && now.http() != null) {
          chain = now;
        }
      }
      HttpSettings settings = chain.http();
      if (settings == null) {
        throw new IllegalStateException("chain " + chain.config().name() + " speaks no HTTP");
      }
      return settings;
    }
  }
}
