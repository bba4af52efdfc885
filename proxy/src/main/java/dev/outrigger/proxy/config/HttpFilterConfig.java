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

  /** Compresses answers. */
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
   * @param minBytes answers that say that they are shorter stay as they are
   * @param contentTypes in lower case, without parameters; an answer without one counts as listed
   * @param notWithEtag whether answers with an {@code etag} stay as they are
   * @param hidesFromUpstream whether the upstream sees no {@code accept-encoding}
   * @param notStatuses answers with these stay as they are
   * @param preferred whether it is taken of those that a client likes as well
   */
  record Compression(
      Coding coding,
      int minBytes,
      Set<String> contentTypes,
      boolean notWithEtag,
      boolean hidesFromUpstream,
      Set<Integer> notStatuses,
      boolean preferred) {
    public Compression {
      contentTypes = Set.copyOf(contentTypes);
      notStatuses = Set.copyOf(notStatuses);
    }

    public Compression hidingFromUpstream(boolean hides) {
      return new Compression(
          coding, minBytes, contentTypes, notWithEtag, hides, notStatuses, preferred);
    }
  }

  /** A content coding (RFC 9110, section 8.4.1) and how much is done for it. */
  sealed interface Coding {
    /** As {@code accept-encoding} names it. */
    default String token() {
      return switch (this) {
        case Gzip _ -> "gzip";
        case Brotli _ -> "br";
        case Zstandard _ -> "zstd";
      };
    }

    /**
     * RFC 1952.
     *
     * @param level of {@link java.util.zip.Deflater}, -1 to 9
     * @param strategy of {@link java.util.zip.Deflater}
     */
    record Gzip(int level, int strategy) implements Coding {}

    /**
     * RFC 7932.
     *
     * @param quality 0 to 11
     * @param windowBits 10 to 24
     */
    record Brotli(int quality, int windowBits) implements Coding {}

    /**
     * RFC 8878.
     *
     * @param level 1 to 22
     * @param checksum whether each answer ends with one
     */
    record Zstandard(int level, boolean checksum) implements Coding {}
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
