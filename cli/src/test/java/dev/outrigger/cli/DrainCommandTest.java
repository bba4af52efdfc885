package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class DrainCommandTest {
  @Test
  void theProxyBesideItIsToldAndWhereThereIsNoneThatIsSaid() throws IOException {
    AtomicReference<String> asked = new AtomicReference<>("");
    HttpServer proxy =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 8);
    proxy.createContext(
        "/",
        exchange -> {
          asked.set(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          byte[] body = "draining\n".getBytes(StandardCharsets.US_ASCII);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    proxy.start();
    String admin = "127.0.0.1:" + proxy.getAddress().getPort();
    Captured said = Captured.run("drain", "--admin", admin);
    proxy.stop(0);

    assertThat(said).isEqualTo(new Captured(0, "draining\n", ""));
    assertThat(asked).hasValue("POST /drain");
    assertThat(Captured.run("drain", "--admin", admin).exit()).isEqualTo(69);
  }
}
