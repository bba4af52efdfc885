package dev.outrigger.controlplane.cluster;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Metrics and health for the cluster: kubelet and Prometheus come from other addresses than
 * loopback. Only to be read.
 */
public final class WatchPort implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService executor;
  private final Supplier<String> metrics;

  /**
   * Starts listening on all addresses; what answers here is ready.
   *
   * @param port 0 takes a free one
   * @throws IOException if the port is taken
   */
  public WatchPort(int port, Supplier<String> metrics) throws IOException {
    this.metrics = metrics;
    try {
      server = HttpServer.create(new InetSocketAddress(port), 64);
    } catch (IOException e) {
      throw new IOException("port " + port + " cannot be used: " + e.getMessage(), e);
    }
    executor =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("outrigger-watched-", 0).factory());
    server.setExecutor(executor);
    server.createContext("/", this::handle);
    server.start();
  }

  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean reads = exchange.getRequestMethod().equals("GET");
      String path = exchange.getRequestURI().getPath();
      String body =
          switch (path) {
            case "/metrics" -> metrics.get();
            case "/ready", "/readyz", "/live", "/livez", "/healthz" -> "LIVE\n";
            default -> "";
          };
      int status = !reads ? 405 : body.isEmpty() ? 404 : 200;
      byte[] bytes = (status == 200 ? body : "no such page\n").getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("content-type", "text/plain; version=0.0.4; charset=utf-8");
      exchange.sendResponseHeaders(status, bytes.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes);
      }
    }
  }
}
