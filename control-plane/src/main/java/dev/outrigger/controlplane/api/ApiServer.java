package dev.outrigger.controlplane.api;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.access.Caller;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Serves the API on loopback, one virtual thread for each request.
 *
 * <p>A web page that the user visits can make the browser call loopback, under a name that the
 * page's owner lets resolve to it. So only requests whose {@code Host}, and {@code Origin} if there
 * is one, name loopback itself are answered.
 */
public final class ApiServer implements AutoCloseable {
  private static final int MAX_BODY_BYTES = 1 << 20;
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private final HttpServer server;
  private final ExecutorService executor;
  private final List<ApiRoute> routes;
  private final ApiGate gate;
  private final LeaderLine leader;

  /**
   * Starts listening on 127.0.0.1.
   *
   * @param port 0 takes a free one
   * @param leader answers what only the replica that leads may do
   */
  public ApiServer(int port, List<ApiRoute> routes, ApiGate gate, LeaderLine leader)
      throws IOException {
    this.gate = gate;
    this.leader = leader;
    this.routes = List.copyOf(routes);
    this.server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 64);
    this.executor =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("outrigger-api-", 0).factory());
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
      ApiReply reply = answer(exchange);
      if (reply.status() == 401) {
        exchange.getResponseHeaders().set("www-authenticate", "Bearer");
      }
      byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("content-type", reply.contentType());
      exchange.getResponseHeaders().set("x-content-type-options", "nosniff");
      exchange.getResponseHeaders().set("cache-control", "no-store");
      boolean head = exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(reply.status(), head || body.length == 0 ? -1 : body.length);
      if (!head && body.length > 0) {
        try (OutputStream out = exchange.getResponseBody()) {
          out.write(body);
        }
      }
    }
  }

  private ApiReply answer(HttpExchange exchange) {
    String obstacle = refusal(exchange);
    if (obstacle != null) {
      return ApiReply.refusal(403, obstacle);
    }
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getRawPath();
    Set<String> allowed = new TreeSet<>();
    for (ApiRoute route : routes) {
      try {
        Optional<List<String>> parameters = route.match(path);
        if (parameters.isEmpty()) {
          continue;
        }
        if (!route.method().equals(method.equals("HEAD") ? "GET" : method)) {
          allowed.add(route.method());
          continue;
        }
        @Nullable Caller caller =
            gate.caller(exchange.getRequestHeaders().getFirst("authorization"));
        @Nullable ApiReply refused = ApiGate.refusal(route, parameters.get(), caller);
        if (refused != null) {
          // Of strangers nothing is read.
          byte[] said = caller == null ? new byte[0] : readBody(exchange);
          return audited(exchange, caller, new String(said, StandardCharsets.UTF_8), refused);
        }
        byte[] body = readBody(exchange);
        if (body.length > MAX_BODY_BYTES) {
          return ApiReply.refusal(413, "the body is larger than " + MAX_BODY_BYTES + " bytes");
        }
        String text = new String(body, StandardCharsets.UTF_8);
        return audited(
            exchange, caller, text, answer(route, parameters.get(), text, exchange, caller));
      } catch (IllegalArgumentException | IOException e) {
        return ApiReply.refusal(400, String.valueOf(e.getMessage()));
      }
    }
    return allowed.isEmpty()
        ? ApiReply.refusal(404, "there is nothing at " + path)
        : ApiReply.refusal(405, method + " is not possible here, only " + allowed);
  }

  private ApiReply answer(
      ApiRoute route,
      List<String> parameters,
      String body,
      HttpExchange exchange,
      @Nullable Caller caller) {
    String path = exchange.getRequestURI().getRawPath();
    ApiRequest request =
        new ApiRequest(parameters, body, from(exchange), caller == null ? Caller.NOBODY : caller);
    @Nullable ApiReply led = route.atLeader() ? leader.ask(route.method(), path, request) : null;
    return led == null ? Answering.answer(route, path, request) : led;
  }

  /** Changes are written down, and whoever was turned away. */
  private ApiReply audited(
      HttpExchange exchange, @Nullable Caller caller, String body, ApiReply reply) {
    @Nullable AuditLog audit = gate.audit();
    String method = exchange.getRequestMethod();
    boolean looks = method.equals("GET") || method.equals("HEAD");
    if (audit != null && (!looks || reply.status() == 401 || reply.status() == 403)) {
      Caller who = caller == null ? Caller.NOBODY : caller;
      String name = who.name().isEmpty() ? said(body, "who", "api") : who.name();
      audit.add(
          new AuditLog.Entry(
              name,
              who.role(),
              from(exchange),
              method + " " + exchange.getRequestURI().getRawPath(),
              said(body, "why", ""),
              reply.status(),
              reply.status() < 400 ? "" : said(reply.body(), "code", "")));
    }
    return reply;
  }

  private static String from(HttpExchange exchange) {
    return exchange.getRemoteAddress().getAddress().getHostAddress();
  }

  private static String said(String body, String member, String otherwise) {
    try {
      return new ApiRequest(List.of(), body, "", Caller.NOBODY).text(member, otherwise);
    } catch (IllegalArgumentException e) {
      return otherwise;
    }
  }

  private static byte[] readBody(HttpExchange exchange) throws IOException {
    try (InputStream in = exchange.getRequestBody()) {
      return in.readNBytes(MAX_BODY_BYTES + 1);
    }
  }

  private static @Nullable String refusal(HttpExchange exchange) {
    String host = exchange.getRequestHeaders().getFirst("host");
    if (host == null || !isLoopback(withoutPort(host))) {
      return "the Host header must name loopback, such as 127.0.0.1";
    }
    for (String origin : exchange.getRequestHeaders().getOrDefault("origin", List.of())) {
      if (!isLoopbackOrigin(origin)) {
        return "requests from pages of " + origin + " are not answered";
      }
    }
    return null;
  }

  private static boolean isLoopbackOrigin(String origin) {
    try {
      String host = URI.create(origin).getHost();
      return host != null && isLoopback(host);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean isLoopback(String host) {
    return LOOPBACK.contains(host.toLowerCase(Locale.ROOT));
  }

  private static String withoutPort(String host) {
    int colon = host.lastIndexOf(':');
    return colon > host.lastIndexOf(']') && host.indexOf(':') == colon
        ? host.substring(0, colon)
        : host.startsWith("[") && colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
  }
}
