package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;
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

  /**
   * Routes for some host names.
   *
   * @param domains exact, {@code *.suffix}, {@code prefix.*} or {@code *}
   * @param routes the first that matches wins
   */
  public record VirtualHost(String name, List<String> domains, List<Route> routes) {
    public VirtualHost {
      domains = List.copyOf(domains);
      routes = List.copyOf(routes);
    }
  }

  /** One rule of a virtual host. */
  public record Route(String name, Match match, Action action, HeaderChanges headers) {}

  /** All that is set must match. */
  public record Match(
      PathMatch path, List<String> methods, List<HeaderMatch> headers, List<QueryMatch> queries) {
    public Match {
      methods = List.copyOf(methods);
      headers = List.copyOf(headers);
      queries = List.copyOf(queries);
    }
  }

  /** How a path, without its query, is compared. */
  public sealed interface PathMatch {
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

  /** One condition on a header. */
  public record HeaderMatch(String name, ValueMatch value, boolean invert) {}

  /** One condition on a query parameter. */
  public record QueryMatch(String name, ValueMatch value) {}

  /** How a value is compared. */
  public sealed interface ValueMatch {
    record Present() implements ValueMatch {}

    record Absent() implements ValueMatch {}

    record Exact(String value) implements ValueMatch {}

    record Prefix(String value) implements ValueMatch {}

    record Suffix(String value) implements ValueMatch {}

    record Contains(String value) implements ValueMatch {}

    record Regex(RegexPattern pattern) implements ValueMatch {}

    /** An integer in {@code [start, end)}. */
    record Range(long start, long end) implements ValueMatch {}
  }

  /** What is done with a request that matched. */
  public sealed interface Action {

    /**
     * Sent to a cluster.
     *
     * @param clusters one or more, chosen by weight
     * @param timeout from the end of the request to the end of the response, all attempts included;
     *     zero is none
     * @param idleTimeout of the stream; null takes the connection manager's
     * @param retry when and how often it is tried again
     * @param prefixRewrite replaces the matched prefix; null leaves the path
     * @param hostRewrite replaces the host; null leaves it
     * @param upgrades whether upgrades pass; null takes the connection manager's choice
     * @param times bounds beside the timeout
     */
    record Forward(
        List<WeightedCluster> clusters,
        Duration timeout,
        @Nullable Duration idleTimeout,
        RetryPolicy retry,
        @Nullable String prefixRewrite,
        @Nullable String hostRewrite,
        @Nullable Boolean upgrades,
        CallTimes times)
        implements Action {
      public Forward {
        clusters = List.copyOf(clusters);
      }

      /** With no bound but the timeout. */
      public Forward(
          List<WeightedCluster> clusters,
          Duration timeout,
          @Nullable Duration idleTimeout,
          RetryPolicy retry,
          @Nullable String prefixRewrite,
          @Nullable String hostRewrite,
          @Nullable Boolean upgrades) {
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
        @Nullable String path,
        @Nullable String prefixRewrite,
        boolean stripQuery)
        implements Action {}
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
  }

  /** A header to be put on a message (xDS: {@code HeaderValueOption}). */
  public record HeaderValue(String name, String value, Append append) {}

  /** xDS: {@code HeaderAppendAction}. */
  public enum Append {
    APPEND_IF_EXISTS_OR_ADD,
    ADD_IF_ABSENT,
    OVERWRITE_IF_EXISTS_OR_ADD,
    OVERWRITE_IF_EXISTS
  }
}
