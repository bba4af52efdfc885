package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.FaultSubject;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.tls.PeerIdentity;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request as faults see it. */
final class RequestSubject implements FaultSubject {
  private final RequestHead head;
  private final Exchange exchange;
  private final @Nullable String source;
  private final @Nullable String destination;

  private RequestSubject(
      RequestHead head, Exchange exchange, @Nullable String source, @Nullable String destination) {
    this.head = head;
    this.exchange = exchange;
    this.source = source;
    this.destination = destination;
  }

  /** Before an endpoint is chosen. */
  static RequestSubject of(WorkerFaults faults, RequestHead head, Exchange exchange) {
    return new RequestSubject(head, exchange, source(faults, exchange), destination(exchange));
  }

  /** On the way to an endpoint of the cluster. */
  static RequestSubject of(
      WorkerFaults faults, RequestHead head, Exchange exchange, ClusterConfig cluster) {
    return new RequestSubject(head, exchange, source(faults, exchange), cluster.service());
  }

  /** By what a fault rolls for it. */
  String rollId(FaultRule rule) {
    return rule.perTrace() ? TraceChoice.of(head, exchange) : exchange.record().requestId();
  }

  @Override
  public @Nullable String sourceIdentity() {
    return source;
  }

  @Override
  public @Nullable String destinationService() {
    return destination;
  }

  @Override
  public @Nullable String route() {
    @Nullable RouteMatch route = exchange.route();
    return route == null ? null : route.route().name();
  }

  @Override
  public String method() {
    return head.method();
  }

  @Override
  public String path() {
    return head.pathOnly();
  }

  @Override
  public @Nullable String header(String name) {
    return name.equals("host") ? head.authority() : head.headers().get(name);
  }

  /** Who calls is proved by a certificate, except on the way out: there it is ourselves. */
  private static @Nullable String source(WorkerFaults faults, Exchange exchange) {
    if (!exchange.facts().inbound()) {
      return faults.ownIdentity().get();
    }
    @Nullable PeerIdentity peer = exchange.facts().peer();
    return peer == null || peer.spiffeId() == null ? null : peer.spiffeId().toString();
  }

  /** The service of the cluster that was drawn for it. */
  private static @Nullable String destination(Exchange exchange) {
    @Nullable RouteMatch route = exchange.route();
    if (route == null || !(route.action() instanceof Action.Forward)) {
      return null;
    }
    Map<String, ClusterConfig> clusters = exchange.settings().snapshot().config().clusters();
    @Nullable ClusterConfig cluster = clusters.get(route.cluster());
    return cluster == null ? null : cluster.service();
  }
}
