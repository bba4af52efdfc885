package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.PoolOverflow.Limit;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.Channel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connections to one endpoint under one TLS configuration. The connection used last is
 * used first, so that those beyond need grow old and go. Confined to its worker's event loop.
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
public final class ConnectionPool {

  /** What makes connections interchangeable. */
  record Key(String host, int port, UpstreamTls tls, Speech speech) {
    static Key of(Endpoint endpoint, UpstreamTls tls, Speech speech) {
      return new Key(endpoint.address().host(), endpoint.address().port(), tls, speech);
    }

    Key speaking(Speech other) {
      return new Key(host, port, tls, other);
    }

    /** The TLS that offers what is meant to be spoken. */
    UpstreamTls offered() {
      return tls instanceof UpstreamTls.Originate originate ? originate.offering(speech) : tls;
    }
  }

  /** Waits for a connection; called once, unless cancelled. */
  public interface Waiter {
    void acquired(UpstreamStream stream);

    void failed(ProxyError error);

    /**
     * The same.
     *
     * @param by the faults that did it
     */
    default void failed(ProxyError error, List<FaultRule> by) {
      failed(error);
    }
  }

  private record Waiting(Waiter waiter, long since) {}

  private final Upstream upstream;
  private final Key key;
  private Endpoint endpoint;
  private final ArrayDeque<Http1Upstream> idle = new ArrayDeque<>();
  private final List<Http2Upstream> shared = new ArrayList<>();
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private int open; // idle and busy
  private int connecting;
  private boolean retired;
  private boolean renewed;
  private long renewedAt;
  private int streamsExpected; // of a connection that is being opened

  ConnectionPool(Upstream upstream, Endpoint endpoint, Key key) {
    this.upstream = upstream;
    this.endpoint = endpoint;
    this.key = key;
    this.streamsExpected = key.speech() == Speech.HTTP1 || key.speech() == Speech.NONE ? 1 : 100;
  }

  Key key() {
    return key;
  }

  /** The same place, described anew. */
  void endpoint(Endpoint newest) {
    endpoint = newest;
  }

  RandomGenerator random() {
    return upstream.random();
  }

  long now() {
    return upstream.now();
  }

  String endpointName() {
    return endpoint.address().toString();
  }

  int open() {
    return open;
  }

  int idle() {
    int unused = idle.size();
    for (Http2Upstream connection : shared) {
      unused += connection.active() == 0 ? 1 : 0;
    }
    return unused;
  }

  int connecting() {
    return connecting;
  }

  int waiting() {
    return waiting.size();
  }

  /** An idle connection, or room on a shared one, or null. */
  public @Nullable UpstreamStream acquireNow() {
    for (int i = 0; i < shared.size(); i++) {
      Http2Upstream connection = shared.get(i);
      if (connection.hasRoom()) {
        return connection.newStream();
      }
    }
    Http1Upstream kept = idle.pollLast();
    while (kept != null) {
      if (kept.usable()) {
        return kept;
      }
      kept.close();
      kept = idle.pollLast();
    }
    return null;
  }

  /** Calls back with a connection, new or given back; perhaps at once with a failure. */
  public void acquireLater(Waiter waiter) {
    ClusterConfig.BreakerConfig breaker = upstream.limits();
    if (upstream.waiting() >= breaker.maxPending()) {
      waiter.failed(
          new ProxyError.PoolOverflow(
              upstream.config().name(), Limit.PENDING, breaker.maxPending()));
      return;
    }
    boolean began = mayConnect();
    if (!began && open + connecting == 0) {
      waiter.failed(
          new ProxyError.PoolOverflow(
              upstream.config().name(), Limit.CONNECTIONS, breaker.maxConnections()));
      return;
    }
    waiting.addLast(new Waiting(waiter, upstream.now()));
    upstream.waitingChanged(1);
    if (began && connectionsNeeded()) {
      connect();
    }
  }

