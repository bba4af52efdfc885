package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import dev.outrigger.controlplane.ControlPlane;
import dev.outrigger.controlplane.ControlPlaneOptions;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What our control plane sends is true xDS: an Envoy takes it and routes by it. */
class EnvoyIsDrivenByOurControlPlaneTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path folder;

  /** The binary, by {@code OUTRIGGER_ENVOY} or on the path. */
  private static @Nullable Path envoy() {
    String named = System.getenv("OUTRIGGER_ENVOY");
    if (named != null && !named.isEmpty()) {
      return Path.of(named);
    }
    for (String entry : System.getenv("PATH").split(File.pathSeparator, -1)) {
      Path candidate = Path.of(entry, "envoy");
      if (Files.isExecutable(candidate)) {
        return candidate;
      }
    }
    return null;
  }

  private static Path requireEnvoy() {
    Path envoy = envoy();
    if ("required".equals(System.getenv("OUTRIGGER_PEERS"))) {
      assertThat(envoy)
          .as("OUTRIGGER_PEERS=required, but there is no envoy: set OUTRIGGER_ENVOY")
          .isNotNull();
    }
    assumeTrue(envoy != null, "no envoy: neither OUTRIGGER_ENVOY nor on the PATH");
    return envoy;
  }

  /** Envoy must be told a port in its configuration, so one that was free a moment ago is taken. */
  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  private static void writeAtomically(Path file, String text) throws IOException {
    Path next = file.resolveSibling("." + file.getFileName() + ".next");
    Files.writeString(next, text);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static HttpServer upstream(String answer) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 16);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
    return server;
  }

  private static String mesh(int upstream, int inbound, int outbound) {
    return """
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
    """
        .formatted(upstream, inbound, outbound);
  }

  private static String bootstrap(String apiType, int xds) {
    return """
    node: {id: caller.shop, cluster: caller}
    dynamic_resources:
      ads_config:
        api_type: %s
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
        .formatted(apiType, xds);
  }

  /** The body of the answer to one request, or the reason why there is none. */
  private static String ask(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 2000);
      socket.setSoTimeout(5000);
      socket
          .getOutputStream()
          .write(
              "GET / HTTP/1.1\r\nhost: web.shop\r\nconnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      try (InputStream in = socket.getInputStream()) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      return e.toString();
    }
  }

  private static String status(ControlPlane plane) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI uri = URI.create("http://127.0.0.1:" + plane.ports().api() + "/api/v1/status");
      return client
          .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"GRPC", "DELTA_GRPC"})
  void routesToAnUpstreamAndFollowsChanges(String apiType) throws Exception {
    Path binary = requireEnvoy();
    Path files = Files.createDirectory(folder.resolve("mesh"));
    HttpServer first = upstream("hello from the first");
    HttpServer second = upstream("hello from the second");
    int inbound = freePort();
    int outbound = freePort();
    writeAtomically(
        files.resolve("mesh.yaml"), mesh(first.getAddress().getPort(), inbound, outbound));
    Path log = folder.resolve("envoy.log");
    ControlPlaneOptions options = ControlPlaneOptions.onFreePorts(files, folder.resolve("state"));
    Process envoy = null;
    try (ControlPlane plane =
        ControlPlane.start(options, InstantSource.system(), new SecureRandom())) {
      Path config = folder.resolve("envoy.yaml");
      Files.writeString(config, bootstrap(apiType, plane.ports().xds()));
      envoy =
          new ProcessBuilder(
                  binary.toString(),
                  "-c",
                  config.toString(),
                  "--disable-hot-restart",
                  "--concurrency",
                  "1",
                  "-l",
                  "warning")
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(ask(outbound))
                      .as(() -> "envoy said: " + read(log))
                      .startsWith("HTTP/1.1 200")
                      .endsWith("hello from the first"));
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(status(plane))
                      .contains("\"node\":\"caller.shop\"")
                      .contains("\"Listener\":{\"state\":\"ACKED\"")
                      .doesNotContain("NACKED")
                      .doesNotContain("PENDING"));
      writeAtomically(
          files.resolve("mesh.yaml"), mesh(second.getAddress().getPort(), inbound, outbound));
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(ask(outbound)).endsWith("hello from the second"));
      assertThat(status(plane)).doesNotContain("NACKED");
    } finally {
      first.stop(0);
      second.stop(0);
      if (envoy != null) {
        envoy.destroy();
        if (!envoy.waitFor(10, TimeUnit.SECONDS)) {
          envoy.destroyForcibly();
        }
      }
    }
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
