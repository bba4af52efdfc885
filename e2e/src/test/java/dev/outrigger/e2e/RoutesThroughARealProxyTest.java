package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the mesh profile of the Gateway API's conformance suite asks of routes, case by case, with
 * routes of our own: each service is the parent of one route, and a real proxy answers.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RoutesThroughARealProxyTest {
  private static final int DRAWS = 400;

  private final List<AutoCloseable> backends = new ArrayList<>();
  private Sidecar caller;
  private LoopbackMesh mesh;
  private PlainClient client;
  private ManagedChannel channel;
  private int tcp;
  private int tls;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    StringBuilder yaml = new StringBuilder(LoopbackMesh.settings("PERMISSIVE"));
    for (String name : List.of("one", "two")) {
      App app = App.answering(exchange -> seen(name, exchange));
      Server calls = calls(name);
      ServerSocket bytes = bytes(name);
      backends.add(app);
      backends.add(calls::shutdownNow);
      backends.add(bytes);
      yaml.append(backend(name, app.port(), calls.getPort(), bytes.getLocalPort()));
    }
    ROUTES.forEach((service, rules) -> yaml.append(frontend(service, rules)));
    caller = Sidecar.beside("caller-1", "caller", 1);
    List<Integer> ports = Peers.freePorts(2);
    tcp = ports.get(0);
    tls = ports.get(1);
    yaml.append(
        caller
            .yaml("http")
            .replace(
                "mode: explicit,",
                "mode: explicit, outboundTcp: [{listen: \"127.0.0.1:%d\", service: store, port: 80},"
                        .formatted(tcp)
                    + " {listen: \"127.0.0.1:%d\", service: secret, port: 80}],".formatted(tls)));
    yaml.append(CONNECTIONS);
    mesh = new LoopbackMesh(folder);
    mesh.write("mesh.yaml", yaml.toString());
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of());
    mesh.awaitReady(caller);
    client = new PlainClient(caller.outbound());
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", caller.outbound())
            .usePlaintext()
            .overrideAuthority("calls.shop")
            .disableRetry()
            .build();
  }

  @AfterAll
  void end() throws Exception {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (client != null) {
      client.close();
    }
    if (mesh != null) {
      mesh.close();
    }
    for (AutoCloseable backend : backends) {
      backend.close();
    }
  }

  // ---- backends

  private static String seen(String name, HttpExchange exchange) {
    StringBuilder seen = new StringBuilder(name + "\n" + exchange.getRequestURI() + "\n");
    exchange
        .getRequestHeaders()
        .forEach(
            (header, values) ->
                seen.append(header.toLowerCase(Locale.ROOT))
                    .append('=')
                    .append(String.join(",", values))
                    .append('\n'));
    return seen.toString();
  }

  private static final MethodDescriptor.Marshaller<String> TEXT =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(String value) {
          return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
          try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private static MethodDescriptor<String, String> method(String name) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(MethodType.UNARY)
        .setFullMethodName(name)
        .setRequestMarshaller(TEXT)
        .setResponseMarshaller(TEXT)
        .build();
  }

  /** Answers any call with its own name and the headers that begin with x. */
  private static Server calls(String name) throws IOException {
    ServerCallHandler<String, String> handler =
        (call, headers) -> {
          call.request(1);
          return new ServerCall.Listener<>() {
            @Override
            public void onHalfClose() {
              call.sendHeaders(new Metadata());
              call.sendMessage(name + " " + ours(headers));
              call.close(Status.OK, new Metadata());
            }
          };
        };
    return NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
        .fallbackHandlerRegistry(
            new io.grpc.HandlerRegistry() {
              @Override
              public ServerMethodDefinition<?, ?> lookupMethod(String method, String authority) {
                return ServerMethodDefinition.create(method(method), handler);
              }
            })
        .build()
        .start();
  }

  private static Map<String, String> ours(Metadata headers) {
    Map<String, String> ours = new TreeMap<>();
    for (String key : headers.keys()) {
      if (key.startsWith("x-set") || key.startsWith("x-add") || key.startsWith("x-gone")) {
        ours.put(
            key,
            String.join(
                ",", headers.getAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER))));
      }
    }
    return ours;
  }

  /** Says its name once something comes. */
  private static ServerSocket bytes(String name) throws IOException {
    ServerSocket server = new ServerSocket(0, 256, InetAddress.getByName("127.0.0.1"));
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (true) {
                  Socket socket = server.accept();
                  Thread.ofVirtual().start(() -> say(name, socket));
                }
              } catch (IOException e) {
                // The test ends.
              }
            });
    return server;
  }

  private static void say(String name, Socket socket) {
    try (socket) {
      if (socket.getInputStream().read() >= 0) {
        socket.getOutputStream().write(name.getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        // To close with bytes unread would reset the connection, and with it what was said.
        socket.getInputStream().transferTo(OutputStream.nullOutputStream());
      }
    } catch (IOException e) {
      // The client has gone.
    }
  }

  private static String backend(String name, int http, int grpc, int bytes) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: shop}
    spec:
      selector: {app: %1$s}
      ports:
      - {name: http, port: 8080, targetPort: http, appProtocol: http}
      - {name: grpc, port: 7070, targetPort: grpc}
      - {name: tcp, port: 9090, targetPort: bytes}
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: %1$s-1, namespace: shop, labels: {app: %1$s}}
    spec:
      address: 127.0.0.1
      ports: [{name: http, port: %2$d}, {name: grpc, port: %3$d}, {name: bytes, port: %4$d}]
      sidecar: {mode: none}
    """
        .formatted(name, http, grpc, bytes);
  }

  // ---- routes

  /** A service without a workload, whose requests go where its route says. */
  private static String frontend(String service, String rules) {
    boolean calls = service.startsWith("calls");
    return LoopbackMesh.service(service, calls ? "grpc" : "http")
        + """
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: %s
        metadata: {name: %s, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: %s, port: 80}]
          rules:
        """
            .formatted(calls ? "GRPCRoute" : "HTTPRoute", service, service)
        + rules.indent(2);
  }

  private static final String ONE = "backendRefs: [{name: one, port: 8080}]";
  private static final String TWO = "backendRefs: [{name: two, port: 8080}]";

  private static String rules(String... rules) {
    return String.join("\n", Stream.of(rules).map(rule -> "- {" + rule + "}").toList()) + "\n";
  }

  private static String under(String path, String rest) {
    return "matches: [{path: {type: PathPrefix, value: " + path + "}}], " + rest;
  }

  private static String redirect(String path, String how) {
    return under(path, "filters: [{type: RequestRedirect, requestRedirect: {" + how + "}}]");
  }

  private static String edits(String how) {
    return "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {" + how + "}}]";
  }

  private static String edit(String name, String value) {
    return "[{name: " + name + ", value: " + value + "}]";
  }

  private static String rewrite(String path, String how, String more) {
    return under(
        path,
        "filters: [{type: URLRewrite, urlRewrite: {path: {" + how + "}}}" + more + "], " + ONE);
  }

  private static final String EDITED =
      ", {type: RequestHeaderModifier, requestHeaderModifier: {set: "
          + edit("X-Set", "ruled")
          + ", add: [{name: X-Add, value: first}, {name: X-Add-More, value: second}], remove:"
          + " [X-Gone]}}";

  private static final Map<String, String> ROUTES =
      Map.ofEntries(
          Map.entry(
              "matching",
              rules(
                  "matches: [{path: {value: /}}, {headers: "
                      + edit("Version", "one")
                      + "}], "
                      + ONE,
                  "matches: [{path: {value: /v2}}, {headers: "
                      + edit("version", "two")
                      + "}], "
                      + TWO)),
          Map.entry(
              "query",
              rules(
                  "matches: [{queryParams: " + edit("animal", "cat") + "}], " + ONE,
                  "matches: [{queryParams: " + edit("animal", "dog") + "}], " + TWO,
                  "matches: [{path: {value: /path1}, queryParams: "
                      + edit("animal", "cat")
                      + "}], "
                      + ONE,
                  "matches: [{headers: "
                      + edit("version", "one")
                      + ", queryParams: "
                      + edit("animal", "cat")
                      + "}], "
                      + TWO,
                  "matches: [{path: {value: /path3}, queryParams: "
                      + edit("animal", "cow")
                      + "}, {path: {value: /path4}, headers: "
                      + edit("version", "three")
                      + ", queryParams: "
                      + edit("animal", "hen")
                      + "}], "
                      + ONE,
                  "matches: [{path: {value: /path5}}], " + ONE,
                  "matches: [{queryParams: " + edit("animal", "fox") + "}], " + TWO)),
          Map.entry(
              "method",
              rules("matches: [{method: POST}], " + TWO, "matches: [{method: GET}], " + ONE)),
          Map.entry(
              "split",
              rules(
                  "matches: [{path: {type: Exact, value: /v1}}], " + ONE,
                  "matches: [{path: {type: Exact, value: /v2}}], " + TWO)),
          Map.entry("named", rules("name: own, " + under("/named", ONE), under("/unnamed", TWO))),
          Map.entry(
              "weight",
              rules(
                  "backendRefs: [{name: one, port: 8080, weight: 70}, {name: two, port: 8080,"
                      + " weight: 30}]")),
          Map.entry(
              "redirects",
              rules(
                  redirect("/see", "statusCode: 303"),
                  redirect("/temporary", "statusCode: 307"),
                  redirect("/permanent", "statusCode: 308"),
                  redirect("/host", "hostname: example.org"),
                  redirect("/host-moved", "hostname: example.org, statusCode: 301"),
                  redirect(
                      "/prefix", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}"),
                  redirect("/full", "path: {type: ReplaceFullPath, replaceFullPath: /whole}"),
                  redirect(
                      "/prefix-host",
                      "hostname: example.org, path: {type: ReplacePrefixMatch, replacePrefixMatch:"
                          + " /other}"),
                  redirect("/port", "port: 8083"),
                  redirect("/port-host", "port: 8083, hostname: example.org, statusCode: 301"),
                  redirect("/scheme", "scheme: https"),
                  redirect("/scheme-host", "scheme: https, hostname: example.org"))),
          Map.entry(
              "headers",
              rules(
                  under("/set", edits("set: " + edit("X-Set", "ruled")) + ", " + ONE),
                  under("/add", edits("add: " + edit("X-Add", "more")) + ", " + ONE),
                  under("/remove", edits("remove: [X-Gone]") + ", " + ONE),
                  under(
                      "/backend",
                      "backendRefs: [{name: one, port: 8080, "
                          + edits(
                              "set: "
                                  + edit("X-Set", "ruled")
                                  + ", add: "
                                  + edit("X-Add", "more")
                                  + ", remove: [X-Gone]")
                          + "}]"),
                  under(
                      "/response",
                      "filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: "
                          + edit("X-Set", "answered")
                          + "}}], "
                          + ONE))),
          Map.entry(
              "rewrites",
              rules(
                  rewrite("/prefix/one", "type: ReplacePrefixMatch, replacePrefixMatch: /one", ""),
                  rewrite("/strip", "type: ReplacePrefixMatch, replacePrefixMatch: /", ""),
                  rewrite("/full/one", "type: ReplaceFullPath, replaceFullPath: /one", ""),
                  rewrite("/full/edited", "type: ReplaceFullPath, replaceFullPath: /test", EDITED),
                  rewrite(
                      "/prefix/edited",
                      "type: ReplacePrefixMatch, replacePrefixMatch: /prefix",
                      EDITED),
                  under(
                      "/named-host",
                      "filters: [{type: URLRewrite, urlRewrite: {hostname: two.example}}], "
                          + ONE))),
          Map.entry(
              "calls",
              rules(
                  "matches: [{method: {service: test.Words, method: Say}}], backendRefs: [{name:"
                      + " two, port: 7070}]",
                  "matches: [{method: {service: test.Words}}], backendRefs: [{name: one, port:"
                      + " 7070}]",
                  "matches: [{headers: "
                      + edit("x-set", "mine")
                      + "}], filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: "
                      + edit("x-set", "ruled")
                      + ", add: "
                      + edit("x-add", "more")
                      + ", remove: [x-gone]}}], backendRefs: [{name: one, port: 7070}]",
                  "matches: [{method: {service: test.Shared}}], backendRefs: [{name: one, port:"
                      + " 7070, weight: 70}, {name: two, port: 7070, weight: 30}]",
                  "matches: [{method: {service: test.Nobody}}], backendRefs: [{name: missing, port:"
                      + " 7070}]")));

  private static final String CONNECTIONS =
      LoopbackMesh.service("store", "tcp")
          + LoopbackMesh.service("secret", "tls")
          + """
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: TCPRoute
          metadata: {name: store, namespace: shop}
          spec:
            parentRefs: [{group: "", kind: Service, name: store}]
            rules:
            - backendRefs: [{name: one, port: 9090, weight: 60}, {name: two, port: 9090, weight: 40}]
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: TLSRoute
          metadata: {name: first, namespace: shop}
          spec:
            parentRefs: [{group: "", kind: Service, name: secret}]
            hostnames: [one.example, "*.one.example"]
            rules: [{backendRefs: [{name: one, port: 9090}]}]
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: TLSRoute
          metadata: {name: second, namespace: shop}
          spec:
            parentRefs: [{group: "", kind: Service, name: secret}]
            hostnames: [two.example]
            rules: [{backendRefs: [{name: two, port: 9090}]}]
          """;

  // ---- requests

  /**
   * A request and what comes of it.
   *
   * @param expected lines of the body, or of {@code location} in the answer; each must be there
   * @param absent none of them may be there
   */
  record Case(
      String service,
      String method,
      String path,
      List<String> headers,
      int status,
      List<String> expected,
      List<String> absent) {
    Case with(String... more) {
      return new Case(service, method, path, List.of(more), status, expected, absent);
    }

    Case without(String... lines) {
      return new Case(service, method, path, headers, status, expected, List.of(lines));
    }

    @Override
    public String toString() {
      return service + " " + method + " " + path + " " + headers;
    }
  }

  private static Case get(String service, String path, String... expected) {
    return new Case(service, "GET", path, List.of(), 200, List.of(expected), List.of());
  }

  private static Case none(String service, String path) {
    return new Case(service, "GET", path, List.of(), 404, List.of(), List.of("one", "two"));
  }

  private static Case moved(String path, int status, String location) {
    return new Case(
        "redirects", "GET", path, List.of(), status, List.of("location=" + location), List.of());
  }

  static Stream<Case> cases() {
    return Stream.of(
        get("matching", "/", "one"),
        get("matching", "/example", "one"),
        get("matching", "/", "one").with("Version: one"),
        get("matching", "/v2", "two"),
        get("matching", "/v2/example", "two"),
        get("matching", "/", "two").with("Version: two"),
        get("matching", "/v2/", "two"),
        get("matching", "/v2example", "one"),
        get("matching", "/foo/v2/example", "one"),
        get("query", "/?animal=cat", "one"),
        get("query", "/?animal=dog", "two"),
        get("query", "/?animal=cat&other=x", "one"),
        get("query", "/?animal=dog&color=yellow", "two"),
        none("query", "/?color=blue"),
        none("query", "/?animal=horse"),
        none("query", "/?animal=catdog"),
        none("query", "/"),
        get("query", "/path1?animal=cat", "one"),
        get("query", "/?animal=cat", "two").with("version: one"),
        get("query", "/path3?animal=cow", "one"),
        get("query", "/path4?animal=hen", "one").with("version: three"),
        none("query", "/?animal=cow"),
        none("query", "/path4?animal=hen"),
        get("query", "/path5?animal=fox", "one"),
        get("method", "/", "one"),
        new Case("method", "POST", "/", List.of(), 200, List.of("two"), List.of()),
        new Case("method", "DELETE", "/", List.of(), 404, List.of(), List.of("one", "two")),
        get("split", "/v1", "one"),
        get("split", "/v2", "two"),
        none("split", "/v1/below"),
        get("named", "/named", "one", "/named"),
        get("named", "/unnamed", "two", "/unnamed"),
        moved("/see", 303, "http://redirects.shop/see"),
        moved("/temporary/x?y=z", 307, "http://redirects.shop/temporary/x?y=z"),
        moved("/permanent", 308, "http://redirects.shop/permanent"),
        moved("/host", 302, "http://example.org/host"),
        moved("/host-moved", 301, "http://example.org/host-moved"),
        moved("/prefix/lemon", 302, "http://redirects.shop/other/lemon"),
        moved("/full/path/original", 302, "http://redirects.shop/whole"),
        moved("/prefix-host", 302, "http://example.org/other"),
        moved("/port", 302, "http://redirects.shop:8083/port"),
        moved("/port-host", 301, "http://example.org:8083/port-host"),
        moved("/scheme", 302, "https://redirects.shop/scheme"),
        moved("/scheme-host", 302, "https://example.org/scheme-host"),
        get("headers", "/set", "x-set=ruled", "x-other=kept").with("X-Other: kept"),
        get("headers", "/set", "x-set=ruled").with("x-set: mine"),
        get("headers", "/add", "x-add=more"),
        get("headers", "/add", "x-add=mine,more").with("X-Add: mine"),
        get("headers", "/remove", "one").with("x-gone: mine").without("x-gone=mine"),
        get("headers", "/backend", "x-set=ruled", "x-add=mine,more")
            .with("x-set: mine", "x-add: mine", "x-gone: mine")
            .without("x-gone=mine"),
        get("headers", "/response", "answer x-set=answered"),
        get("rewrites", "/prefix/one/two", "one", "/one/two"),
        get("rewrites", "/strip/three", "/three"),
        get("rewrites", "/strip", "/"),
        get("rewrites", "/full/one/two", "/one"),
        get(
                "rewrites",
                "/full/edited/x",
                "/test",
                "x-set=ruled",
                "x-add=first",
                "x-add-more=a,second")
            .with("X-Gone: mine", "X-Add-More: a", "X-Set: mine")
            .without("x-gone=mine"),
        get("rewrites", "/prefix/edited/one", "/prefix/one", "x-set=ruled", "x-add-more=a,second")
            .with("X-Gone: mine", "X-Add-More: a", "X-Set: mine")
            .without("x-gone=mine"),
        get("rewrites", "/named-host", "host=two.example"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aRequestIsAnsweredAsItsRouteSays(Case one) throws Exception {
    Answer answer =
        client.request(
            one.method(),
            one.service() + ".shop",
            one.path(),
            one.method().equals("GET") ? null : new byte[0],
            one.headers().toArray(String[]::new));

    List<String> lines = new ArrayList<>(answer.text().lines().toList());
    lines.add("location=" + answer.header("location"));
    lines.add("answer x-set=" + answer.header("x-set"));
    assertThat(answer.status()).as(lines.toString()).isEqualTo(one.status());
    assertThat(lines).containsAll(one.expected()).noneMatch(one.absent()::contains);
  }

  /** Counts who answers; the bounds are six times the deviation of a fair draw. */
  private static void assertShares(Map<String, Integer> counts, double first) {
    double spread = 6 * Math.sqrt(first * (1 - first) / DRAWS);
    assertThat(counts.keySet()).containsExactlyInAnyOrder("one", "two");
    assertThat(counts.getOrDefault("one", 0) / (double) DRAWS)
        .isBetween(first - spread, first + spread);
  }

  @Test
  void requestsAreSharedByWeight() throws Exception {
    Map<String, Integer> counts = new TreeMap<>();
    for (int i = 0; i < DRAWS; i++) {
      counts.merge(
          client.get("weight.shop", "/").text().lines().findFirst().orElse(""), 1, Integer::sum);
    }
    assertShares(counts, 0.7);
  }

  private String call(String method, String... headers) {
    Metadata metadata = new Metadata();
    for (int i = 0; i < headers.length; i += 2) {
      metadata.put(Metadata.Key.of(headers[i], Metadata.ASCII_STRING_MARSHALLER), headers[i + 1]);
    }
    try {
      return ClientCalls.blockingUnaryCall(
          ClientInterceptors.intercept(
              channel, MetadataUtils.newAttachHeadersInterceptor(metadata)),
          method(method),
          CallOptions.DEFAULT.withDeadlineAfter(30, java.util.concurrent.TimeUnit.SECONDS),
          "");
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode().toString();
    }
  }

  @Test
  void callsGoByServiceMethodAndHeader() {
    assertThat(call("test.Words/Say")).isEqualTo("two {}");
    assertThat(call("test.Words/Sing")).isEqualTo("one {}");
    assertThat(call("test.Other/Say", "x-set", "mine", "x-add", "mine", "x-gone", "mine"))
        .isEqualTo("one {x-add=mine,more, x-set=ruled}");
    assertThat(call("test.Other/Say")).as("no rule matches").isEqualTo("UNIMPLEMENTED");
    assertThat(call("test.Nobody/Say")).as("nobody is there").isEqualTo("UNAVAILABLE");
  }

  @Test
  void callsAreSharedByWeight() {
    Map<String, Integer> counts = new TreeMap<>();
    for (int i = 0; i < DRAWS; i++) {
      counts.merge(call("test.Shared/Say").split(" ", 2)[0], 1, Integer::sum);
    }
    assertShares(counts, 0.7);
  }

  /** What the other side says to some bytes; empty where it only closes. */
  private static String said(int port, byte[] bytes) throws IOException {
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
      socket.setSoTimeout(15_000);
      socket.getOutputStream().write(bytes);
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    } catch (java.net.SocketException e) {
      return ""; // Reset.
    }
  }

  @Test
  void connectionsAreSharedByWeight() throws Exception {
    Map<String, Integer> counts = new TreeMap<>();
    for (int i = 0; i < DRAWS; i++) {
      counts.merge(said(tcp, new byte[] {'?'}), 1, Integer::sum);
    }
    assertShares(counts, 0.6);
  }

  private static byte[] clientHello(String name) throws Exception {
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setServerNames(List.of(new SNIHostName(name)));
    engine.setSSLParameters(parameters);
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    var _ = engine.wrap(ByteBuffer.allocate(0), hello);
    hello.flip();
    byte[] bytes = new byte[hello.remaining()];
    hello.get(bytes);
    return bytes;
  }

  @Test
  void connectionsGoByTheNameThatTheyAskFor() throws Exception {
    assertThat(said(tls, clientHello("one.example"))).isEqualTo("one");
    assertThat(said(tls, clientHello("a.b.one.example"))).isEqualTo("one");
    assertThat(said(tls, clientHello("two.example"))).isEqualTo("two");
    assertThat(said(tls, clientHello("a.two.example"))).as("unknown").isEmpty();
  }
}
