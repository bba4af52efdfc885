package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The smallest mesh of real processes: a caller and a service, each with its sidecar. */
class TwoSidecarsTest {
  @TempDir private Path folder;

  @Test
  void aRequestCrossesBothAndArrivesWithTheCallersIdentity() throws Exception {
    HttpServer app =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 16);
    app.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] body =
                exchange
                    .getRequestHeaders()
                    .getOrDefault("X-forwarded-client-cert", java.util.List.of("nobody"))
                    .toString()
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    app.start();
    Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
    Sidecar web = Sidecar.beside("web-1", "web", app.getAddress().getPort());
    try (LoopbackMesh mesh = new LoopbackMesh(folder)) {
      mesh.write(
          "mesh.yaml",
          LoopbackMesh.settings("STRICT")
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      mesh.startControlPlane();
      mesh.startProxy(caller, Map.of());
      mesh.startProxy(web, Map.of());
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      try (PlainClient client = new PlainClient(caller.outbound())) {
        PlainClient.Answer answer = client.get("web.shop", "/");
        assertThat(answer.status()).as(mesh::logs).isEqualTo(200);
        assertThat(answer.text()).contains("URI=" + caller.identity());
      }
    } finally {
      app.stop(0);
    }
  }
}