  private boolean connectionsNeeded() {
    if (waiting.isEmpty()) {
      return false;
    }
    long coming = connecting;
    for (int i = 0; i < shared.size(); i++) {
      coming += shared.get(i).settled() ? 0 : 1;
    }
    return coming * streamsExpected < waiting.size();
  }

  private void connectAsNeeded() {
    while (connectionsNeeded() && mayConnect()) {
      connect();
    }
  }

  /** A shared connection's peer has said how many streams it takes at once. */
  void settled(Http2Upstream connection, int streams) {
    streamsExpected = Math.max(1, streams);
    roomMade(connection);
    connectAsNeeded();
  }

  /** Calls back with a new connection: those that are idle are closed, for one proved stale. */
  public void acquireFresh(Waiter waiter) {
    closeIdle();
    acquireLater(waiter);
  }

  /** The waiter no longer wants one. */
  public void cancel(Waiter waiter) {
    if (waiting.removeIf(one -> one.waiter() == waiter)) {
      upstream.waitingChanged(-1);
    }
  }

  void giveBack(Http1Upstream connection) {
    PoolConfig config = upstream.config().pool();
    long max = connection.early.of(config.maxRequestsPerConnection());
    long now = upstream.now();
    if (retired
        || (max > 0 && connection.requests() >= max)
        || tooOld(connection, now)
        || !connection.usable()) {
      connection.close();
      return;
    }
    connection.idleSince = now;
    Waiting next = pollWaiting();
    if (next != null) {
      next.waiter().acquired(connection);
    } else {
      idle.addLast(connection);
    }
  }

  void closed(Http1Upstream connection) {
    idle.remove(connection);
    closed();
  }

  void closed(RawUpstream connection) {
    assert !connection.usable();
    closed();
  }

  /** The endpoint did too much of something; its connection ends. */
  void flooded(FloodKind kind) {
    upstream.telemetry().upstreamFlooded(upstream.config().name(), kind.label());
  }

  /** The endpoint broke the protocol. */
  void violated(Violation violation) {
    upstream.telemetry().upstreamViolated(upstream.config().name(), violation.label());
  }

  void closed(Http2Upstream connection) {
    shared.remove(connection);
    closed();
  }

  private void closed() {
    open--;
    upstream.connectionsChanged(-1);
    upstream.telemetry().upstreamConnectionClosed(upstream.config().name());
    connectAsNeeded();
  }

  /** A shared connection can take more streams than before, or none is left on it. */
  void roomMade(Http2Upstream connection) {
    PoolConfig config = upstream.config().pool();
    long now = upstream.now();
    if (retired
        || connection.used(config.maxRequestsPerConnection())
        || connection.older(now, config.maxAge())) {
      connection.retire();
      return;
    }
    while (connection.hasRoom()) {
      Waiting next = pollWaiting();
      if (next == null) {
        return;
      }
      next.waiter().acquired(connection.newStream());
    }
  }

  /** A shared connection will take no more. */
  void goesAway(Http2Upstream connection) {
    shared.remove(connection);
    connectAsNeeded();
  }

  /** Ends what is idle, and the rest when it is given back. */
  void retire() {
    retired = true;
    closeIdle();
    for (Http2Upstream connection : List.copyOf(shared)) {
      connection.retire();
    }
  }

  /** New connections take the place of those there are; what is under way ends on the old ones. */
  void renew() {
    renewed = true;
    renewedAt = upstream.now();
    closeIdle();
    for (Http2Upstream connection : List.copyOf(shared)) {
      connection.retire();
    }
  }

