package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * From host and request to what is done (xDS: {@code RouteConfiguration}).
 *
 * @param name of the table
 * @param virtualHosts each domain at most once in the table
 */
public record RouteTableConfig(String name, List<VirtualHost> virtualHosts) {
  public RouteTableConfig {
    virtualHosts = List.copyOf(virtualHosts);
  }

  /** By name: that of a whole tree of records would cost each start its generated methods. */
  @Override
  public int hashCode() {
    return name.hashCode();
  }

  /**
   * Routes for some host names.
   *
   * @param domains exact, {@code *.suffix}, {@code prefix.*} or {@code *}
   * @param routes the first that matches wins
   * @param tlsOnly whether who asks without TLS is sent to {@code https} (xDS: {@code require_tls})
   * @param countsToEndpoint whether {@code x-envoy-attempt-count} tells an endpoint which attempt
   *     it gets (xDS: {@code include_request_attempt_count})
   * @param countsToClient whether it tells a client how many there were (xDS: {@code
   *     include_attempt_count_in_response})
   * @param service what is called by these names, as {@code name.namespace}; null where the control
   *     plane does not say it
   */
  public record VirtualHost(
      String name,
      List<String> domains,
      List<Route> routes,
      boolean tlsOnly,
      boolean countsToEndpoint,
      boolean countsToClient,
      @Nullable String service) {
    public VirtualHost(String name, List<String> domains, List<Route> routes) {
      this(name, domains, routes, false, false, false, null);
    }

    public VirtualHost {
      domains = List.copyOf(domains);
      routes = List.copyOf(routes);
    }
  }

  /**
   * One rule of a virtual host.
   *
   * @param headers changes to them, of all levels
   * @param filters what it says to filters, by their names; what its virtual host and table say
   *     where it says nothing
   */
  public record Route(
      String name,
      Match match,
      Action action,
      HeaderLevels headers,
      Map<String, HttpFilterConfig.OfRoute> filters) {
    public Route {
      filters = Map.copyOf(filters);
    }

    /** Says nothing to filters. */
    public Route(String name, Match match, Action action, HeaderChanges headers) {
      this(name, match, action, HeaderLevels.of(headers), Map.of());
    }
  }

  /**
   * All that is set must match.
   *
   * @param grpc whether only gRPC requests match
   * @param share of the requests that match otherwise, 0 to 1, drawn for each
   */
  public record Match(
      PathMatch path,
      List<String> methods,
      List<HeaderMatch> headers,
      List<QueryMatch> queries,
      boolean grpc,
      double share) {
    /** Any kind of request, all of them. */
    public Match(
        PathMatch path, List<String> methods, List<HeaderMatch> headers, List<QueryMatch> queries) {
      this(path, methods, headers, queries, false, 1);
    }

    public Match {
      if (!(share >= 0 && share <= 1)) {
        throw new IllegalArgumentException("a share of " + share);
      }
      methods = List.copyOf(methods);
      headers = List.copyOf(headers);
      queries = List.copyOf(queries);
    }
  }

  /** How a path, without its query, is compared. */
  public sealed interface PathMatch {
    /** Takes requests with the method CONNECT, which have no path, and nothing else does. */
    record Connect() implements PathMatch {}

    record Exact(String path, boolean caseSensitive) implements PathMatch {}

    record Prefix(String prefix, boolean caseSensitive) implements PathMatch {}

    /** xDS {@code path_separated_prefix}: {@code /a} matches {@code /a} and {@code /a/b}. */
    record SegmentPrefix(String prefix, boolean caseSensitive) implements PathMatch {}

    /** The whole path must match. */
    record Regex(RegexPattern pattern) implements PathMatch {}
  }

  /** A regular expression that is compared by its text. */
  public record RegexPattern(String text) {
    public RegexPattern {
      Pattern.compile(text);
    }
  }

  /**
   * One condition on a header.
   *
   * @param missingIsEmpty whether a header that is not there is taken for one with an empty value
   */
  public record HeaderMatch(String name, ValueMatch value, boolean invert, boolean missingIsEmpty) {
    public HeaderMatch(String name, ValueMatch value, boolean invert) {
      this(name, value, invert, false);
    }
  }

