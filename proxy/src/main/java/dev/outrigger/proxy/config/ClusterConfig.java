package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints that serve the same thing, and how they are reached (xDS: {@code Cluster}).
 *
 * @param name unique
 * @param discovery where endpoints come from
 * @param balancing how one is chosen
 * @param connectTimeout of one TCP and TLS connection
 * @param pool limits of connections kept in one worker
 * @param breaker limits of what is open at once in the whole proxy
 * @param health active checks; null has none
 * @param outliers passive ejection; null has none
 * @param tlsMatches the first whose labels an endpoint's metadata holds gives its TLS; not empty
 * @param labels for metrics: what service this is (namespace, service, port), as the control plane
 *     says it
 */
public record ClusterConfig(
    String name,
    Discovery discovery,
    LbPolicy balancing,
    Duration connectTimeout,
    PoolConfig pool,
    BreakerConfig breaker,
    @Nullable HealthCheckPolicy health,
    @Nullable OutlierPolicy outliers,
    List<TlsMatch> tlsMatches,
    Map<String, String> labels) {

  public ClusterConfig {
    tlsMatches = List.copyOf(tlsMatches);
    labels = Map.copyOf(labels);
  }

  /**
   * The service that this is, as {@code name.namespace}: the labels {@code service} and {@code
   * namespace}. Null where the control plane does not say it.
   */
  public @Nullable String service() {
    return serviceOf(labels);
  }

  /** The same of the labels of anything. */
  public static @Nullable String serviceOf(Map<String, String> labels) {
    @Nullable String service = labels.get("service");
    @Nullable String namespace = labels.get("namespace");
    return service == null || namespace == null ? service : service + "." + namespace;
  }

  /** Where endpoints come from. */
  public sealed interface Discovery {
    /** Listed, by the cluster itself or by EDS; already resolved here. */
    record Listed(EndpointSet endpoints) implements Discovery {}

    /** Names asked again and again; every address is an endpoint (xDS: {@code STRICT_DNS}). */
    record Dns(EndpointSet names, Duration refresh, Family family, boolean firstAddressOnly)
        implements Discovery {}

    /**
     * The destination that the client had in mind (xDS: {@code ORIGINAL_DST}).
     *
     * @param portOverride 0 keeps the port
     * @param sourceAddress to bind to, so that capture rules let it through; null binds to none
     */
    record OriginalDestination(int portOverride, @Nullable String sourceAddress)
        implements Discovery {}
  }

  /** Which addresses a name is asked for. */
  public enum Family {
    V4_ONLY,
    V6_ONLY,
    V4_PREFERRED,
    V6_PREFERRED,
    ALL
  }

  /** TLS for the endpoints whose {@code envoy.transport_socket_match} metadata holds the labels. */
  public record TlsMatch(String name, Map<String, String> labels, UpstreamTls tls) {
    public TlsMatch {
      labels = Map.copyOf(labels);
    }
  }

  /**
   * Connections kept for one cluster.
   *
   * @param minIdle opened ahead of need in each worker
   * @param maxConnectionsPerWorker at most so many at once in one worker; 0 is no bound
   * @param idleTimeout an unused connection is closed after it; below the usual 5 s of servers is
   *     safest, zero is never
   * @param maxAge a connection is retired after it, or up to a tenth before; zero is never
   * @param maxRequestsPerConnection the same; 0 is no bound
   * @param speech what is spoken on them
   * @param http2 how, where it is HTTP/2
   * @param answers how large heads and trailers of answers may be; beyond it 502
   * @param nameCase how names of headers are written in requests in HTTP/1.1
   */
  public record PoolConfig(
      int minIdle,
      int maxConnectionsPerWorker,
      Duration idleTimeout,
      Duration maxAge,
      int maxRequestsPerConnection,
      Speech speech,
      Http2Config http2,
      AnswerLimits answers,
      NameCase nameCase) {
    public static final PoolConfig DEFAULT =
        new PoolConfig(0, 0, Duration.ofSeconds(30), Duration.ZERO, 0);

    /** Names of headers are written as they came. */
    public PoolConfig(
        int minIdle,
        int maxConnectionsPerWorker,
        Duration idleTimeout,
        Duration maxAge,
        int maxRequestsPerConnection,
        Speech speech,
        Http2Config http2,
        AnswerLimits answers) {
      this(
          minIdle,
          maxConnectionsPerWorker,
          idleTimeout,
          maxAge,
          maxRequestsPerConnection,
          speech,
          http2,
          answers,
          NameCase.AS_WRITTEN);
    }

    /** Speaks HTTP/1.1. */
    public PoolConfig(
        int minIdle,
        int maxConnectionsPerWorker,
        Duration idleTimeout,
        Duration maxAge,
        int maxRequestsPerConnection) {
      this(
          minIdle,
          maxConnectionsPerWorker,
          idleTimeout,
          maxAge,
          maxRequestsPerConnection,
          Speech.HTTP1,
          UPSTREAM_HTTP2,
          AnswerLimits.DEFAULT);
    }
  }

  /**
   * Bounds on what an endpoint may send before and after a body.
   *
   * @param maxHeadBytes status line and headers together, and all trailers together
   * @param maxHeaders number of header fields, and of trailers
   */
  public record AnswerLimits(int maxHeadBytes, int maxHeaders) {
    public static final AnswerLimits DEFAULT = new AnswerLimits(60 * 1024, 200);
  }

  /** Wider windows than for clients: endpoints are ours. */
  public static final Http2Config UPSTREAM_HTTP2 =
      new Http2Config(1024, 256 * 1024, 4 * 1024 * 1024, Duration.ZERO, Duration.ofSeconds(10));

  /** What is spoken with endpoints (xDS: {@code HttpProtocolOptions}). */
  public enum Speech {
    HTTP1,
    HTTP2,
    /** What TLS agrees upon; HTTP/1.1 without TLS. */
    NEGOTIATED,
    /** What the client speaks. */
    AS_DOWNSTREAM,
    /** The bytes of a CONNECT that ended here; never that of a whole cluster. */
    NONE;

    /** What is meant to be spoken on the connections that a cluster of this kind may open. */
    public List<Speech> onConnections() {
      return switch (this) {
        case HTTP1 -> List.of(HTTP1);
        case NONE -> List.of(NONE);
        case HTTP2 -> List.of(HTTP2);
        case NEGOTIATED -> List.of(NEGOTIATED, HTTP1);
        case AS_DOWNSTREAM -> List.of(HTTP2, HTTP1);
      };
    }
  }

  /**
   * What may be open at once (xDS: {@code CircuitBreakers}); the bounds hold in each worker by its
   * share.
   *
   * @param maxConnections open connections
   * @param maxPending exchanges that wait for a connection
   * @param maxRequests exchanges under way
   * @param retryBudgetPercent concurrent retries as a share of active and pending exchanges
   * @param minRetryConcurrency retries always allowed
   */
  public record BreakerConfig(
      int maxConnections,
      int maxPending,
      int maxRequests,
      double retryBudgetPercent,
      int minRetryConcurrency) {
    public static final BreakerConfig DEFAULT = new BreakerConfig(1024, 1024, 1024, 20.0, 3);
  }
}
