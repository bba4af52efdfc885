package dev.outrigger.e2e.kubernetes;

import dev.outrigger.proxy.identity.CertificateClient;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.awaitility.Awaitility;

/** A proxy's part of joining, without the proxy. */
final class Joining {
  private Joining() {}

  /** What an authority says to one who shows a token that is not good. */
  static String refusal(int xdsTls, Path root, String token, String workload) throws Exception {
    try (ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
        CertificateClient client =
            CertificateClient.of(
                new CertificateClient.Authority(
                    "127.0.0.1",
                    xdsTls,
                    null,
                    TrustBundle.parse(Files.readString(root)),
                    new PeerRule.MeshMember(
                        Set.of("cluster.local"), Set.of(SpiffeId.ofControlPlane("cluster.local"))),
                    () -> token,
                    Duration.ZERO,
                    workload),
                scheduler,
                InstantSource.system(),
                new SecureRandom())) {
      client.start((_, _) -> {});
      Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> client.state().failures() > 0);
      scheduler.shutdownNow();
      return String.valueOf(client.state().lastError());
    }
  }
}
