package dev.outrigger.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlPlaneTest {
  @TempDir private Path folder;

  private static String call(ControlPlane plane, String path, String body) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + plane.ports().api() + path));
      if (body != null) {
        request.POST(HttpRequest.BodyPublishers.ofString(body));
      }
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      return response.statusCode() + " " + response.body();
    }
  }

  @Test
  void startsOnFreePortsServesItsApiAndStops() throws Exception {
    Path files = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(files.resolve("bad.yaml"), "kind: Nonsense\n");
    ControlPlaneOptions options = ControlPlaneOptions.onFreePorts(files, folder.resolve("state"));
    Instant now = Instant.parse("2026-11-21T00:00:00Z");
    try (ControlPlane plane = ControlPlane.start(options, () -> now, new SecureRandom())) {
      assertThat(call(plane, "/healthz", null)).startsWith("200 ok");
      assertThat(call(plane, "/api/v1/status", null)).contains("\"proxies\":[]");
      assertThat(call(plane, "/api/v1/problems", null)).contains("bad.yaml");
      assertThat(call(plane, "/api/v1/root", null)).contains("BEGIN CERTIFICATE");
      assertThat(call(plane, "/metrics", null)).contains("outrigger_xds_streams 0");
      assertThat(
              call(
                  plane,
                  "/api/v1/tokens",
                  "{\"identity\": \"spiffe://cluster.local/ns/a/sa/b\", \"uses\": 1}"))
          .startsWith("200")
          .contains("\"token\"");
      // Nothing said: one use within an hour.
      assertThat(
              call(plane, "/api/v1/tokens", "{\"identity\": \"spiffe://cluster.local/ns/a/sa/b\"}"))
          .contains("\"expires\":\"2026-11-21T01:00:00Z\"")
          .contains("\"uses\":1");
      assertThat(call(plane, "/api/v1/tokens", "{\"identity\": \"spiffe://else/ns/a\"}"))
          .startsWith("400")
          .contains("trust domain");
      assertThat(plane.readyLine(options)).contains("" + plane.ports().xds());
    }
  }

  @Test
  void anExperimentIsStartedSeenAndHaltedByTheApi() throws Exception {
    Path files = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(
        files.resolve("experiment.yaml"),
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata: {name: slow, namespace: shop}
        spec:
          hypothesis: nobody notices
          owner: somebody
          duration: 10m
          start: manual
          faults:
            - name: late
              where: request
              percentage: 20%
              delay: {fixed: 300ms}
        """);
    Instant now = Instant.parse("2026-11-21T00:00:00Z");
    try (ControlPlane plane =
        ControlPlane.start(
            ControlPlaneOptions.onFreePorts(files, folder.resolve("state")),
            () -> now,
            new SecureRandom())) {
      assertThat(call(plane, "/api/v1/problems", null)).startsWith("200 []");
      String one = "/api/v1/experiments/shop/slow";
      assertThat(call(plane, one, null)).contains("Pending");
      assertThat(call(plane, one + "/preview", "{\"who\": \"me\"}")).contains("\"late\"");
      assertThat(call(plane, one + "/start", "{\"who\": \"me\", \"why\": \"to learn\"}"))
          .contains("Running");
      assertThat(call(plane, one + "/start", "{}")).startsWith("409").contains("OR2002");
      assertThat(call(plane, "/api/v1/halt", "{\"who\": \"me\"}")).contains("shop/slow");
      assertThat(call(plane, "/api/v1/experiments", null)).contains("Halted");
      assertThat(call(plane, "/api/v1/experiments/ledger", null)).contains("to learn");
      assertThat(call(plane, "/api/v1/experiments/shop/nothing/start", "{}")).startsWith("404");
      assertThat(call(plane, one, null)).contains("\"from\":\"127.0.0.1\"", "Injecting");
      assertThat(call(plane, "/api/v1/experiments", "{\"document\": \"kind: x\"}"))
          .startsWith("400")
          .contains("OR2013");
    }
  }

  @Test
  void aFlagWinsOverTheEnvironmentAndMistakesAreNamed() {
    ControlPlaneOptions options =
        ControlPlaneOptions.parse(
            List.of("--dir", "/a", "--api-port=0"),
            Map.of("OUTRIGGER_API_PORT", "1", "OUTRIGGER_XDS_PORT", "2"));
    assertThat(options.apiPort()).isZero();
    assertThat(options.xdsPort()).isEqualTo(2);
    assertThat(
            ControlPlaneOptions.parse(
                    List.of("--dir=a"), Map.of("OUTRIGGER_CERTIFICATE_LIFETIME", "1h30m"))
                .certificateLifetime())
        .isEqualTo(Duration.ofMinutes(90));
    assertThatThrownBy(
            () ->
                ControlPlaneOptions.parse(
                    List.of("--dir=a", "--certificate-lifetime=9s"), Map.of()))
        .hasMessageContaining("from 10s to 24h");
    assertThat(ControlPlaneOptions.help()).contains("--certificate-lifetime TIME");
    assertThatThrownBy(() -> ControlPlaneOptions.parse(List.of(), Map.of()))
        .hasMessageContaining("--dir");
    assertThatThrownBy(() -> ControlPlaneOptions.parse(List.of("--port", "1"), Map.of()))
        .hasMessageContaining("unknown option '--port'");
    assertThatThrownBy(
            () -> ControlPlaneOptions.parse(List.of("--dir=a", "--xds-port=x"), Map.of()))
        .hasMessageContaining("--xds-port");
  }
}
