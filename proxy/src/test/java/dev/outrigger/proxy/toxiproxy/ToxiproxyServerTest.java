package dev.outrigger.proxy.toxiproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ToxiproxyServerTest {
  private final HttpClient http = HttpClient.newHttpClient();
  private ToxiproxyServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        ToxiproxyServer.start(
            new SocketAddressConfig("127.0.0.1", 0), Transport.NIO, new SplittableRandom(3));
  }

  @AfterEach
  void stop() {
    server.close();
    http.close();
  }

  @Test
  void aProxyIsMadeShownChangedAndRemoved() throws Exception {
    String made = ask(201, "POST", "/proxies", "{\"name\":\"a b\",\"upstream\":\"localhost:1\"}");
    assertThat(made)
        .matches(
            "\\{\"name\":\"a b\",\"listen\":\"\\[::]:\\d+\",\"upstream\":\"localhost:1\","
                + "\"enabled\":true,\"Logger\":\\{},\"toxics\":\\[]}");
    assertThat(ask(409, "POST", "/proxies", "{\"NAME\":\"a b\",\"upstream\":\"x:1\"}"))
        .isEqualTo("{\"error\":\"proxy already exists\",\"status\":409}\n");
    assertThat(ask(200, "GET", "/proxies/a%20b", "")).isEqualTo(made);
    assertThat(ask(200, "GET", "/proxies", "")).isEqualTo("{\"a b\":" + made + "}");
    assertThat(ask(200, "PATCH", "/proxies/a%20b", "{\"enabled\":false,\"listen\":\"[::1]:0\"}"))
        .contains("\"listen\":\"[::1]:0\",\"upstream\":\"localhost:1\",\"enabled\":false");
    assertThat(ask(204, "DELETE", "/proxies/a%20b", "")).isEmpty();
    assertThat(ask(404, "GET", "/proxies/a%20b", ""))
        .isEqualTo("{\"error\":\"proxy not found\",\"status\":404}\n");
  }

  @Test
  void toxicsKeepWhatAnUpdateDoesNotName() throws Exception {
    ask(201, "POST", "/proxies", "{\"name\":\"a\",\"upstream\":\"localhost:1\"}");
    assertThat(
            ask(
                200,
                "POST",
                "/proxies/a/toxics",
                "{\"type\":\"slicer\",\"stream\":\"upstream\",\"toxicity\":0.1,"
                    + "\"attributes\":{\"average_size\":30,\"delay\":7}}"))
        .isEqualTo(
            "{\"attributes\":{\"average_size\":30,\"size_variation\":0,\"delay\":7},"
                + "\"name\":\"slicer_upstream\",\"type\":\"slicer\",\"stream\":\"upstream\","
                + "\"toxicity\":0.1}");
    assertThat(
            ask(
                200,
                "POST",
                "/proxies/a/toxics/slicer_upstream",
                "{\"attributes\":{\"size_variation\":5}}"))
        .contains("\"average_size\":30,\"size_variation\":5,\"delay\":7")
        .contains("\"toxicity\":0.1");
    assertThat(ask(204, "POST", "/reset", "")).isEmpty();
    assertThat(ask(200, "GET", "/proxies/a/toxics", "")).isEqualTo("[]");
  }

  @Test
  void whatIsWrongIsToldInGosWords() throws Exception {
    assertThat(ask(400, "POST", "/proxies", "")).contains("bad request body: EOF");
    assertThat(ask(400, "POST", "/proxies", "{\"name\":")).contains("unexpected EOF");
    assertThat(ask(400, "POST", "/proxies", "{\"name\" 5}"))
        .contains("invalid character '5' after object key");
    assertThat(ask(400, "POST", "/proxies", "[".repeat(200))).contains("exceeded max depth");
    assertThat(ask(400, "POST", "/proxies", "{\"name\":true}"))
        .contains("cannot unmarshal bool into Go struct field Proxy.name of type string");
    ask(201, "POST", "/proxies", "{\"name\":\"a\",\"upstream\":\"localhost:1\"}");
    for (String number : new String[] {"1.0", "1e3", "99999999999999999999"}) {
      assertThat(
              ask(
                  400,
                  "POST",
                  "/proxies/a/toxics",
                  "{\"type\":\"latency\",\"attributes\":{\"latency\":" + number + "}}"))
          .contains("LatencyToxic.attributes.latency of type int64");
    }
    assertThat(ask(200, "GET", "/proxies/a/toxics", "")).isEqualTo("[]");
    assertThat(ask(405, "PUT", "/proxies/a", "")).isEmpty();
    assertThat(ask(404, "GET", "/nowhere", "")).isEqualTo("404 page not found\n");
  }

  @Test
  void aPortThatIsTakenIsAnErrorAndNoProxy() throws Exception {
    String taken = "127.0.0.1:" + server.address().getPort();
    assertThat(
            ask(
                500,
                "POST",
                "/proxies",
                "{\"name\":\"a\",\"upstream\":\"localhost:1\",\"listen\":\"" + taken + "\"}"))
        .contains("listen tcp " + taken + ": bind: address already in use");
    assertThat(ask(200, "GET", "/proxies", "")).isEqualTo("{}");
  }

  @Test
  void browsersAreRefused() throws Exception {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(uri("/reset"))
                .header("user-agent", "Mozilla/5.0")
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(403);
  }

  @Test
  void bytesPassAndAreCountedUntilTheProxyIsDisabled() throws Exception {
    try (ServerSocket target = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String made =
          ask(
              201,
              "POST",
              "/proxies",
              "{\"name\":\"a\",\"listen\":\"127.0.0.1:0\",\"upstream\":\"localhost:"
                  + target.getLocalPort()
                  + "\"}");
      int port = Integer.parseInt(made.replaceAll(".*?127.0.0.1:(\\d+).*", "$1"));
      ask(
          200,
          "POST",
          "/proxies/a/toxics",
          "{\"type\":\"limit_data\",\"stream\":\"upstream\",\"attributes\":{\"bytes\":3}}");
      try (Socket client = new Socket("127.0.0.1", port);
          Socket accepted = target.accept()) {
        client.setSoTimeout(20_000);
        accepted.setSoTimeout(20_000);
        accepted.getOutputStream().write(new byte[] {1, 2});
        assertThat(client.getInputStream().readNBytes(2)).hasSize(2);
        client.getOutputStream().write(new byte[5]);
        assertThat(accepted.getInputStream().readAllBytes()).hasSize(3);
        assertThat(client.getInputStream().read()).isEqualTo(-1);
      }
      assertThat(ask(200, "GET", "/metrics", ""))
          .contains(
              "toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",listener=\"127.0.0.1:"
                  + port
                  + "\",proxy=\"a\",upstream=\"localhost:"
                  + target.getLocalPort()
                  + "\"} 3\n")
          .containsPattern("received_bytes_total\\{direction=\"downstream\",.*} 2\n");
    }
  }

  private String ask(int status, String method, String path, String body) throws Exception {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(uri(path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return answer.body();
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.address().getPort() + path);
  }
}