  /** Once a second: age, idleness, waiting too long for a connection that others use. */
  void sweep(long now) {
    PoolConfig config = upstream.config().pool();
    long idleNanos = config.idleTimeout().toNanos();
    if (idleNanos > 0) {
      Http1Upstream oldest = idle.peekFirst();
      while (oldest != null && now - oldest.idleSince >= idleNanos) {
        idle.pollFirst();
        oldest.close();
        oldest = idle.peekFirst();
      }
    }
    for (Http2Upstream connection : List.copyOf(shared)) {
      connection.keepAlive(now);
      if (connection.unusedFor(now, idleNanos) || connection.older(now, config.maxAge())) {
        connection.retire();
      }
    }
    if (!config.maxAge().isZero()) {
      for (Http1Upstream connection : idle.toArray(Http1Upstream[]::new)) {
        if (tooOld(connection, now)) {
          idle.remove(connection);
          connection.close();
        }
      }
    }
    if (connecting > 0) {
      return; // its own time limit decides, and what waits hears why: that can be tried elsewhere
    }
    long patience = 2 * upstream.config().connectTimeout().toNanos();
    Waiting first = waiting.peekFirst();
    while (first != null && patience > 0 && now - first.since() > patience) {
      pollWaiting();
      first
          .waiter()
          .failed(
              new ProxyError.PoolOverflow(
                  upstream.config().name(), Limit.CONNECTIONS, open + connecting));
      first = waiting.peekFirst();
    }
  }

  /** Opens one ahead of need, if the limits allow it. */
  void preconnect() {
    if (!retired && mayConnect()) {
      connect();
    }
  }

  boolean gone() {
    return retired && open == 0 && connecting == 0 && waiting.isEmpty();
  }

  private boolean tooOld(Http1Upstream connection, long now) {
    long maxAge = connection.early.of(upstream.config().pool().maxAge().toNanos());
    return (maxAge > 0 && now - connection.madeAt >= maxAge)
        || (renewed && connection.madeAt - renewedAt <= 0);
  }

  private boolean mayConnect() {
    int max = upstream.config().pool().maxConnectionsPerWorker();
    return (max == 0 || open + connecting < max)
        && upstream.connections() < upstream.limits().maxConnections();
  }

  private void connect() {
    connecting++;
    upstream.connectionsChanged(1);
    PoolConfig pool = upstream.config().pool();
    SpeechChooser chooser =
        new SpeechChooser(
            key.speech(),
            () -> new RawUpstream(this),
            () -> new Http1Upstream(this, upstream.headWriter(), pool, upstream.now()),
            () ->
                new Http2Upstream(
                    this, pool.http2(), pool.answers(), upstream.windows(), upstream.now()));
    upstream
        .connector()
        .connect(
            upstream.config(),
            endpoint,
            key.offered(),
            chooser,
            new UpstreamConnector.Listener() {
              @Override
              public void connected(Channel channel) {
                ConnectionPool.this.connected(chooser);
              }

              @Override
              public void failed(ProxyError error) {
                connectFailed(error, List.of());
              }

              @Override
              public void failed(ProxyError error, List<FaultRule> by) {
                connectFailed(error, by);
              }
            });
  }

  private void connected(SpeechChooser chooser) {
    connecting--;
    open++;
    upstream.telemetry().upstreamConnectionOpened(upstream.config().name());
    Http1Upstream one = chooser.http1();
    Http2Upstream two = chooser.http2();
    RawUpstream raw = chooser.raw();
    if (raw != null) {
      Waiting next = raw.usable() ? pollWaiting() : null;
      if (next == null) {
        raw.close();
      } else {
        next.waiter().acquired(raw);
      }
    } else if (one != null) {
      streamsExpected = 1;
      giveBack(one);
    } else if (two != null) {
      shared.add(two);
      roomMade(two);
    }
    connectAsNeeded();
  }

  private void connectFailed(ProxyError error, List<FaultRule> by) {
    connecting--;
    upstream.connectionsChanged(-1);
    // One connection that is not had fails as many as it would have served.
    for (int left = streamsExpected; left > 0 && connectionsNeeded(); left--) {
      Waiting first = pollWaiting();
      if (first != null) {
        first.waiter().failed(error, by);
      }
    }
  }

  private @Nullable Waiting pollWaiting() {
    Waiting first = waiting.pollFirst();
    if (first != null) {
      upstream.waitingChanged(-1);
    }
    return first;
  }

  private void closeIdle() {
    for (Http1Upstream connection = idle.pollFirst();
        connection != null;
        connection = idle.pollFirst()) {
      connection.close();
    }
  }
}