  /** One condition on a query parameter. */
  public record QueryMatch(String name, ValueMatch value) {}

  /** How a value is compared. */
  public sealed interface ValueMatch {
    record Present() implements ValueMatch {}

    record Absent() implements ValueMatch {}

    record Exact(String value, boolean ignoreCase) implements ValueMatch {
      public Exact(String value) {
        this(value, false);
      }
    }

    record Prefix(String value, boolean ignoreCase) implements ValueMatch {
      public Prefix(String value) {
        this(value, false);
      }
    }

    record Suffix(String value, boolean ignoreCase) implements ValueMatch {
      public Suffix(String value) {
        this(value, false);
      }
    }

    record Contains(String value, boolean ignoreCase) implements ValueMatch {
      public Contains(String value) {
        this(value, false);
      }
    }

    record Regex(RegexPattern pattern) implements ValueMatch {}

    /** An integer in {@code [start, end)}. */
    record Range(long start, long end) implements ValueMatch {}
  }

  /** What is done with a request that matched. */
  public sealed interface Action {

    /**
     * Sent to a cluster.
     *
     * @param clusters one or more, chosen by weight; empty where a header names the cluster
     * @param timeout from the end of the request to the end of the response, all attempts included;
     *     zero is none
     * @param idleTimeout of the stream; null takes the connection manager's
     * @param retry when and how often it is tried again
     * @param rewrite of path and host
     * @param upgrades which upgrades pass; null takes the connection manager's choice of all
     * @param times bounds beside the timeout
     * @param retryBufferBytes how much of a body is kept so that it can be sent again
     * @param mirrors who gets a copy
     * @param clusterHeader the request header that names the cluster; null where clusters are
     *     listed
     */
    record Forward(
        List<WeightedCluster> clusters,
        Duration timeout,
        @Nullable Duration idleTimeout,
        RetryPolicy retry,
        Rewrite rewrite,
        @Nullable UpgradesConfig upgrades,
        CallTimes times,
        int retryBufferBytes,
        List<Mirror> mirrors,
        @Nullable String clusterHeader)
        implements Action {
      public static final int DEFAULT_RETRY_BUFFER = 64 * 1024;

      public Forward {
        clusters = List.copyOf(clusters);
        mirrors = List.copyOf(mirrors);
      }

      /** Nothing but a new prefix and host, where these are not null. */
      public Forward(
          List<WeightedCluster> clusters,
          Duration timeout,
          @Nullable Duration idleTimeout,
          RetryPolicy retry,
          @Nullable String prefixRewrite,
          @Nullable String hostRewrite,
          @Nullable UpgradesConfig upgrades,
          CallTimes times) {
        this(
            clusters,
            timeout,
            idleTimeout,
            retry,
            new Rewrite(
                prefixRewrite == null ? null : new PathRewrite.Prefix(prefixRewrite),
                hostRewrite == null ? null : new HostRewrite.Literal(hostRewrite),
                false),
            upgrades,
            times,
            DEFAULT_RETRY_BUFFER,
            List.of(),
            null);
      }

      /** With no bound but the timeout. */
      public Forward(
          List<WeightedCluster> clusters,
          Duration timeout,
          @Nullable Duration idleTimeout,
          RetryPolicy retry,
          @Nullable String prefixRewrite,
          @Nullable String hostRewrite,
          @Nullable UpgradesConfig upgrades) {
        this(
            clusters,
            timeout,
            idleTimeout,
            retry,
            prefixRewrite,
            hostRewrite,
            upgrades,
            CallTimes.NONE);
      }
    }

    /** Answered here. */
    record Direct(int status, String body) implements Action {}

    /** Answered with a redirection; null parts stay as they are. */
    record Redirect(
        int status,
        @Nullable String scheme,
        @Nullable String host,
        @Nullable Integer port,
        @Nullable PathRewrite path,
        boolean stripQuery)
        implements Action {}
  }

  /**
   * What changes in the request's target; null parts stay as they are.
   *
   * @param appendForwardedHost whether a host that is replaced is told in {@code x-forwarded-host}
   */
  public record Rewrite(
      @Nullable PathRewrite path, @Nullable HostRewrite host, boolean appendForwardedHost) {
    public static final Rewrite NONE = new Rewrite(null, null, false);
  }

