package dev.outrigger.controlplane.model;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Rules for requests to a service (Gateway API v1: {@code HTTPRoute} with a Service as its parent).
 * A request to such a service that no rule matches gets 404. A route of the caller's namespace wins
 * over one of the service's.
 *
 * @param parents the services whose requests it governs
 */
public record HttpRoute(ObjectMeta meta, List<ServiceRef> parents, List<Rule> rules)
    implements RequestRoute {
  public HttpRoute {
    parents = List.copyOf(parents);
    rules = List.copyOf(rules);
  }

  @Override
  public Kind kind() {
    return Kind.HTTP_ROUTE;
  }

  @Override
  public HttpRoute withRules(List<Rule> rules) {
    return new HttpRoute(meta, parents, rules);
  }

  /**
   * One rule.
   *
   * @param name shown in logs, metrics and to {@code match.routes} of faults; may be empty
   * @param matches any of them; empty matches all
   * @param backends by weight; empty is right only with a redirect, otherwise a 500
   */
  public record Rule(
      String name,
      List<Match> matches,
      List<Filter> filters,
      List<Backend> backends,
      Timeouts timeouts,
      @Nullable Retry retry) {
    public Rule {
      matches = List.copyOf(matches);
      filters = List.copyOf(filters);
      backends = List.copyOf(backends);
    }

    /** The same with other backends and filters. */
    public Rule with(List<Filter> filters, List<Backend> backends) {
      return new Rule(name, matches, filters, backends, timeouts, retry);
    }
  }

  /**
   * All that is said must hold.
   *
   * @param method such as GET; null is any
   */
  public record Match(
      PathMatch path, List<ValueMatch> headers, List<ValueMatch> query, @Nullable String method) {
    /** Every request. */
    public static final Match ALL =
        new Match(new PathMatch.Prefix("/"), List.of(), List.of(), null);

    public Match {
      headers = List.copyOf(headers);
      query = List.copyOf(query);
    }
  }

  /** How a path is compared. */
  public sealed interface PathMatch {
    String value();

    record Exact(String value) implements PathMatch {}

    /** Whole path elements: /a matches /a and /a/b, but not /ab. */
    record Prefix(String value) implements PathMatch {}

    /** The whole path. */
    record Regex(String value) implements PathMatch {}

    /**
     * A method of gRPC.
     *
     * @param service such as {@code shop.v1.Catalog}; empty is any
     * @param method empty is any
     * @param regex whether both are regular expressions
     */
    record Call(String service, String method, boolean regex) implements PathMatch {
      @Override
      public String value() {
        return "/" + service + "/" + method;
      }
    }
  }

  /**
   * A header or a query parameter.
   *
   * @param name of a header in lower case, of a parameter as it is
   * @param regex whether the value is a regular expression for the whole value
   */
  public record ValueMatch(String name, String value, boolean regex) {}

  /** What is done to a request on its way. */
  public sealed interface Filter {
    record RequestHeaders(HeaderChanges changes) implements Filter {}

    record ResponseHeaders(HeaderChanges changes) implements Filter {}

    /**
     * Answers with a redirect.
     *
     * @param port 0 leaves it as it is
     */
    record Redirect(
        @Nullable String scheme,
        @Nullable String hostname,
        @Nullable PathRewrite path,
        int port,
        int statusCode)
        implements Filter {}

    record UrlRewrite(@Nullable String hostname, @Nullable PathRewrite path) implements Filter {}

    /**
     * Sends a copy elsewhere, whose answer nobody sees.
     *
     * @param perMillion of the requests
     */
    record Mirror(Backend backend, int perMillion) implements Filter {}

    /**
     * Pages of other origins may ask.
     *
     * @param origins such as {@code https://shop.example}, with {@code *} for a part of the host or
     *     for all
     * @param methods {@code *} is all
     * @param headers that a page may send; {@code *} is all
     * @param exposed that a page may read
     */
    record Cors(
        List<String> origins,
        List<String> methods,
        List<String> headers,
        List<String> exposed,
        Duration maxAge,
        boolean credentials)
        implements Filter {
      public Cors {
        origins = List.copyOf(origins);
        methods = List.copyOf(methods);
        headers = List.copyOf(headers);
        exposed = List.copyOf(exposed);
      }
    }
  }

  /** Done in the order set, add, remove. */
  public record HeaderChanges(List<Header> set, List<Header> add, List<String> remove) {
    public static final HeaderChanges NONE = new HeaderChanges(List.of(), List.of(), List.of());

    public HeaderChanges {
      set = List.copyOf(set);
      add = List.copyOf(add);
      remove = List.copyOf(remove);
    }
  }

  public record Header(String name, String value) {}

  /** A new path. */
  public sealed interface PathRewrite {
    String value();

    record Full(String value) implements PathRewrite {}

    /** Replaces what the rule's prefix matched. */
    record Prefix(String value) implements PathRewrite {}
  }

  /**
   * Where requests go.
   *
   * @param port always given
   * @param weight 0 gets none
   * @param requestHeaders changed in what this one gets, after what the rule changes
   * @param responseHeaders changed in what comes back from it, before what the rule changes
   */
  public record Backend(
      ServiceName service,
      int port,
      int weight,
      HeaderChanges requestHeaders,
      HeaderChanges responseHeaders) {

    /** One that gets and gives what is there. */
    public Backend(ServiceName service, int port, int weight) {
      this(service, port, weight, HeaderChanges.NONE, HeaderChanges.NONE);
    }

    /** The same share for another service. */
    public Backend to(ServiceName other) {
      return new Backend(other, port, weight, requestHeaders, responseHeaders);
    }

    /** Whether its headers are other ones than those of its neighbours. */
    public boolean changesHeaders() {
      return !requestHeaders.equals(HeaderChanges.NONE)
          || !responseHeaders.equals(HeaderChanges.NONE);
    }
  }

  /**
   * @param request over all attempts; zero is no limit; null says nothing
   * @param backendRequest of one attempt
   */
  public record Timeouts(@Nullable Duration request, @Nullable Duration backendRequest) {
    public static final Timeouts UNSET = new Timeouts(null, null);
  }

  /**
   * @param attempts beyond the first
   * @param codes answers worth another attempt
   * @param backoff the least time between attempts; null is the default
   */
  public record Retry(int attempts, Set<Integer> codes, @Nullable Duration backoff) {
    public Retry {
      codes = Set.copyOf(codes);
    }
  }
}
