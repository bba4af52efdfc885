package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.outrigger.controlplane.ControlPlane;
import dev.outrigger.controlplane.ControlPlaneOptions;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An experiment hits what goes through an Envoy, and leaves it when it is halted. */
class EnvoyFaultsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int REQUESTS = 1000;

  @TempDir private Path folder;

  private static String mesh(int upstream, int inbound, int outbound) {
    return """
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: MeshConfig
    metadata: {name: mesh}
    spec:
      chaos: {haltCooldown: 0s}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: web}
      ports:
        - {name: http, port: 80, targetPort: http, appProtocol: http}
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: web-1, namespace: shop, labels: {app: web}}
    spec:
      address: 127.0.0.1
      ports:
        - {name: http, port: %d}
      sidecar: {mode: none}
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: caller, namespace: shop, labels: {app: caller}}
    spec:
      address: 127.0.0.1
      ports:
        - {name: http, port: %d, appPort: 1}
      sidecar:
        mode: explicit
        outbound: 127.0.0.1:%d
    ---
    """
            .formatted(upstream, inbound, outbound)
        + experiment(
                "fifth",
                "match: {destination: {services: [web]}, paths: [{type: Prefix, value: /api/}]}",
                20)
            .replace("ACTION", "abort: {httpStatus: 503}")
        + experiment("cut", "match: {destination: {services: [web]}}", 20)
            .replace("ACTION", "reset: {}");
  }

  private static String experiment(String name, String match, int percent) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the caller copes
      owner: tests
      duration: 10m
      lease: 2s
      start: manual
      faults:
      - name: f
        where: request
        %s
        percentage: %d%%
        ACTION
    ---
    """
        .formatted(name, match, percent);
  }

  private static String bootstrap(int xds) {
    return """
    node: {id: caller.shop, cluster: caller}
    dynamic_resources:
      ads_config:
        api_type: DELTA_GRPC
        transport_api_version: V3
        grpc_services:
          - envoy_grpc: {cluster_name: xds}
      cds_config: {resource_api_version: V3, ads: {}}
      lds_config: {resource_api_version: V3, ads: {}}
    static_resources:
      clusters:
        - name: xds
          type: STATIC
          typed_extension_protocol_options:
            envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
              "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
              explicit_http_config: {http2_protocol_options: {}}
          load_assignment:
            cluster_name: xds
            endpoints:
              - lb_endpoints:
                  - endpoint:
                      address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    """
        .formatted(xds);
  }

  @Test
  void aFifthIsAbortedUntilTheHaltAndWhatItCannotDoIsRefused() throws Exception {
    HttpServer upstream =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 64);
    upstream.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(200, -1);
          }
        });
    upstream.start();
    List<Integer> ports = Peers.freePorts(2);
    int outbound = ports.get(1);
    Path files = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(
        files.resolve("mesh.yaml"), mesh(upstream.getAddress().getPort(), ports.get(0), outbound));
    ControlPlaneOptions options = ControlPlaneOptions.onFreePorts(files, folder.resolve("state"));
    try (ControlPlane plane =
        ControlPlane.start(options, InstantSource.system(), new SecureRandom())) {
      Path config = folder.resolve("envoy.yaml");
      Files.writeString(config, bootstrap(plane.ports().xds()));
      List<String> command =
          List.of(
              Peers.require("envoy"),
              "-c",
              config.toString(),
              "--disable-hot-restart",
              "--concurrency",
              "1",
              "-l",
              "warning");
      try (Launched envoy = Launched.start(folder, "envoy", command)) {
        Awaitility.await()
            .atMost(PATIENCE)
            .untilAsserted(
                () -> assertThat(failures(outbound, "/api/", 1)).as(envoy.said()).isZero());

        assertThat(call(plane, "/api/v1/experiments/shop/cut/start"))
            .contains("OR2021")
            .contains("caller.shop")
            .contains("delays, aborts and throttles only");
        assertThat(call(plane, "/api/v1/experiments/shop/fifth/start"))
            .contains("\"phase\":\"Running\"");
        Awaitility.await().atMost(PATIENCE).until(() -> failures(outbound, "/api/", 40) > 0);
        // Five standard deviations.
        assertThat(failures(outbound, "/api/", REQUESTS)).isBetween(137, 263);
        assertThat(failures(outbound, "/other/", REQUESTS)).isZero();

        call(plane, "/api/v1/halt");
        Awaitility.await().atMost(PATIENCE).until(() -> failures(outbound, "/api/", 100) == 0);
        assertThat(failures(outbound, "/api/", REQUESTS)).isZero();

        // Nobody takes it back this time: its lease does.
        Awaitility.await()
            .atMost(PATIENCE)
            .until(
                () ->
                    call(plane, "/api/v1/experiments/shop/fifth/start")
                        .contains("\"phase\":\"Running\""));
        Awaitility.await().atMost(PATIENCE).until(() -> failures(outbound, "/api/", 40) > 0);
        // Renewed for longer than it lasts.
        long began = System.nanoTime();
        Awaitility.await()
            .atMost(PATIENCE)
            .until(() -> System.nanoTime() - began > Duration.ofSeconds(5).toNanos());
        assertThat(failures(outbound, "/api/", 100)).isPositive();
        plane.close();
        Awaitility.await()
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(50))
            .until(() -> failures(outbound, "/api/", 60) == 0);
        assertThat(failures(outbound, "/api/", REQUESTS)).isZero();
        assertThat(envoy.isAlive()).isTrue();
      }
    } finally {
      upstream.stop(0);
    }
  }

  /** How many of so many requests of curl were not answered with 200. */
  private static int failures(int port, String path, int requests)
      throws IOException, InterruptedException {
    Process curl =
        new ProcessBuilder(
                Peers.require("curl"),
                "-s",
                "-m",
                "20",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}\n",
                "-H",
                "host: web.shop",
                "http://127.0.0.1:" + port + path + "[1-" + requests + "]")
            .start();
    curl.getOutputStream().close();
    String out = new String(curl.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    curl.waitFor();
    return requests - (int) out.lines().filter("200"::equals).count();
  }

  private static String call(ControlPlane plane, String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + plane.ports().api() + path))
                  .POST(HttpRequest.BodyPublishers.ofString("{\"who\": \"test\"}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }
}
