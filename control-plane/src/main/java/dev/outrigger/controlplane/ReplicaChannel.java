package dev.outrigger.controlplane;

import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.TlsSetupException;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Connections between replicas, which show each other the control plane's own identity. */
final class ReplicaChannel {
  private static final Duration LIFETIME = Duration.ofHours(24);

  private ReplicaChannel() {}

  /** The name by which a replica tells the others where it is. */
  static String nameOf(String pod, String host, int port) {
    return pod + "@" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  /**
   * A channel to another replica; it connects when it is used.
   *
   * @param replica as {@link #nameOf} made it
   * @return null where it was made by something else
   */
  static @Nullable ManagedChannel open(
      ServingIdentity identity, String replica, InstantSource clock) throws TlsSetupException {
    int at = replica.lastIndexOf('@');
    if (at < 0) {
      return null;
    }
    ClientTls tls =
        ClientTls.of(
            identity.servingIdentity(List.of("outrigger-control-plane"), List.of(), LIFETIME),
            identity.trust(),
            new PeerRule.MeshMember(Set.of(identity.id().trustDomain()), Set.of(identity.id())),
            List.of("h2"),
            List.of("TLSv1.3"),
            clock);
    return NettyChannelBuilder.forTarget("dns:///" + replica.substring(at + 1))
        .sslContext(tls.context())
        .overrideAuthority("outrigger-control-plane")
        .build();
  }
}
