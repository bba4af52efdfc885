package dev.outrigger.proxy.identity;

import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.TlsSetupException;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Prepares one call to an authority. Names no gRPC type itself, so that those classes, which cost a
 * proxy some megabytes, are loaded at the first call and not by a proxy that never makes one.
 */
final class GrpcCertificateRequester implements CertificateRequester {
  private final List<CertificateClient.Authority> replicas;
  private final ScheduledExecutorService executor;
  private final InstantSource clock;
  private final AtomicInteger turn = new AtomicInteger();

  GrpcCertificateRequester(
      List<CertificateClient.Authority> replicas,
      ScheduledExecutorService executor,
      InstantSource clock) {
    this.replicas = List.copyOf(replicas);
    this.executor = executor;
    this.clock = clock;
  }

  @Override
  public CompletionStage<List<String>> request(
      String requestPem, Duration lifetime, @Nullable WorkloadIdentity present, TrustBundle trust) {
    int asked = turn.get();
    CertificateClient.Authority authority = replicas.get(asked % replicas.size());
    String token = null;
    if (present == null) {
      try {
        token = authority.token().read().strip();
      } catch (IOException e) {
        return CompletableFuture.failedFuture(
            new IOException("the join token cannot be read: " + e.getMessage(), e));
      }
      // Here and not in gRPC, which would write the bytes of a header that it refuses to the log.
      if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
        return CompletableFuture.failedFuture(
            new IOException("the join token must be one word of printable ASCII"));
      }
    }
    try {
      ClientTls tls =
          ClientTls.of(present, trust, authority.rule(), List.of("h2"), List.of("TLSv1.3"), clock);
      return CertificateCall.start(authority, tls, token, requestPem, lifetime, executor)
          .whenComplete(
              (_, failure) -> {
                if (failure != null) {
                  turn.compareAndSet(asked, (asked + 1) % replicas.size());
                }
              });
    } catch (TlsSetupException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
