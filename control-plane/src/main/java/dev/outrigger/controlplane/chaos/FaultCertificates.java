package dev.outrigger.controlplane.chaos;

import dev.outrigger.fault.HandshakeFault.Credential;
import dev.outrigger.fault.HandshakeFault.Flaw;
import dev.outrigger.tls.SpiffeId;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * The certificates of the faults that are published: made once for each run and identity, and
 * forgotten when they are published no longer. Not thread-safe.
 */
final class FaultCertificates {
  private final CertificateMint mint;
  private Map<Use, Credential> published = Map.of();
  private Map<Use, Credential> next = new HashMap<>();

  private record Use(String fault, SpiffeId identity, Flaw flaw, Instant end) {}

  FaultCertificates(CertificateMint mint) {
    this.mint = mint;
  }

  /**
   * The one for an identity.
   *
   * @param fault its full name
   * @param end of the run
   */
  Credential of(String fault, SpiffeId identity, Flaw flaw, Instant end) {
    return next.computeIfAbsent(
        new Use(fault, identity, flaw, end),
        use -> {
          Credential known = published.get(use);
          return known != null ? known : mint.make(identity, flaw, end);
        });
  }

  /** All that are published now have been asked for. */
  void published() {
    published = next;
    next = new HashMap<>();
  }
}
