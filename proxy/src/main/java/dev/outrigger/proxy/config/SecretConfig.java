package dev.outrigger.proxy.config;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import org.jspecify.annotations.Nullable;

/** A secret that travels apart from what uses it (xDS: {@code tls.v3.Secret}). */
public sealed interface SecretConfig {

  /** A certificate chain with its key (xDS: {@code tls_certificate}). */
  record Identity(WorkloadIdentity identity) implements SecretConfig {}

  /**
   * Whom to trust (xDS: {@code validation_context}).
   *
   * @param rule which of the trusted are accepted; null where the secret leaves that to its user
   */
  record Trust(TrustBundle trust, @Nullable PeerRule rule) implements SecretConfig {}
}
