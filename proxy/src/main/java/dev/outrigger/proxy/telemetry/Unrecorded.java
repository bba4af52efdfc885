package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Telemetry that keeps nothing but gives each request its id. Confined to its worker. */
public final class Unrecorded implements WorkerTelemetry {
  private final RandomGenerator random;

  public Unrecorded(RandomGenerator random) {
    this.random = random;
  }

  @Override
  public ExchangeRecord startExchange(
      RequestHead head, ConnectionFacts facts, HttpProxyConfig config) {
    String id = head.headers().get(HeaderName.X_REQUEST_ID);
    if (id == null) {
      id = new UUID(random.nextLong(), random.nextLong()).toString();
      head.headers().set(HeaderName.X_REQUEST_ID, id);
    }
    return new NoExchange(id);
  }

  @Override
  public ConnectionRecord startConnection(ConnectionFacts facts, NetworkFilter.Tcp config) {
    return new NoConnection();
  }

  @Override
  public void connectionOpened(String listener) {}

  @Override
  public void connectionClosed(String listener) {}

  @Override
  public void detectionTimedOut(String listener) {}

  @Override
  public void connectionRefused(String listener, String code) {}

  @Override
  public void upstreamConnectionOpened(String cluster) {}

  @Override
  public void upstreamConnectionClosed(String cluster) {}

  @Override
  public void bug(String where) {}

  private record NoExchange(String requestId) implements ExchangeRecord {
    @Override
    public void routed(String route, ClusterConfig cluster) {}

    @Override
    public void attemptStarted(int number, RequestHead outgoing, Endpoint endpoint) {}

    @Override
    public void attemptAnswered(int status) {}

    @Override
    public void attemptFailed(ProxyError error) {}

    @Override
    public void faultApplied(String experiment, String fault, FaultKind kind) {}

    @Override
    public void requestBytes(int bytes) {}

    @Override
    public void responseStarted(int status) {}

    @Override
    public void responseBytes(int bytes) {}

    @Override
    public void finish(Outcome outcome) {}
  }

  private static final class NoConnection implements ConnectionRecord {
    @Override
    public void connected(ClusterConfig cluster, Endpoint endpoint) {}

    @Override
    public void received(int bytes) {}

    @Override
    public void sent(int bytes) {}

    @Override
    public void faultApplied(String experiment, String fault) {}

    @Override
    public void finish(@Nullable ProxyError error) {}
  }
}
