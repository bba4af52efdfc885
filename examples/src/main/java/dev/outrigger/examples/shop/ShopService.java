package dev.outrigger.examples.shop;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * One service of the shop, on loopback unless told otherwise. A caller's trace headers are handed
 * on, as every application behind a sidecar has to do for spans to join into one trace.
 *
 * <p>Started with {@code ROLE [ADDRESS:]PORT [OUTBOUND_HOST:PORT]}; port 0 picks a free one, and
 * the address {@code *} is every one of this machine. Its first line on standard output is {@code
 * listening on PORT}.
 */
public final class ShopService implements AutoCloseable {
  /** Headers that an application hands from the request it serves to the requests it makes. */
  private static final List<String> PROPAGATED =
      List.of(
          "traceparent",
          "tracestate",
          "baggage",
          "b3",
          "x-b3-traceid",
          "x-b3-spanid",
          "x-b3-parentspanid",
          "x-b3-sampled",
          "x-request-id");

  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
  private static final long MAX_BODY_BYTES = 1 << 20;

  private final Role role;
  private final HttpServer server;
  private final HttpClient client;
  private final @Nullable String outbound;

  /** What a service is and whom it asks. */
  public enum Role {
    FRONTEND("checkout.shop"),
    CHECKOUT("catalog.shop"),
    CATALOG(null);

    private final @Nullable String calls;

    Role(@Nullable String calls) {
      this.calls = calls;
    }

    /** The name as it is written in files. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private ShopService(Role role, HttpServer server, @Nullable String outbound) {
    this.role = role;
    this.server = server;
    this.outbound = outbound;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
  }

  /**
   * Starts a service on loopback.
   *
   * @param port 0 picks a free one
   * @param outbound {@code host:port} of the outbound proxy; null for a service that calls nobody
   */
  public static ShopService start(Role role, int port, @Nullable String outbound)
      throws IOException {
    return start(role, new InetSocketAddress(InetAddress.getLoopbackAddress(), port), outbound);
  }

  /**
   * Starts a service.
   *
   * @param listen where; port 0 picks a free one
   * @param outbound {@code host:port} of the service that it calls, or of the outbound proxy; null
   *     for a service that calls nobody
   */
  public static ShopService start(Role role, InetSocketAddress listen, @Nullable String outbound)
      throws IOException {
    HttpServer server = HttpServer.create(listen, 128);
    ShopService service = new ShopService(role, server, outbound);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", service::serve);
    server.start();
    return service;
  }

  /** The port that it listens on. */
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    client.close();
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      try (InputStream body = exchange.getRequestBody()) {
        body.skip(MAX_BODY_BYTES);
      }
      if (exchange.getRequestURI().getPath().equals("/healthz")) {
        reply(exchange, 200, "ok\n");
        return;
      }
      if (role.calls == null || outbound == null) {
        reply(exchange, 200, catalogPage());
        return;
      }
      HttpResponse<String> answer;
      try {
        answer = call(exchange, role.calls, outbound);
      } catch (IOException e) {
        reply(
            exchange,
            502,
            "{\"service\":\"%s\",\"error\":\"%s is out of reach\"}%n"
                .formatted(role.label(), role.calls));
        return;
      }
      int status = answer.statusCode() < 500 ? 200 : 502;
      reply(
          exchange,
          status,
          "{\"service\":\"%s\",\"%s\":%s}%n"
              .formatted(
                  role.label(),
                  role.calls.substring(0, role.calls.indexOf('.')),
                  status == 200 ? answer.body().strip() : "null"));
    }
  }

  private HttpResponse<String> call(HttpExchange incoming, String service, String proxy)
      throws IOException {
    // Without capture the connection goes to the outbound proxy, which routes by Host.
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + proxy + incoming.getRequestURI().getPath()))
            .timeout(CALL_TIMEOUT)
            .header("Host", service);
    for (String name : PROPAGATED) {
      Optional.ofNullable(incoming.getRequestHeaders().getFirst(name))
          .ifPresent(value -> request.header(name, value));
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while calling " + service, e);
    }
  }

  private static String catalogPage() {
    Map<String, Integer> prices = Map.of("anchor", 120, "paddle", 35, "sail", 210);
    StringBuilder page = new StringBuilder("{\"items\":{");
    prices.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            item ->
                page.append(page.length() > 10 ? "," : "")
                    .append('"')
                    .append(item.getKey())
                    .append("\":")
                    .append(item.getValue()));
    return page.append("}}\n").toString();
  }

  private static void reply(HttpExchange exchange, int status, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("content-type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  /** {@code [ADDRESS:]PORT}; loopback where no address is named, all addresses for {@code *}. */
  static InetSocketAddress listen(String text) {
    int colon = text.lastIndexOf(':');
    int port = Integer.parseInt(text.substring(colon + 1));
    if (colon < 0) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
    String address = text.substring(0, colon);
    return address.equals("*")
        ? new InetSocketAddress(port)
        : new InetSocketAddress(address.replaceAll("[\\[\\]]", ""), port);
  }

  /** Runs one service until it is stopped. */
  public static void main(String[] args) {
    // The JDK's client refuses to set Host unless told otherwise before its first use.
    System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    if (args.length < 2) {
      System.err.println(
          "usage: ShopService frontend|checkout|catalog [ADDRESS:]PORT [OUTBOUND_HOST:PORT]");
      System.exit(2);
    }
    try {
      ShopService service =
          start(
              Role.valueOf(args[0].toUpperCase(Locale.ROOT)),
              listen(args[1]),
              args.length > 2 ? args[2] : null);
      System.out.println("listening on " + service.port());
    } catch (IOException e) {
      throw new UncheckedIOException("the " + args[0] + " service cannot listen on " + args[1], e);
    }
  }
}
