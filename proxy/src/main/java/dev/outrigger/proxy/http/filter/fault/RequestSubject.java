package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.FaultSubject;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.PeerIdentity;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A request as faults see it: one object for all of a worker's requests, each of which it shows
 * until the next one is set. Confined to its worker's event loop.
 */
@WorkerConfined
final class RequestSubject implements FaultSubject {
  private final Supplier<@Nullable String> ownIdentity;
  private @Nullable RequestHead head;
  private @Nullable Exchange exchange;
  private @Nullable String destination;

  // Most requests go where the last one went that was going the same way.
  private final Way outbound = new Way();
  private final Way inbound = new Way();
  private final Map<Place, Found> found = new EnumMap<>(Place.class);

  RequestSubject(Supplier<@Nullable String> ownIdentity) {
    this.ownIdentity = ownIdentity;
  }

  /** Before an endpoint is chosen. */
  RequestSubject of(RequestHead head, Exchange exchange) {
    this.head = head;
    this.exchange = exchange;
    this.destination = way(exchange).destinationOf(exchange);
    return this;
  }

  /** On the way to an endpoint of the cluster. */
  RequestSubject of(RequestHead head, Exchange exchange, ClusterConfig cluster) {
    this.head = head;
    this.exchange = exchange;
    this.destination = way(exchange).serviceOf(cluster);
    return this;
  }

  /** By what a fault rolls for it. */
  String rollId(FaultRule rule) {
    return rule.perTrace() ? TraceChoice.of(head(), exchange()) : exchange().record().requestId();
  }

  /**
   * Who calls is proved by a certificate, except on the way out: there it is ourselves. Written out
   * only when it is asked for: most matches have said no before.
   */
  @Override
  public @Nullable String sourceIdentity() {
    if (!exchange().facts().inbound()) {
      return ownIdentity.get();
    }
    @Nullable PeerIdentity peer = exchange().facts().peer();
    return peer == null || peer.spiffeId() == null ? null : peer.spiffeId().toString();
  }

  @Override
  public @Nullable String destinationService() {
    return destination;
  }

  /** What the virtual host stands for. */
  @Override
  public @Nullable String calledService() {
    @Nullable RouteMatch route = exchange().route();
    return route == null ? null : route.virtualHost().service();
  }

  @Override
  public @Nullable String route() {
    @Nullable RouteMatch route = exchange().route();
    return route == null ? null : route.route().name();
  }

  @Override
  public String method() {
    return head().method();
  }

  @Override
  public String path() {
    return head().pathOnly();
  }

  @Override
  public @Nullable String header(String name) {
    return name.equals("host") ? head().authority() : head().headers().get(name);
  }

  private RequestHead head() {
    return Objects.requireNonNull(head);
  }

  private Exchange exchange() {
    return Objects.requireNonNull(exchange);
  }

  /** The faults of a plan at a place that may concern it: {@link FaultPlan#at}. */
  @SuppressWarnings("ReferenceEquality") // Another one that is equal costs nothing but time.
  List<FaultDecider> faultsOf(FaultPlan plan, Place place) {
    @Nullable String called = calledService();
    @Nullable String to = destination;
    @Nullable Found last = found.get(place);
    if (last != null && last.plan == plan && last.called == called && last.destination == to) {
      return last.deciders;
    }
    List<FaultDecider> deciders = plan.at(place, called, to);
    found.put(place, new Found(plan, called, to, deciders));
    return deciders;
  }

  private Way way(Exchange exchange) {
    return exchange.facts().inbound() ? inbound : outbound;
  }

  /** What was found last at a place. */
  private record Found(
      FaultPlan plan,
      @Nullable String called,
      @Nullable String destination,
      List<FaultDecider> deciders) {}

  /** Where the last request went, in or out. A service's name is put together when it is asked. */
  @WorkerConfined
  private static final class Way {
    private @Nullable Map<String, ClusterConfig> clusters;
    private @Nullable String name;
    private @Nullable ClusterConfig drawn;
    private @Nullable ClusterConfig cluster;
    private @Nullable String service;

    /** Of the cluster that was drawn for it; null where it goes to none. */
    @SuppressWarnings("ReferenceEquality") // Another one that is equal costs nothing but time.
    @Nullable String destinationOf(Exchange exchange) {
      @Nullable RouteMatch route = exchange.route();
      if (route == null || !(route.action() instanceof Action.Forward)) {
        return null;
      }
      Map<String, ClusterConfig> now = exchange.settings().snapshot().config().clusters();
      if (now != clusters || route.cluster() != name) {
        clusters = now;
        name = route.cluster();
        drawn = now.get(name);
      }
      return drawn == null ? null : serviceOf(drawn);
    }

    @SuppressWarnings("ReferenceEquality") // Another one that is equal costs nothing but time.
    @Nullable String serviceOf(ClusterConfig to) {
      if (to != cluster) {
        service = to.service();
        cluster = to;
      }
      return service;
    }
  }
}
