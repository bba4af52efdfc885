package dev.outrigger.proxy.config;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Whether and how connections to an endpoint are encrypted. */
public sealed interface UpstreamTls {

  /** Plain bytes. */
  record Plain() implements UpstreamTls {}

  /**
   * TLS is begun here (xDS: {@code UpstreamTlsContext}).
   *
   * @param identity what is shown to a server that asks; null shows nothing
   * @param trust roots that the server must lead to; there is no "accept anything"
   * @param rule which of the trusted are accepted
   * @param sni the server name sent; null sends none
   * @param alpn offered protocols; may be empty
   * @param versions accepted TLS versions
   */
  record Originate(
      @Nullable WorkloadIdentity identity,
      TrustBundle trust,
      PeerRule rule,
      @Nullable String sni,
      List<String> alpn,
      TlsVersions versions)
      implements UpstreamTls {
    public Originate {
      alpn = List.copyOf(alpn);
    }

    /** By what differs between clusters; a record's own would look at whole certificates. */
    @Override
    public int hashCode() {
      return 31 * rule.hashCode() + Objects.hashCode(sni);
    }

    /** The same, showing another certificate. */
    public Originate showing(WorkloadIdentity other) {
      return new Originate(other, trust, rule, sni, alpn, versions);
    }

    /** The same, offering what is meant to be spoken on a connection. */
    public Originate offering(ClusterConfig.Speech speech) {
      List<String> offered = Alpn.offered(alpn, speech);
      return offered.equals(alpn)
          ? this
          : new Originate(identity, trust, rule, sni, offered, versions);
    }
  }
}
