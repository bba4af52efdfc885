package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.PoolOverflow.Limit;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.Channel;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connections to one endpoint under one TLS configuration. The connection used last is
 * used first, so that those beyond need grow old and go. Confined to its worker's event loop.
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
public final class ConnectionPool {

  /** What makes connections interchangeable. */
  record Key(String host, int port, UpstreamTls tls) {
    static Key of(Endpoint endpoint, UpstreamTls tls) {
      return new Key(endpoint.address().host(), endpoint.address().port(), tls);
    }
  }

  /** Waits for a connection; called once, unless cancelled. */
  public interface Waiter {
    void acquired(UpstreamStream stream);

    void failed(ProxyError error);
  }

  private record Waiting(Waiter waiter, long since) {}

  private final Upstream upstream;
  private final Key key;
  private Endpoint endpoint;
  private final ArrayDeque<Http1Upstream> idle = new ArrayDeque<>();
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private int open; // idle and busy
  private int connecting;
  private boolean retired;

  ConnectionPool(Upstream upstream, Endpoint endpoint, Key key) {
    this.upstream = upstream;
    this.endpoint = endpoint;
    this.key = key;
  }

  Key key() {
    return key;
  }

  /** The same place, described anew. */
  void endpoint(Endpoint newest) {
    endpoint = newest;
  }

  String endpointName() {
    return endpoint.address().toString();
  }

  int open() {
    return open;
  }

  int idle() {
    return idle.size();
  }

  int connecting() {
    return connecting;
  }

  int waiting() {
    return waiting.size();
  }

  /** An idle connection, or null. */
  public @Nullable UpstreamStream acquireNow() {
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
    if (began && connecting < waiting.size()) {
      connect();
    }
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
    int max = config.maxRequestsPerConnection();
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
    open--;
    upstream.connectionsChanged(-1);
    upstream.telemetry().upstreamConnectionClosed(upstream.config().name());
    idle.remove(connection);
    if (connecting < waiting.size() && mayConnect()) {
      connect();
    }
  }

  /** Ends what is idle, and the rest when it is given back. */
  void retire() {
    retired = true;
    closeIdle();
  }

  /** Once a second: age, idleness, waiting too long. */
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
    if (!config.maxAge().isZero()) {
      for (Http1Upstream connection : idle.toArray(Http1Upstream[]::new)) {
        if (tooOld(connection, now)) {
          idle.remove(connection);
          connection.close();
        }
      }
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
    long maxAge = upstream.config().pool().maxAge().toNanos();
    return maxAge > 0 && now - connection.madeAt >= maxAge;
  }

  private boolean mayConnect() {
    int max = upstream.config().pool().maxConnectionsPerWorker();
    return (max == 0 || open + connecting < max)
        && upstream.connections() < upstream.limits().maxConnections();
  }

  private void connect() {
    connecting++;
    upstream.connectionsChanged(1);
    Http1Upstream connection = new Http1Upstream(this, upstream.headWriter(), upstream.now());
    upstream
        .connector()
        .connect(
            upstream.config(),
            endpoint,
            key.tls(),
            connection,
            new UpstreamConnector.Listener() {
              @Override
              public void connected(Channel channel) {
                ConnectionPool.this.connected(connection);
              }

              @Override
              public void failed(ProxyError error) {
                connectFailed(error);
              }
            });
  }

  private void connected(Http1Upstream connection) {
    connecting--;
    open++;
    upstream.telemetry().upstreamConnectionOpened(upstream.config().name());
    giveBack(connection);
  }

  private void connectFailed(ProxyError error) {
    connecting--;
    upstream.connectionsChanged(-1);
    if (connecting < waiting.size()) {
      Waiting first = pollWaiting();
      if (first != null) {
        first.waiter().failed(error);
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
