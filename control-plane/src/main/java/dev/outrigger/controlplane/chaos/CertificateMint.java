package dev.outrigger.controlplane.chaos;

import dev.outrigger.fault.HandshakeFault.Credential;
import dev.outrigger.fault.HandshakeFault.Flaw;
import dev.outrigger.tls.SpiffeId;
import java.time.Instant;

/** Makes certificates with something wrong, for faults. Thread-safe. */
@FunctionalInterface
public interface CertificateMint {
  /** Makes none: for those who never need one. */
  CertificateMint NONE =
      (identity, _, _) -> {
        throw new IllegalStateException("there is no authority to certify " + identity);
      };

  /**
   * Makes one, with a key that serves nothing else.
   *
   * @param identity of the workload whose proxy will show it
   * @param end of the fault
   */
  Credential make(SpiffeId identity, Flaw flaw, Instant end);
}
