package dev.outrigger.proxy.identity;

import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Asks an authority for a certificate. */
@FunctionalInterface
interface CertificateRequester {
  /**
   * Asks once.
   *
   * @param requestPem the PKCS#10 request
   * @param lifetime asked for
   * @param present the identity until now, which may vouch for its renewal; null at the first time
   * @param trust that the authority must lead to
   * @return PEM certificates, leaf first, the root last; or fails with a message for an operator
   */
  CompletionStage<List<String>> request(
      String requestPem, Duration lifetime, @Nullable WorkloadIdentity present, TrustBundle trust);
}
