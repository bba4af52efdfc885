package dev.outrigger.proxy.config;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether and how a filter chain terminates TLS. */
public sealed interface DownstreamTls {

  /** Bytes are taken as they are. */
  record Plain() implements DownstreamTls {}

  /**
   * TLS ends here (xDS: {@code DownstreamTlsContext}).
   *
   * @param identity what is shown to clients
   * @param clients whom we accept; null asks clients for no certificate
   * @param alpn offered protocols, in order of preference; may be empty
   * @param versions accepted TLS versions
   */
  record Terminate(
      WorkloadIdentity identity, @Nullable Clients clients, List<String> alpn, TlsVersions versions)
      implements DownstreamTls {
    public Terminate {
      alpn = List.copyOf(alpn);
    }

    /** The same, showing another certificate. */
    public Terminate showing(WorkloadIdentity other) {
      return new Terminate(other, clients, alpn, versions);
    }

    /** By the certificate: listeners with the same differ in little else. */
    @Override
    public int hashCode() {
      return identity.leaf().hashCode();
    }
  }

  /**
   * What is asked of a client's certificate.
   *
   * @param trust roots
   * @param rule which of the trusted are accepted
   * @param required whether a client without a certificate is refused
   */
  record Clients(TrustBundle trust, PeerRule rule, boolean required) {}
}
