package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.extension.Unresolved;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a proxy starts with, checked.
 *
 * @param node who this proxy says it is
 * @param listeners static ones by name, in the order of the file
 * @param clusters static ones by name, without the one that only leads to the control plane
 * @param secrets static ones by name
 * @param dynamic where everything else comes from
 * @param admin where the admin server listens; null has none
 */
public record BootstrapConfig(
    Node node,
    Map<String, Unresolved<ListenerConfig>> listeners,
    Map<String, Unresolved<ClusterConfig>> clusters,
    Map<String, SecretConfig> secrets,
    Dynamic dynamic,
    @Nullable SocketAddressConfig admin) {

  public BootstrapConfig {
    listeners = Collections.unmodifiableMap(new LinkedHashMap<>(listeners));
    clusters = Collections.unmodifiableMap(new LinkedHashMap<>(clusters));
    secrets = Map.copyOf(secrets);
  }

  /** Who this proxy says it is (xDS: {@code Node}); all of it may be empty without discovery. */
  public record Node(String id, String cluster, String region, String zone, String subZone) {}

  /**
   * Where resources come from that the file does not hold.
   *
   * @param listeners all listeners beyond the static ones
   * @param clusters all clusters beyond the static ones
   * @param ads the aggregated stream; null if there is none
   */
  public record Dynamic(Source listeners, Source clusters, @Nullable AdsServer ads) {
    public static final Dynamic NONE = new Dynamic(new Source.None(), new Source.None(), null);

    /** Whether the static resources are all there will be. */
    public boolean isStatic() {
      return ads == null && listeners instanceof Source.None && clusters instanceof Source.None;
    }
  }

  /** Where resources of one type come from. */
  public sealed interface Source {
    record None() implements Source {}

    /** The aggregated stream. */
    record Ads() implements Source {}
  }

  /**
   * A control plane.
   *
   * @param variant of the protocol
   * @param target how it is reached
   * @param metadata sent with every stream, in order
   */
  public record AdsServer(Variant variant, Target target, List<Header> metadata) {
    public AdsServer {
      metadata = List.copyOf(metadata);
    }
  }

  /** Variants of the protocol. */
  public enum Variant {
    STATE_OF_THE_WORLD,
    DELTA
  }

  /** A metadata header of a gRPC call. */
  public record Header(String name, String value) {}

  /** How a control plane is reached. */
  public sealed interface Target {
    /**
     * The endpoints of a cluster with its TLS (xDS: {@code envoy_grpc}).
     *
     * @param authority of the calls; empty takes the cluster's name
     */
    record ByCluster(Unresolved<ClusterConfig> cluster, String authority) implements Target {}

    /** An address of gRPC's, such as {@code dns:///control-plane:15010}. */
    record ByUri(String uri, UpstreamTls tls) implements Target {}
  }
}
