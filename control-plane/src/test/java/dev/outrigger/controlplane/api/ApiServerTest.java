package dev.outrigger.controlplane.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ApiServerTest {
  private ApiServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        new ApiServer(
            0,
            List.of(
                ApiRoute.get("/things/*", request -> ApiReply.text("text/plain", "" + request)),
                ApiRoute.post(
                    "/things",
                    request -> ApiReply.text("text/plain", request.text("name", "none")))),
            ApiGate.OPEN,
            LeaderLine.NONE);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Raw, since HTTP clients do not let a caller forge a Host. */
  private String exchange(String head, String body) throws IOException {
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), server.port())) {
      String request =
          head.replace("\n", "\r\n")
              + "content-length: "
              + body.length()
              + "\r\nconnection: close\r\n\r\n"
              + body;
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      try (InputStream in = socket.getInputStream()) {
        return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      }
    }
  }

  @Test
  void answersWhoCallsItByALoopbackName() throws IOException {
    for (String host : List.of("127.0.0.1:1", "localhost", "[::1]:80", "LOCALHOST:9")) {
      assertThat(exchange("GET /things/a%20b HTTP/1.1\nhost: " + host + "\n", ""))
          .startsWith("HTTP/1.1 200")
          .contains("[a b]");
    }
  }

  @Test
  void refusesNamesAndPagesFromElsewhere() throws IOException {
    for (String head :
        List.of(
            "host: evil.example\n",
            "host: 127.0.0.1.evil.example\n",
            "host: 10.0.0.1\n",
            "host: localhost\norigin: https://evil.example\n",
            "host: localhost\norigin: null\n")) {
      assertThat(exchange("POST /things HTTP/1.1\n" + head, "{}"))
          .startsWith("HTTP/1.1 403")
          .contains("\"error\"");
    }
    assertThat(
            exchange("POST /things HTTP/1.1\nhost: localhost\norigin: http://localhost:1\n", "{}"))
        .startsWith("HTTP/1.1 200");
  }

  @Test
  void saysWhatIsWrongWithARequest() throws IOException {
    String host = " HTTP/1.1\nhost: localhost\n";
    assertThat(exchange("POST /things" + host, "{\"name\": 1}"))
        .startsWith("HTTP/1.1 400")
        .contains("name: expected a text");
    assertThat(exchange("POST /things" + host, "[")).startsWith("HTTP/1.1 400");
    assertThat(exchange("DELETE /things" + host, "")).startsWith("HTTP/1.1 405");
    assertThat(exchange("GET /nothing" + host, "")).startsWith("HTTP/1.1 404");
    assertThat(exchange("POST /things" + host, "x".repeat((1 << 20) + 1)))
        .startsWith("HTTP/1.1 413");
  }
}
