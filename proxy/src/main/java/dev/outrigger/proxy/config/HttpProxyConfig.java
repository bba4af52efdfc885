package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;
import java.util.Set;

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
 * @param upgrades which upgrades and CONNECTs are let through where a route does not say
 * @param serverName value of the {@code server} response header; empty leaves the upstream's
 * @param serverIfAbsent whether the upstream's {@code server} header stays where it has one
 * @param requestIds what is done with {@code x-request-id}
 * @param filters those that requests pass, besides faults
 * @param nameCase how names of headers are written in answers in HTTP/1.1
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
    UpgradesConfig upgrades,
    String serverName,
    boolean serverIfAbsent,
    RequestIds requestIds,
    List<HttpFilterConfig> filters,
    NameCase nameCase) {
  public HttpProxyConfig {
    filters = List.copyOf(filters);
  }

  /** Names of headers are written as they came. */
  public HttpProxyConfig(
      String statPrefix,
      RouteTableConfig routes,
      Codec codec,
      Limits limits,
      Timeouts timeouts,
      Forwarding forwarding,
      TracingConfig tracing,
      AccessLogConfig accessLog,
      UpgradesConfig upgrades,
      String serverName,
      boolean serverIfAbsent,
      RequestIds requestIds,
      List<HttpFilterConfig> filters) {
    this(
        statPrefix,
        routes,
        codec,
        limits,
        timeouts,
        forwarding,
        tracing,
        accessLog,
        upgrades,
        serverName,
        serverIfAbsent,
        requestIds,
        filters,
        NameCase.AS_WRITTEN);
  }

  /** The usual request ids. */
  public HttpProxyConfig(
      String statPrefix,
      RouteTableConfig routes,
      Codec codec,
      Limits limits,
      Timeouts timeouts,
      Forwarding forwarding,
      TracingConfig tracing,
      AccessLogConfig accessLog,
      UpgradesConfig upgrades,
      String serverName) {
    this(
        statPrefix,
        routes,
        codec,
        limits,
        timeouts,
        forwarding,
        tracing,
        accessLog,
        upgrades,
        serverName,
        false,
        RequestIds.DEFAULT,
        List.of());
  }

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
   * @param maxRequestsPerConnection after so many, or up to a tenth before, the connection closes;
   *     0 is no bound
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
   * @param request from the head of a request to its last byte; beyond it 408
   * @param maxStreamDuration from the head of a request to the end of its answer
   * @param maxConnectionAge a connection that is older takes no more requests; each draws its own
   *     age from the last tenth, so that those opened together do not end together
   */
  public record Timeouts(
      Duration connectionIdle,
      Duration requestHeaders,
      Duration streamIdle,
      Duration drain,
      Duration request,
      Duration maxStreamDuration,
      Duration maxConnectionAge) {
    public Timeouts(
        Duration connectionIdle, Duration requestHeaders, Duration streamIdle, Duration drain) {
      this(
          connectionIdle,
          requestHeaders,
          streamIdle,
          drain,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO);
    }

    public static final Timeouts DEFAULT =
        new Timeouts(
            Duration.ofHours(1),
            Duration.ofSeconds(8),
            Duration.ofMinutes(5),
            Duration.ofSeconds(5));
  }

  /**
   * Headers that tell who the client is.
   *
   * @param useRemoteAddress trust the socket's address rather than {@code x-forwarded-for}, and
   *     append to it
   * @param clientCert what is done with {@code x-forwarded-client-cert}
   * @param certDetails what it tells besides the hash, and the URIs of the proxy's own certificate
   * @param trustedHops how many proxies in front of this one are believed
   * @param skipAppend whether {@code x-forwarded-for} stays as it came
   * @param appendPort whether {@code x-forwarded-port} tells the port that the client connected to
   * @param via put behind {@code via} of requests and answers; empty puts nothing
   * @param forwarded what is done with {@code forwarded}
   */
  public record Forwarding(
      boolean useRemoteAddress,
      ClientCert clientCert,
      Set<CertDetail> certDetails,
      int trustedHops,
      boolean skipAppend,
      boolean appendPort,
      String via,
      ForwardedPolicy forwarded) {
    public static final Forwarding DEFAULT = new Forwarding(false, ClientCert.SANITIZE);

    public Forwarding {
      certDetails = Set.copyOf(certDetails);
    }

    /** Nothing is done with {@code forwarded}. */
    public Forwarding(
        boolean useRemoteAddress,
        ClientCert clientCert,
        Set<CertDetail> certDetails,
        int trustedHops,
        boolean skipAppend,
        boolean appendPort,
        String via) {
      this(
          useRemoteAddress,
          clientCert,
          certDetails,
          trustedHops,
          skipAppend,
          appendPort,
          via,
          ForwardedPolicy.NONE);
    }

    /** No proxy in front is believed. */
    public Forwarding(boolean useRemoteAddress, ClientCert clientCert) {
      this(useRemoteAddress, clientCert, Set.of(), 0, false, false, "");
    }
  }

  /** xDS: {@code SetCurrentClientCertDetails}. */
  public enum CertDetail {
    CERT,
    /** The client's certificate with those that it sent along. */
    CHAIN,
    SUBJECT,
    URI,
    DNS
  }

  /**
   * What is done with {@code x-request-id}.
   *
   * @param generate whether a request without one gets one
   * @param preserveExternal whether one that came from outside is kept; what comes where the
   *     socket's address counts comes from outside
   * @param inResponse whether the answer bears it
   */
  public record RequestIds(boolean generate, boolean preserveExternal, boolean inResponse) {
    public static final RequestIds DEFAULT = new RequestIds(true, false, false);
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
