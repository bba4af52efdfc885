package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/**
 * Who the control plane is to proxies and to its other replicas, and whom it trusts. Thread-safe.
 */
public interface ServingIdentity {
  /** Of every replica; its trust domain is the mesh's. */
  SpiffeId id();

  /** What peers are verified against at this moment. */
  TrustBundle trust();

  /**
   * What to show from now on.
   *
   * @param dnsNames for clients that check those, as far as whoever issues it lets us say so
   * @param addresses likewise
   * @param lifetime likewise
   */
  WorkloadIdentity servingIdentity(
      List<String> dnsNames, List<InetAddress> addresses, Duration lifetime);
}
