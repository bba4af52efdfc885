package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * What is noted of one exchange on its way, and written once at its end as metric, access log line
 * and span. Confined to its worker's event loop; {@link #finish} is called exactly once, last.
 */
public interface ExchangeRecord {

  /** The request's id, taken from {@code x-request-id} or made here. */
  String requestId();

  /** When the request's head had come, in milliseconds since 1970. */
  long startedAtMillis();

  /** The trace that it belongs to, in hexadecimal; null if none is known. */
  @Nullable String traceId();

  /** How many attempts have begun. */
  int attempts();

  /** The route was found. */
  void routed(String route, ClusterConfig cluster);

  /**
   * An attempt begins: puts the trace headers of its client span on the outgoing head.
   *
   * @param number 1 for the first
   */
  void attemptStarted(int number, RequestHead outgoing, Endpoint endpoint);

  /** The attempt has a connection. */
  void attemptConnected(@Nullable SocketAddress local);

  /** The attempt was answered. */
  void attemptAnswered(int status);

  /** The attempt failed. */
  void attemptFailed(ProxyError error);

  /** The last attempt's end was worth another one, and there are none left: Envoy's {@code URX}. */
  void retriesUsedUp();

  /** An experiment touched this exchange. */
  void faultApplied(String experiment, String fault, FaultKind kind);

  /**
   * The exchange counts in what is measured for experiments.
   *
   * @param called the service that it asks for, or null where that is not known
   * @param destination the service that its route sends it to, likewise
   */
  default void measured(
      FaultPlan acting,
      FaultPlan observed,
      @Nullable String called,
      @Nullable String destination) {}

  /** An experiment that only observes would have touched this exchange. */
  default void wouldBeTouched(String experiment) {}

  /**
   * A fault that only observes looked at this exchange, or at an attempt of it.
   *
   * @param service of the destination; null where it is not known
   * @param source SPIFFE ID of the caller; null where it is not known
   * @param route its name; null where there is none
   */
  default void sighted(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      @Nullable String route,
      Sight sight) {}

  /** The client's request is whole. */
  void requestEnded();

  /** Body bytes from the client. */
  void requestBytes(int bytes);

  /** The head of the answer that the client gets. */
  void responseStarted(ResponseHead head);

  /** What the client gets after the body. */
  void responseTrailers(Headers trailers);

  /** Body bytes to the client. */
  void responseBytes(int bytes);

  /** The exchange is over. */
  void finish(Outcome outcome);

  /** What a fault that only observes makes of something. */
  enum Sight {
    /** Its conditions do not hold. */
    PASSED,
    /** They hold, and its dice spare it. */
    MATCHED,
    HIT
  }

  /** What a fault did. */
  enum FaultKind {
    DELAY,
    ABORT,
    RESET,
    THROTTLE,
    REWRITE,
    /** On the connection that it went over, or wanted to. */
    CONNECTION
  }
}
