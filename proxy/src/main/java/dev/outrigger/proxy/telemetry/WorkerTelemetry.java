package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the records of one worker. Confined to its event loop. */
public interface WorkerTelemetry {

  /**
   * A request head is complete. Reads trace context and request id from it, and sets the request id
   * where there is none.
   */
  ExchangeRecord startExchange(RequestHead head, ConnectionFacts facts, HttpProxyConfig config);

  /**
   * A request that may ask to be explained: an explanation if it shows a token that allows it, else
   * null. The token goes no further than to proxies of the mesh.
   */
  default @Nullable Explanation explain(RequestHead head, ConnectionFacts facts) {
    return null;
  }

  /** An exchange that was explained is over. */
  default void explained(
      Explanation explanation,
      RequestHead head,
      ConnectionFacts facts,
      String id,
      Outcome outcome) {}

  /** A connection is about to be relayed as bytes. */
  ConnectionRecord startConnection(ConnectionFacts facts, NetworkFilter.Tcp config);

  /** A client connection was accepted. */
  void connectionOpened(String listener);

  /** A client connection is gone. */
  void connectionClosed(String listener);

  /** A client's first bytes did not come in time; the connection is opaque or closed. */
  void detectionTimedOut(String listener);

  /** A client was refused before any exchange: TLS, limits or protocol. */
  void connectionRefused(String listener, String code);

  /**
   * A handshake that was accepted failed by faults, so that no exchange will come of it.
   *
   * @param acting the faults that act on this worker now
   * @param observed those that only observe
   * @param service of the destination; empty where it is not known
   * @param experiments whose faults met it
   * @param nanos since it began
   */
  default void handshakeFailed(
      FaultPlan acting, FaultPlan observed, String service, List<String> experiments, long nanos) {}

  /** A request was refused that could not be read, so that no exchange was made of it. */
  void requestRefused(ConnectionFacts facts, HttpProxyConfig config, ProxyError error);

  /** A client did too much of something, or too slowly, and was sent away. */
  void flooded(String listener, String kind);

  /** A pooled connection to a cluster was opened. */
  void upstreamConnectionOpened(String cluster);

  /** A pooled connection to a cluster was closed. */
  void upstreamConnectionClosed(String cluster);

  /** An endpoint did too much of something, and its connection was ended. */
  void upstreamFlooded(String cluster, String kind);

  /** An endpoint broke the protocol. */
  void upstreamViolated(String cluster, String kind);

  /**
   * Outlier detection took an endpoint out.
   *
   * @param service as {@code name.namespace}; empty where it is not known
   */
  default void upstreamEjected(String service) {}

  /** An invariant broke (see house rules): counted by place. */
  void bug(String where);

  /**
   * A fault that only observes looked at a connection.
   *
   * @param service of the destination; null where it is not known
   * @param source SPIFFE ID of the caller; null where it is not known
   */
  default void sighted(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      ExchangeRecord.Sight sight) {}

  /** What was measured for experiments since the last call; it is the caller's from now on. */
  default FaultReadings.Taken takeFaultReadings() {
    return FaultReadings.Taken.none();
  }
}
