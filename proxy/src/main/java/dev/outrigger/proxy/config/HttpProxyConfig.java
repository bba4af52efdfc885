package dev.outrigger.proxy.config;

import java.time.Duration;

/**
 * How requests are handled on a connection (xDS: {@code HttpConnectionManager}).
 *
 * @param statPrefix names it in metrics
 * @param routes the route table, already resolved
 * @param codec which protocols are spoken
 * @param limits of what a client may send
 * @param timeouts of connections and streams
 * @param forwarding what is done with headers that tell who the client is
 * @param tracing whether spans are made
 * @param accessLog where finished exchanges are written
 * @param upgrades whether {@code Upgrade: websocket} is let through by default
 * @param serverName value of the {@code server} response header; empty leaves the upstream's
 */
public record HttpProxyConfig(
    String statPrefix,
    RouteTableConfig routes,
    Codec codec,
    Limits limits,
    Timeouts timeouts,
    Forwarding forwarding,
    TracingConfig tracing,
    AccessLogConfig accessLog,
    boolean upgrades,
    String serverName) {

  /** Which protocols a connection may speak. */
  public enum Codec {
    AUTO,
    HTTP1,
    HTTP2
  }

  /**
   * Bounds on what a client may send.
   *
   * @param maxHeadBytes request line and headers together, and all trailers together; beyond it 414
   *     or 431
   * @param maxHeaders number of header fields, and of trailers
   * @param maxRequestsPerConnection after so many the connection closes; 0 is no bound
   * @param http2 what HTTP/2 adds
   * @param rules for what may be read in two ways
   */
  public record Limits(
      int maxHeadBytes,
      int maxHeaders,
      int maxRequestsPerConnection,
      Http2Config http2,
      RequestRules rules) {
    public static final Limits DEFAULT = new Limits(60 * 1024, 100, 0);

    public Limits(int maxHeadBytes, int maxHeaders, int maxRequestsPerConnection) {
      this(
          maxHeadBytes,
          maxHeaders,
          maxRequestsPerConnection,
          Http2Config.DEFAULT,
          RequestRules.DEFAULT);
    }
  }

  /**
   * Zero switches a timeout off.
   *
   * @param connectionIdle no open exchange for so long closes the connection
   * @param requestHeaders from the first byte of a head to its end; beyond it 408
   * @param streamIdle no byte of an exchange in either direction for so long
   * @param drain how long a draining connection may go on
   */
  public record Timeouts(
      Duration connectionIdle, Duration requestHeaders, Duration streamIdle, Duration drain) {
    public static final Timeouts DEFAULT =
        new Timeouts(
            Duration.ofHours(1),
            Duration.ofSeconds(15),
            Duration.ofMinutes(5),
            Duration.ofSeconds(5));
  }

  /**
   * Headers that tell who the client is.
   *
   * @param useRemoteAddress trust the socket's address rather than {@code x-forwarded-for}, and
   *     append to it
   * @param clientCert what is done with {@code x-forwarded-client-cert}
   */
  public record Forwarding(boolean useRemoteAddress, ClientCert clientCert) {
    public static final Forwarding DEFAULT = new Forwarding(false, ClientCert.SANITIZE);
  }

  /** xDS: {@code ForwardClientCertDetails}. */
  public enum ClientCert {
    SANITIZE,
    FORWARD_ONLY,
    APPEND_FORWARD,
    SANITIZE_SET,
    ALWAYS_FORWARD_ONLY
  }
}
