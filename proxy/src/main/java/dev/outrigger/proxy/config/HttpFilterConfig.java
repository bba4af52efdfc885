package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import java.util.List;
import java.util.Set;

/**
 * A filter of a connection manager (xDS: {@code http_filters}). What a filter does for a route is
 * said there, under the filter's name.
 */
public sealed interface HttpFilterConfig {
  /** The name under which routes speak of it. */
  String name();

  /** Cross-origin requests; does nothing without a {@link OfRoute.Cors} on the route. */
  record Cors(String name) implements HttpFilterConfig {}

  /** Compresses answers with gzip. */
  record Compressor(String name, Compression compression) implements HttpFilterConfig {}

  /**
   * Takes a request on only once it is whole.
   *
   * @param maxBytes a longer body is answered with 413
   */
  record Buffer(String name, int maxBytes) implements HttpFilterConfig {}

  /** Lets browsers call gRPC: turns gRPC-Web, binary or as text, into gRPC and back. */
  record GrpcWeb(String name) implements HttpFilterConfig {}

  /**
   * What is compressed, and how.
   *
   * @param level of {@link java.util.zip.Deflater}, -1 to 9
   * @param strategy of {@link java.util.zip.Deflater}
   * @param minBytes answers that say that they are shorter stay as they are
   * @param contentTypes in lower case, without parameters; an answer without one counts as listed
   * @param notWithEtag whether answers with an {@code etag} stay as they are
   * @param hidesFromUpstream whether the upstream sees no {@code accept-encoding}
   * @param notStatuses answers with these stay as they are
   */
  record Compression(
      int level,
      int strategy,
      int minBytes,
      Set<String> contentTypes,
      boolean notWithEtag,
      boolean hidesFromUpstream,
      Set<Integer> notStatuses) {
    public Compression {
      contentTypes = Set.copyOf(contentTypes);
      notStatuses = Set.copyOf(notStatuses);
    }

    public Compression hidingFromUpstream(boolean hides) {
      return new Compression(
          level, strategy, minBytes, contentTypes, notWithEtag, hides, notStatuses);
    }
  }

  /** What a route, its virtual host or its table says to a filter. */
  sealed interface OfRoute {
    /** The filter does nothing here. */
    record Disabled() implements OfRoute {}

    /**
     * Who may ask from a page of another origin (xDS: {@code CorsPolicy}).
     *
     * @param origins any of them
     * @param methods value of {@code access-control-allow-methods}; empty leaves it out
     * @param headers value of {@code access-control-allow-headers}; empty leaves it out
     * @param exposed value of {@code access-control-expose-headers}; empty leaves it out
     * @param maxAge value of {@code access-control-max-age}; empty leaves it out
     * @param credentials whether cookies may come along
     * @param privateNetwork whether pages of the public network may ask
     * @param forwardsOthers whether a preflight of another origin goes on to the upstream rather
     *     than being answered without permission
     * @param share of the requests, 0 to 1, for which the policy counts
     */
    record Cors(
        List<ValueMatch> origins,
        String methods,
        String headers,
        String exposed,
        String maxAge,
        boolean credentials,
        boolean privateNetwork,
        boolean forwardsOthers,
        double share)
        implements OfRoute {
      public Cors {
        origins = List.copyOf(origins);
      }
    }

    /** Whether the upstream sees no {@code accept-encoding}. */
    record Compressor(boolean hidesFromUpstream) implements OfRoute {}

    /** Another bound. */
    record Buffer(int maxBytes) implements OfRoute {}
  }
}
