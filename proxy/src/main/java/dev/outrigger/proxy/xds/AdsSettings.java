package dev.outrigger.proxy.xds;

import io.envoyproxy.envoy.config.core.v3.Node;
import java.time.Duration;

/**
 * What is asked of the control plane, and as whom.
 *
 * @param node who asks (xDS: {@code Bootstrap.node})
 * @param variant state of the world or delta
 * @param listeners whether all listeners are asked for ({@code lds_config})
 * @param clusters whether all clusters are asked for ({@code cds_config})
 * @param faults whether faults are asked for; other control planes may not know the type
 * @param fetchTimeout how long a named resource may stay unanswered on a stream that is up before
 *     it is taken not to exist ({@code initial_fetch_timeout}); zero waits for ever
 */
public record AdsSettings(
    Node node,
    Variant variant,
    boolean listeners,
    boolean clusters,
    boolean faults,
    Duration fetchTimeout) {
  public static final Duration DEFAULT_FETCH_TIMEOUT = Duration.ofSeconds(15);

  /** The two forms of the protocol (xDS: {@code ApiConfigSource.api_type}). */
  public enum Variant {
    /** {@code AGGREGATED_GRPC} or {@code GRPC}. */
    SOTW,
    /** {@code AGGREGATED_DELTA_GRPC} or {@code DELTA_GRPC}. */
    DELTA
  }
}
