package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.TlsMaker;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.TlsSetupException;
import dev.outrigger.tls.WorkloadIdentity;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What goes wrong with the TLS handshakes of one worker, when it connects and when it accepts.
 * Contexts with certificates made for a fault are kept as long as the faults are the same. Confined
 * to its worker's event loop.
 */
@WorkerConfined
public final class HandshakeFaults {
  private static final Logger LOG = LoggerFactory.getLogger(HandshakeFaults.class);

  private final Worker worker;
  private final FaultView faults;
  private final ActiveFaults active;
  private final InstantSource clock;
  private final Map<UpstreamTls.Originate, ClientTls> clients = new HashMap<>();
  private final Map<DownstreamTls.Terminate, ServerTls> servers = new HashMap<>();
  private final Map<HandshakeFault.Credential, WorkloadIdentity> identities = new HashMap<>();
  private Consumer<Predicate<ClusterConfig>> renewOutward = _ -> {};
  private Runnable renewInward = () -> {};
  private Set<FaultRule> known = Set.of();
  private long accepted;

  /**
   * Made on the worker's loop.
   *
   * @param clock today's date for certificates
   */
  public HandshakeFaults(Worker worker, FaultView faults, InstantSource clock) {
    this.worker = worker;
    this.faults = faults;
    this.active = faults.newActiveFaults();
    this.clock = clock;
    faults.watch(this::onPlan);
  }

  /**
   * Lets connections of before come again when a fault begins, so that it meets them. What is under
   * way on them ends there.
   *
   * @param outward those to the clusters for which it is asked
   * @param inward those that members of the mesh opened
   */
  public void renewing(Consumer<Predicate<ClusterConfig>> outward, Runnable inward) {
    renewOutward = outward;
    renewInward = inward;
  }

  private void onPlan(FaultPlan plan) {
    assert worker.isCurrent();
    clients.clear();
    servers.clear();
    identities.clear();
    Set<FaultRule> before = known;
    known = rules(plan);
    Set<FaultRule> fresh = new HashSet<>(known);
    fresh.removeAll(before);
    for (FaultRule rule : fresh) {
      if (rule.place() == Place.CONNECTION) {
        Set<String> services = rule.match().destinationServices();
        renewOutward.accept(
            cluster ->
                !"inbound".equals(cluster.labels().get("direction"))
                    && (services.isEmpty() || services.contains(cluster.service())));
      }
    }
    if (fresh.stream().anyMatch(rule -> rule.place() == Place.INBOUND)) {
      renewInward.run();
    }
  }

  private static Set<FaultRule> rules(FaultPlan plan) {
    if (plan.isEmpty()) {
      return Set.of();
    }
    Set<FaultRule> rules = new HashSet<>();
    plan.handshakesAt(Place.CONNECTION).forEach(one -> rules.add(one.rule()));
    plan.handshakesAt(Place.INBOUND).forEach(one -> rules.add(one.rule()));
    return rules;
  }

  /** The context for a way of beginning TLS that a fault changed; null for any other. */
  public @Nullable ClientTls clientTls(UpstreamTls.Originate tls) {
    return clients.isEmpty() ? null : clients.get(tls);
  }

  /** Like {@link UpstreamConnector#connect}, with what goes wrong. */
  void connect(
      UpstreamConnector connector,
      ConnectionLuck luck,
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      ChannelHandler last,
      UpstreamConnector.Listener listener) {
    assert worker.isCurrent();
    FaultPlan plan = faults.current();
    @Nullable Spoiled spoiled =
        plan.isEmpty() || luck.toApplication() || !(tls instanceof UpstreamTls.Originate)
            ? null
            : spoiled(
                plan.handshakesAt(Place.CONNECTION), List.of(luck), HandshakeStage.Side.CLIENT);
    if (spoiled == null) {
      connector.connect(cluster, endpoint, tls, last, listener);
      return;
    }
    connector.connect(
        cluster,
        endpoint,
        shown((UpstreamTls.Originate) tls, spoiled),
        last,
        new UpstreamConnector.Listener() {
          @Override
          public void opened(Channel channel) {
            listener.opened(channel);
            spoiled.begin(channel);
          }

          @Override
          public void connected(Channel channel) {
            spoiled.end();
            listener.connected(channel);
          }

          @Override
          public void failed(ProxyError error) {
            spoiled.end();
            listener.failed(error, spoiled.rules());
          }
        });
  }

  /**
   * What goes wrong with a connection that was accepted; null where nothing does.
   *
   * @param chain the name of the filter chain
   * @param services those that the chain leads to, as {@code name.namespace}
   */
  public @Nullable Spoiled accepted(String chain, Set<String> services) {
    assert worker.isCurrent();
    List<FaultDecider> deciders = faults.current().handshakesAt(Place.INBOUND);
    // Counted rather than drawn, so that a run that is repeated hits the same connections.
    String id = chain + '#' + worker.index() + '#' + accepted++;
    List<ConnectionLuck> lucks = new ArrayList<>();
    lucks.add(new ConnectionLuck(null, null, id, false));
    for (String service : services) {
      lucks.add(new ConnectionLuck(null, service, id, false));
    }
    @Nullable Spoiled spoiled = spoiled(deciders, lucks, HandshakeStage.Side.SERVER);
    if (spoiled != null && spoiled.service.isEmpty() && services.size() == 1) {
      spoiled.service = services.iterator().next();
    }
    return spoiled;
  }

