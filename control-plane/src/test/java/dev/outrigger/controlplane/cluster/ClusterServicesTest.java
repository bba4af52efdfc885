package dev.outrigger.controlplane.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ca.CertificateAuthority;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterServicesTest {
  private static final String REVIEW =
      "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":"
          + "\"1\",\"namespace\":\"a\",\"object\":{\"kind\":\"Pod\",\"spec\":{\"containers\":"
          + "[{\"name\":\"a\"}]}}}}";

  @TempDir private Path folder;

  @Test
  void theWebhookAnswersWithACertificateOfTheMeshsAuthorityAndTakesBoundedBodies()
      throws Exception {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try (ClusterServices services =
        new ClusterServices(
            new ClusterOptions(
                null, 0, "", 0, "", "", "localhost", "outrigger-system", "", null))) {
      CertificateAuthority authority = services.authority(folder.resolve("state"), this::authority);
      services.start(authority, timer, () -> "a_total 1\n");

      try (HttpClient client = trusting(authority.trust().roots().getFirst())) {
        URI hook = URI.create("https://localhost:" + services.webhookPort() + "/inject");
        HttpResponse<String> injected = post(client, hook, REVIEW);
        assertThat(injected.statusCode()).isEqualTo(200);
        assertThat(injected.body()).contains("\"patchType\":\"JSONPatch\"");
        assertThat(post(client, hook, "{}").statusCode()).isEqualTo(400);
        assertThat(post(client, hook, " ".repeat((7 << 20) + 1)).statusCode()).isEqualTo(413);
        assertThat(post(client, hook.resolve("/x"), REVIEW).statusCode()).isEqualTo(404);
      }
      try (HttpClient client = HttpClient.newHttpClient()) {
        URI watched = URI.create("http://127.0.0.1:" + services.metricsPort() + "/metrics");
        assertThat(get(client, watched)).isEqualTo("a_total 1\n");
        assertThat(get(client, watched.resolve("/ready"))).isEqualTo("LIVE\n");
      }
    } finally {
      timer.shutdownNow();
    }
  }

  /** Keeps what is to be done again and again, for a test to do. */
  private static final class Repeated extends ScheduledThreadPoolExecutor {
    private final List<Runnable> tasks = new ArrayList<>();
    private final List<Duration> delays = new ArrayList<>();

    Repeated() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable task, long first, long delay, TimeUnit unit) {
      tasks.add(task);
      delays.add(Duration.of(delay, unit.toChronoUnit()));
      return schedule(() -> {}, 0, TimeUnit.SECONDS);
    }
  }

  @Test
  void theCertificateOfTheWebhookIsRenewedLongBeforeItsEnd() throws Exception {
    Instant now = InstantSource.system().instant();
    AtomicReference<Supplier<Instant>> clock =
        new AtomicReference<>(() -> now.minus(Duration.ofHours(13)));
    Repeated timer = new Repeated();
    try (ClusterServices services =
        new ClusterServices(
            new ClusterOptions(
                null, 0, "", 0, "", "", "localhost", "outrigger-system", "", null))) {
      CertificateAuthority authority =
          services.authority(folder.resolve("state"), () -> authority(() -> clock.get().get()));
      services.start(authority, timer, () -> "");
      URI hook = URI.create("https://localhost:" + services.webhookPort() + "/inject");
      X509Certificate root = authority.trust().roots().getFirst();
      assertThat(timer.delays).containsExactly(Duration.ofHours(12));

      X509Certificate first = shown(root, hook);
      clock.set(
          () -> {
            throw new IllegalStateException("no clock");
          });
      timer.tasks.getFirst().run();
      X509Certificate still = shown(root, hook);
      clock.set(() -> now);
      timer.tasks.getFirst().run();
      X509Certificate renewed = shown(root, hook);

      assertThat(still).as("a renewal that fails leaves what there is").isEqualTo(first);
      assertThat(renewed.getNotAfter())
          .isEqualTo(Date.from(first.getNotAfter().toInstant().plus(Duration.ofHours(13))));
    } finally {
      timer.shutdownNow();
    }
  }

  private static X509Certificate shown(X509Certificate root, URI hook) throws Exception {
    try (HttpClient client = trusting(root)) {
      HttpResponse<String> answer = post(client, hook, REVIEW);
      assertThat(answer.statusCode()).isEqualTo(200);
      return (X509Certificate) answer.sslSession().orElseThrow().getPeerCertificates()[0];
    }
  }

  private CertificateAuthority authority() throws IOException {
    return authority(InstantSource.system());
  }

  private CertificateAuthority authority(InstantSource clock) throws IOException {
    return CertificateAuthority.open(
        folder.resolve("state"),
        "cluster.local",
        CertificateAuthority.Lifetimes.DAY,
        clock,
        new SecureRandom());
  }

  private static HttpClient trusting(X509Certificate root) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load((InputStream) null, null);
    store.setCertificateEntry("root", root);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    return HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_1_1).build();
  }

  private static HttpResponse<String> post(HttpClient client, URI uri, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(uri)
            .POST(
                HttpRequest.BodyPublishers.ofInputStream(
                    () ->
                        new ByteArrayInputStream(
                            body.getBytes(java.nio.charset.StandardCharsets.UTF_8))))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static String get(HttpClient client, URI uri) throws IOException, InterruptedException {
    return client
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }
}
