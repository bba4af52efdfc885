package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpServer;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why a request goes as it goes, told by both sidecars to who may ask. */
class ExplainedRequestTest {
  private static final String TOKEN = "a-token-that-both-know";
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  @TempDir private Path folder;

  @Test
  void bothSidesTellWhatTheyDidToWhoMayAskAndToNobodyElse() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    HttpServer app =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 16);
    app.createContext(
        "/",
        exchange -> {
          try (exchange) {
            seen.add(String.valueOf(exchange.getRequestHeaders().getFirst("X-outrigger-explain")));
            exchange.sendResponseHeaders(200, -1);
          }
        });
    app.start();
    Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
    Sidecar web = Sidecar.beside("web-1", "web", app.getAddress().getPort());
    Map<String, String> knowing = Map.of("OUTRIGGER_EXPLAIN_TOKEN", TOKEN);
    try (LoopbackMesh mesh = new LoopbackMesh(folder)) {
      mesh.write(
          "mesh.yaml",
          LoopbackMesh.settings("STRICT")
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      mesh.startControlPlane();
      mesh.startProxy(caller, knowing);
      mesh.startProxy(web, knowing);
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      try (PlainClient client = new PlainClient(caller.outbound())) {
        PlainClient.Answer plain = client.get("web.shop", "/");
        assertThat(plain.header("x-outrigger-explanation")).isNull();
        PlainClient.Answer guessed =
            client.get("web.shop", "/", "x-outrigger-explain: a-token-that-nobody-knows");
        assertThat(guessed.header("x-outrigger-explanation")).isNull();

        PlainClient.Answer told =
            client.get(
                "web.shop", "/items", "x-outrigger-explain: " + TOKEN, "x-request-id: explained-1");
        assertThat(told.status()).as(mesh::logs).isEqualTo(200);
        assertThat(told.header("x-outrigger-explanation"))
            .contains("\"hop\":\"outbound\"", "\"hop\":\"inbound\"")
            .contains("GET web.shop/items", "matches", "weighs 127.0.0.1:" + web.inbound())
            .contains("attempt 1 to 127.0.0.1:" + web.inbound(), "no fault is in force")
            .contains(caller.identity());

        PlainClient.Answer lost = client.get("nowhere.shop", "/", "x-outrigger-explain: " + TOKEN);
        assertThat(lost.header("x-outrigger-error")).isEqualTo("no_route");
        assertThat(lost.header("x-outrigger-explanation")).contains("no virtual host");
      }
      assertThat(seen).as("no application sees a token").hasSize(3).containsOnly("null");

      JsonArray recent = decisions("json", "--admin=127.0.0.1:" + caller.admin(), "-o", "json");
      assertThat(recent).hasSize(2);
      String steps = run("steps", "--admin=127.0.0.1:" + web.admin(), "explained-1");
      assertThat(steps)
          .contains("inbound: GET web.shop/items: 200", "ABOUT")
          .contains("attempt 1 to 127.0.0.1:" + app.getAddress().getPort());
      assertThat(run("table", "--admin=127.0.0.1:" + caller.admin()))
          .contains("REQUEST", "no_route", "explained-1");
    } finally {
      app.stop(0);
    }
  }

  private JsonArray decisions(String name, String... arguments) throws Exception {
    JsonElement read = JsonParser.parseString(run(name, arguments).strip());
    return read.getAsJsonArray();
  }

  private String run(String name, String... arguments) throws Exception {
    String[] all = new String[arguments.length + 1];
    all[0] = "decisions";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    try (Launched run = Launched.start(folder, "decisions-" + name, Peers.outrigger(all))) {
      assertThat(run.exit(PATIENCE)).as(run.said()).isZero();
      return run.said();
    }
  }
}