  /** One that was accepted failed: it is measured here, since no exchange comes of it. */
  public void failed(Spoiled spoiled, WorkerTelemetry telemetry) {
    assert worker.isCurrent();
    telemetry.handshakeFailed(
        faults.current(),
        faults.observed(),
        spoiled.service,
        spoiled.rules.stream().map(FaultRule::experiment).distinct().toList(),
        worker.nanoTime() - spoiled.began);
  }

  /** Whether any connection that is accepted may be met. */
  public boolean concernsAccepted() {
    return !faults.current().isEmpty() && !faults.current().handshakesAt(Place.INBOUND).isEmpty();
  }

  /** The context that a fault puts in the place of another. */
  public ServerTls serverTls(DownstreamTls.Terminate tls, Spoiled spoiled, ServerTls otherwise) {
    @Nullable WorkloadIdentity identity = spoiled.shown;
    if (identity == null) {
      return otherwise;
    }
    DownstreamTls.Terminate changed = tls.showing(identity);
    @Nullable ServerTls known = servers.get(changed);
    if (known != null) {
      return known;
    }
    try {
      ServerTls made = TlsMaker.server(changed, clock);
      servers.put(changed, made);
      return made;
    } catch (TlsSetupException e) {
      LOG.warn("a certificate made for a fault cannot be used: {}", e.getMessage());
      return otherwise;
    }
  }

  private UpstreamTls shown(UpstreamTls.Originate tls, Spoiled spoiled) {
    @Nullable WorkloadIdentity identity = spoiled.shown;
    if (identity == null) {
      return tls;
    }
    UpstreamTls.Originate changed = tls.showing(identity);
    try {
      if (!clients.containsKey(changed)) {
        clients.put(changed, TlsMaker.client(changed, clock));
      }
      return changed;
    } catch (TlsSetupException e) {
      LOG.warn("a certificate made for a fault cannot be used: {}", e.getMessage());
      return tls;
    }
  }

  private @Nullable Spoiled spoiled(
      List<FaultDecider> deciders, List<ConnectionLuck> lucks, HandshakeStage.Side side) {
    @Nullable Spoiled spoiled = null;
    for (FaultDecider decider : deciders) {
      for (ConnectionLuck luck : lucks) {
        if (decider.rule().match().matches(luck)) {
          if (decider.decide(luck.id(), 0) instanceof FaultDecision.Hit hit
              && active.enter(hit.rule())) {
            spoiled = spoiled == null ? new Spoiled(active, worker.nanoTime()) : spoiled;
            @Nullable String service = luck.destinationService();
            if (spoiled.service.isEmpty() && service != null) {
              spoiled.service = service;
            }
            add(hit, spoiled, side);
          }
          break;
        }
      }
    }
    return spoiled;
  }

  private void add(FaultDecision.Hit hit, Spoiled spoiled, HandshakeStage.Side side) {
    spoiled.rules.add(hit.rule());
    if (hit.rule().fault() instanceof HandshakeFault fault) {
      switch (fault) {
        case HandshakeFault.Certificate(var _, var credential) -> {
          if (spoiled.shown == null) {
            spoiled.shown = identity(credential);
          }
        }
        case HandshakeFault.Upset(var _, var then) -> {
          if (spoiled.stage == null) {
            spoiled.stage = new HandshakeStage(side, hit.pause(), then);
          }
        }
      }
    }
  }

  private @Nullable WorkloadIdentity identity(HandshakeFault.Credential credential) {
    @Nullable WorkloadIdentity known = identities.get(credential);
    if (known != null) {
      return known;
    }
    try {
      WorkloadIdentity made = WorkloadIdentity.parse(credential.chain(), credential.key());
      identities.put(credential, made);
      return made;
    } catch (PemException e) {
      LOG.warn("a certificate made for a fault cannot be read: {}", e.getMessage());
      return null;
    }
  }

  /** One handshake that goes wrong. Confined to its worker's event loop. */
  @WorkerConfined
  public static final class Spoiled {
    private final ActiveFaults active;
    private final List<FaultRule> rules = new ArrayList<>(1);
    private @Nullable WorkloadIdentity shown;
    private @Nullable HandshakeStage stage;

    private final long began;

    /** That it leads to; empty where it is not known. */
    private String service = "";

    private Spoiled(ActiveFaults active, long began) {
      this.active = active;
      this.began = began;
    }

    /** The faults that met it. */
    public List<FaultRule> rules() {
      return List.copyOf(rules);
    }

    /** Stands before TLS, which is added after it. */
    public void begin(Channel channel) {
      HandshakeStage upset = stage;
      if (upset != null) {
        channel.pipeline().addFirst("handshake-fault", upset);
      }
    }

    /** The handshake is over, in whatever way; called once. */
    public void end() {
      rules.forEach(active::leave);
    }
  }
}
