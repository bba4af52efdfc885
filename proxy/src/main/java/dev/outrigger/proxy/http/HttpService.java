package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.Alpn;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.http.codec.Http1HeadWriter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.ChannelHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * HTTP on one worker: gives each connection its handler and knows all of them. Confined to its
 * worker's event loop.
 */
@WorkerConfined
public final class HttpService {
  /** A client's connection, whatever it speaks. */
  interface Connection {
    ConnectionFacts facts();

    /** Ends without losing a request. */
    void drain();
  }

  private final Worker worker;
  private final WorkerTelemetry telemetry;
  private final List<HttpFilter.Factory> filters;
  private final ExchangeHandler handler;
  private final Set<Connection> connections = new LinkedHashSet<>();
  private final int minBodyRate;
  private final Http1HeadWriter headWriter = new Http1HeadWriter();
  private boolean drainsInbound;
  private boolean drainsOutbound;
  private int active;

  /** The same with the usual rate of bodies. */
  public HttpService(
      Worker worker,
      WorkerTelemetry telemetry,
      List<HttpFilter.Factory> filters,
      ExchangeHandler handler) {
    this(worker, telemetry, filters, handler, BodyClock.USUAL_RATE);
  }

  /**
   * @param filters run in this order on each request
   * @param handler answers what the filters pass
   * @param minBodyRate the bytes per second that a request's body must come with; 0 asks nothing
   */
  public HttpService(
      Worker worker,
      WorkerTelemetry telemetry,
      List<HttpFilter.Factory> filters,
      ExchangeHandler handler,
      int minBodyRate) {
    this.worker = worker;
    this.telemetry = telemetry;
    this.filters = List.copyOf(filters);
    this.handler = handler;
    this.minBodyRate = minBodyRate;
  }

  /**
   * The last handler of an HTTP/1.1 connection's pipeline; it expects bytes, decrypted, from the
   * first one on. The channel closes itself.
   *
   * @param settings asked once at the start of each exchange
   */
  public ChannelHandler newHttp1Handler(HttpSettings.View settings, ConnectionFacts facts) {
    assert worker.isCurrent();
    return new Http1Downstream(this, settings, facts);
  }

  /**
   * The last handler of a connection that speaks what its configuration, TLS and first bytes say;
   * otherwise the same as {@link #newHttp1Handler}.
   */
  public ChannelHandler newHandler(HttpSettings.View settings, ConnectionFacts facts) {
    assert worker.isCurrent();
    return switch (settings.current().config().codec()) {
      case HTTP1 -> new Http1Downstream(this, settings, facts);
      case HTTP2 -> new Http2Downstream(this, settings, facts).handler();
      case AUTO -> {
        if (Alpn.isHttp2(facts.alpn())) {
          yield new Http2Downstream(this, settings, facts).handler();
        }
        yield facts.tls()
            ? new Http1Downstream(this, settings, facts)
            : new CodecChooser(this, settings, facts);
      }
    };
  }

  /**
   * Lets the connections of these listeners, and those that still come, end without losing a
   * request: each answer says {@code connection: close}, and what is idle after the drain time is
   * closed.
   */
  public void drain(boolean inboundOnly) {
    assert worker.isCurrent();
    drainsInbound = true;
    drainsOutbound |= !inboundOnly;
    for (Connection connection : new ArrayList<>(connections)) {
      if (!inboundOnly || connection.facts().inbound()) {
        connection.drain();
      }
    }
  }

  /** The same for what one listener accepted, which is no more. */
  public void drainListener(String name) {
    assert worker.isCurrent();
    for (Connection connection : new ArrayList<>(connections)) {
      if (connection.facts().listener().equals(name)) {
        connection.drain();
      }
    }
  }

  /** The same for what members of the mesh opened: they come back on new connections. */
  public void renewMesh() {
    assert worker.isCurrent();
    for (Connection connection : new ArrayList<>(connections)) {
      if (connection.facts().inbound() && connection.facts().tls()) {
        connection.drain();
      }
    }
  }

  /** Exchanges under way. */
  public int activeExchanges() {
    assert worker.isCurrent();
    return active;
  }

  /** Connections open. */
  public int openConnections() {
    assert worker.isCurrent();
    return connections.size();
  }

  /** Where a request as a whole has a timeout, that is enough. */
  BodyClock newBodyClock(HttpProxyConfig.Timeouts timeouts) {
    return new BodyClock(timeouts.request().isZero() ? minBodyRate : 0);
  }

  /** A client was sent away for what it did, or did not do in time. */
  void flooded(ConnectionFacts facts, FloodKind kind) {
    telemetry.flooded(facts.listener(), kind.label());
  }

  Http1HeadWriter headWriter() {
    return headWriter;
  }

  Worker worker() {
    return worker;
  }

  WorkerTelemetry telemetry() {
    return telemetry;
  }

  List<HttpFilter.Factory> filters() {
    return filters;
  }

  ExchangeHandler handler() {
    return handler;
  }

  /**
   * When a connection that begins now takes no more requests.
   *
   * @param age zero is never, which is {@code Long.MAX_VALUE}
   */
  long retirement(Duration age, EarlyEnd early) {
    long nanos = early.of(age.toNanos());
    return nanos == 0 ? Long.MAX_VALUE : worker.nanoTime() + nanos;
  }

  boolean draining(ConnectionFacts facts) {
    return facts.inbound() ? drainsInbound : drainsOutbound;
  }

  void opened(Connection connection) {
    connections.add(connection);
  }

  void closed(Connection connection) {
    connections.remove(connection);
  }

  void exchangeStarted() {
    active++;
  }

  void exchangeFinished() {
    active--;
  }
}
