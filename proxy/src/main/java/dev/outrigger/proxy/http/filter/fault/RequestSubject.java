package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.FaultSubject;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.PeerIdentity;
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

  // Its name is put together each time that it is asked for, and most requests go where the last
  // one went.
  private @Nullable ClusterConfig lastCluster;
  private @Nullable String lastService;

  RequestSubject(Supplier<@Nullable String> ownIdentity) {
    this.ownIdentity = ownIdentity;
  }

  /** Before an endpoint is chosen. */
  RequestSubject of(RequestHead head, Exchange exchange) {
    this.head = head;
    this.exchange = exchange;
    @Nullable ClusterConfig cluster = clusterOf(exchange);
    this.destination = cluster == null ? null : service(cluster);
    return this;
  }

  /** On the way to an endpoint of the cluster. */
  RequestSubject of(RequestHead head, Exchange exchange, ClusterConfig cluster) {
    this.head = head;
    this.exchange = exchange;
    this.destination = service(cluster);
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

  @SuppressWarnings("ReferenceEquality") // Another one that is equal costs nothing but time.
  private @Nullable String service(ClusterConfig cluster) {
    if (cluster != lastCluster) {
      lastService = cluster.service();
      lastCluster = cluster;
    }
    return lastService;
  }

  /** The cluster that was drawn for it; null where it goes to none. */
  private static @Nullable ClusterConfig clusterOf(Exchange exchange) {
    @Nullable RouteMatch route = exchange.route();
    if (route == null || !(route.action() instanceof Action.Forward)) {
      return null;
    }
    Map<String, ClusterConfig> clusters = exchange.settings().snapshot().config().clusters();
    return clusters.get(route.cluster());
  }
}
