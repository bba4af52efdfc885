package dev.outrigger.e2e.harness;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** An application in the test's own process that counts what reaches it. */
public final class App implements AutoCloseable {
  /** What it says to a request. */
  @FunctionalInterface
  public interface Answering {
    String answer(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicLong requests = new AtomicLong();

  private App(int port, Answering answering) throws IOException {
    // Else each small answer waits for the peer's delayed acknowledgement.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 256);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            requests.incrementAndGet();
            exchange.getRequestBody().readAllBytes();
            byte[] body = answering.answer(exchange).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
  }

  /** One that always says the same. */
  public static App saying(String text) throws IOException {
    return new App(0, _ -> text);
  }

  public static App answering(Answering answering) throws IOException {
    return new App(0, answering);
  }

  /** One on a port that another one had. */
  public static App again(int port, String text) throws IOException {
    return new App(port, _ -> text);
  }

  public int port() {
    return server.getAddress().getPort();
  }

  public long requests() {
    return requests.get();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
