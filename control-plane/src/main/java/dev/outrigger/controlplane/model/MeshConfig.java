package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.AuthenticationPolicy.MtlsMode;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What holds for the whole mesh (ours); at most one exists.
 *
 * @param trustDomain of all identities
 * @param mtls where no {@link AuthenticationPolicy} says otherwise
 * @param accessLog where proxies write what they did
 * @param samplingPercent of the traces that begin here; null switches tracing off
 * @param detectionTimeout how long a proxy waits for a client's first bytes before it takes the
 *     connection for opaque
 * @param http2BetweenProxies whether requests of HTTP/1.1 share a few connections of HTTP/2 between
 *     two of our proxies
 * @param opaquePorts ports on which the server speaks first, or that are known to be no HTTP
 * @param chaos how far experiments may go
 */
public record MeshConfig(
    ObjectMeta meta,
    String trustDomain,
    MtlsMode mtls,
    AccessLog accessLog,
    @Nullable Double samplingPercent,
    Duration detectionTimeout,
    boolean http2BetweenProxies,
    Set<Integer> opaquePorts,
    ChaosLimits chaos)
    implements MeshObject {
  /** SMTP, MySQL, Galera, PostgreSQL, Redis, Elasticsearch transport, memcached, MongoDB. */
  public static final Set<Integer> DEFAULT_OPAQUE_PORTS =
      Set.of(25, 587, 3306, 4444, 5432, 6379, 9300, 11211, 27017);

  public static final Duration DEFAULT_DETECTION_TIMEOUT = Duration.ofMillis(500);

  /** What holds where nobody wrote one. */
  public static final MeshConfig DEFAULT =
      new MeshConfig(
          new ObjectMeta("default", ObjectMeta.DEFAULT_NAMESPACE, Map.of(), Map.of()),
          "cluster.local",
          MtlsMode.PERMISSIVE,
          new AccessLog.Stdout(),
          100.0,
          DEFAULT_DETECTION_TIMEOUT,
          false,
          DEFAULT_OPAQUE_PORTS,
          ChaosLimits.DEFAULT);

  public MeshConfig {
    opaquePorts = Set.copyOf(opaquePorts);
  }

  @Override
  public Kind kind() {
    return Kind.MESH_CONFIG;
  }

  /** Where the access log goes. */
  public sealed interface AccessLog {
    record Off() implements AccessLog {}

    record Stdout() implements AccessLog {}

    record Stderr() implements AccessLog {}

    record File(String path) implements AccessLog {}
  }
}