  /** A new path; the query stays as it was. */
  public sealed interface PathRewrite {
    /** Replaces all of it; one with a query of its own replaces that too. */
    record Full(String path) implements PathRewrite {}

    /** Replaces what the route matched: its prefix, or all of an exact or regex match. */
    record Prefix(String prefix) implements PathRewrite {}

    /** Replaces each match; {@code \1} in the substitution is the first group. */
    record Regex(RegexPattern pattern, String substitution) implements PathRewrite {}
  }

  /** A new host. */
  public sealed interface HostRewrite {
    record Literal(String host) implements HostRewrite {}

    /** The name of the endpoint that is chosen, where it has one. */
    record OfEndpoint() implements HostRewrite {}

    /** What a header of the request says, where it says something. */
    record OfHeader(String name) implements HostRewrite {}

    /** Made of the path, without its query. */
    record OfPath(RegexPattern pattern, String substitution) implements HostRewrite {}
  }

  /**
   * A copy of requests, whose answers nobody sees (xDS: {@code RequestMirrorPolicy}).
   *
   * @param share of the requests, 0 to 1, drawn for each
   * @param markHost whether {@code -shadow} is put behind the host's name
   * @param header the request header that names the cluster; null where its name is known
   */
  public record Mirror(String cluster, double share, boolean markHost, @Nullable String header) {
    public Mirror(String cluster, double share, boolean markHost) {
      this(cluster, share, markHost, null);
    }

    public Mirror {
      if (!(share >= 0 && share <= 1)) {
        throw new IllegalArgumentException("a share of " + share);
      }
    }
  }

  /**
   * Changes to headers of several levels: weighted cluster, route, virtual host, table.
   *
   * @param mostSpecificFirst those that change anything
   * @param mostSpecificWins whether the most specific level has the last word rather than the first
   */
  public record HeaderLevels(List<HeaderChanges> mostSpecificFirst, boolean mostSpecificWins) {
    public static final HeaderLevels NONE = new HeaderLevels(List.of(), false);

    public HeaderLevels {
      mostSpecificFirst = mostSpecificFirst.stream().filter(level -> !level.isEmpty()).toList();
    }

    public static HeaderLevels of(HeaderChanges only) {
      return new HeaderLevels(List.of(only), false);
    }

    /** All levels in the order in which they are applied, with one that is more specific yet. */
    public List<HeaderChanges> with(HeaderChanges own) {
      List<HeaderChanges> all = new ArrayList<>();
      if (!own.isEmpty()) {
        all.add(own);
      }
      all.addAll(mostSpecificFirst);
      return mostSpecificWins ? all.reversed() : all;
    }
  }

  /** Changes to headers on both ways. */
  public record HeaderChanges(
      List<HeaderValue> requestAdd,
      List<String> requestRemove,
      List<HeaderValue> responseAdd,
      List<String> responseRemove) {
    public static final HeaderChanges NONE =
        new HeaderChanges(List.of(), List.of(), List.of(), List.of());

    public HeaderChanges {
      requestAdd = List.copyOf(requestAdd);
      requestRemove = List.copyOf(requestRemove);
      responseAdd = List.copyOf(responseAdd);
      responseRemove = List.copyOf(responseRemove);
    }

    /** Whether nothing is changed. */
    public boolean isEmpty() {
      return requestAdd.isEmpty()
          && requestRemove.isEmpty()
          && responseAdd.isEmpty()
          && responseRemove.isEmpty();
    }
  }

  /**
   * A header to be put on a message (xDS: {@code HeaderValueOption}).
   *
   * @param keepEmpty whether it is put there even if its value turns out to be empty
   */
  public record HeaderValue(String name, HeaderTemplate value, Append append, boolean keepEmpty) {
    /** One whose value is always the same. */
    public HeaderValue(String name, String value, Append append) {
      this(name, HeaderTemplate.literal(value), append, false);
    }
  }

  /** xDS: {@code HeaderAppendAction}. */
  public enum Append {
    APPEND_IF_EXISTS_OR_ADD,
    ADD_IF_ABSENT,
    OVERWRITE_IF_EXISTS_OR_ADD,
    OVERWRITE_IF_EXISTS
  }
}
