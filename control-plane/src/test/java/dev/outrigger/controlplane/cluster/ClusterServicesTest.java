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
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
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

  private CertificateAuthority authority() throws IOException {
    return CertificateAuthority.open(
        folder.resolve("state"),
        "cluster.local",
        CertificateAuthority.Lifetimes.DAY,
        InstantSource.system(),
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
