package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Certificates;
import dev.outrigger.e2e.harness.EchoUpstream;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.RawExchange;
import dev.outrigger.e2e.harness.RawExchange.Heard;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.net.ServerSocketFactory;
import javax.net.SocketFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One configuration file under Envoy and under Outrigger: the same bytes get the same answers, the
 * upstream sees the same, and the connection fares the same. What differs is in the tables, each
 * with its reason; a difference that is not there, or no longer there, fails.
 */
class ConversationsBesideEnvoyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final byte[] NOTHING = {};

  @TempDir private Path folder;

  /**
   * A request, or several on one connection.
   *
   * @param listener the name of its port in the file
   * @param answers how many to read
   * @param difference lines that only Envoy gives, after a minus, and only we give, after a plus
   * @param reason why we mean to differ
   */
  private record Case(
      String name,
      String listener,
      byte[] first,
      byte[] afterContinue,
      int answers,
      List<String> difference,
      String reason) {
    Case on(String port) {
      return new Case(name, port, first, afterContinue, answers, difference, reason);
    }

    Case then(String more) {
      return new Case(name, listener, first, ascii(more), answers, difference, reason);
    }

    Case times(int count) {
      return new Case(name, listener, first, afterContinue, count, difference, reason);
    }

    Case differs(String why, String... lines) {
      return new Case(name, listener, first, afterContinue, answers, List.of(lines), why);
    }

    /** Envoy lets it through, we do not. */
    Case refused(String why) {
      return differs(
          "refused as malformed: " + why,
          "-status 200",
          "-x-from: upstream",
          "-x-secret: s",
          "-then open",
          "+status 400",
          "+connection: close",
          "+then closed");
    }

    boolean head() {
      return new String(first, StandardCharsets.ISO_8859_1).startsWith("HEAD ");
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Case raw(String name, String bytes) {
    return new Case(name, "PLAIN", ascii(bytes), NOTHING, 1, List.of(), "");
  }

  private static Case relayed(boolean detected, String name, String bytes) {
    Case one = raw(name, bytes);
    return detected ? one.refused("RFC 9112, 3.2; Envoy takes it for no HTTP") : one;
  }

  /** A request with the host that the virtual host has. */
  private static Case ask(String method, String target, String... headers) {
    StringBuilder head = new StringBuilder(method + " " + target + " HTTP/1.1\r\n");
    head.append("host: shop.example\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return raw(String.join(" ", method, target, String.join(", ", headers)), head + "\r\n");
  }

  private static Case route(String method, String target, String... headers) {
    return ask(method, target, headers).on("ROUTES");
  }

  private static Case host(String host, String target) {
    return raw("host " + host + target, "GET " + target + " HTTP/1.1\r\nhost: " + host + "\r\n\r\n")
        .on("ROUTES");
  }

  /**
   * Everything about messages, on a listener that sends all to one upstream.
   *
   * @param detected whether the protocol is found out first: Envoy then relays as bytes what does
   *     not look like a request line
   */
  private static List<Case> messages(boolean detected) {
    String get = "GET /a HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    String post = "POST /p HTTP/1.1\r\nhost: shop.example\r\n";
    return List.of(
        ask("GET", "/a?b=c&d=%20e;f"),
        ask("HEAD", "/a"),
        ask("HEAD", "/chunks")
            .differs("an answer to HEAD has no body to frame", "-transfer-encoding: chunked"),
        ask("OPTIONS", "*"),
        ask("OPTIONS", "/a")
            .differs("Envoy adds a length to OPTIONS alone", "-| content-length: 0"),
        ask("DELETE", "/a"),
        ask("TRACE", "/a"),
        ask("BREW", "/pot")
            .differs(
                "methods are extensible (RFC 9110, 9.1); Envoy knows a list",
                "-status 400",
                "-connection: close",
                "-content-length: 11",
                "-| Bad Request",
                "-then closed",
                "+status 200",
                "+x-from: upstream",
                "+x-secret: s",
                "+| BREW /pot HTTP/1.1",
                "+| host: shop.example",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 ",
                "+then open"),
        ask("GET", "/a", "connection: close"),
        ask("GET", "/a", "Connection: keep-alive"),
        ask("GET", "/a", "x-two: 1", "x-two: 2", "X-Empty:", "cookie: a=1; b=2"),
        ask("GET", "/a", "connection: x-mine", "x-mine: 1", "keep-alive: timeout=3"),
        ask("GET", "/a", "te: trailers", "proxy-connection: keep-alive"),
        ask("GET", "/a", "x-forwarded-proto: https"),
        ask("GET", "/a", "x-padded:  \t two  words \t "),
        ask("GET", "//a/../b/./c%2e%2e/"),
        ask("GET", "/status-204"),
        ask("GET", "/status-304"),
        ask("GET", "/status-404"),
        ask("GET", "/status-599"),
        ask("GET", "/chunks")
            .differs("trailers pass; Envoy drops them unless told", "+trailer x-sum: 7"),
        ask("GET", "/until-close"),
        ask("GET", "/hop")
            .differs("what connection names ends here (RFC 9110, 7.6.1)", "-x-hop: 1"),
        ask("GET", "/garbage"),
        ask("GET", "/cut"),
        raw("pipelined", get + get.replace("/a", "/status-404") + get.replace("/a", "/b")).times(3),
        raw("a body and a pipelined request", post + "content-length: 3\r\n\r\nabc" + get).times(2),
        raw("an empty body", post + "content-length: 0\r\n\r\n"),
        raw("1 MB body", post + "content-length: 1000000\r\n\r\n" + "x".repeat(1_000_000)),
        raw(
            "chunked",
            post + "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1;e=1\r\nd\r\n0\r\n\r\n"),
        raw(
                "chunked with trailers",
                post
                    + "transfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n")
            .differs("trailers pass; Envoy drops them unless told", "+| trailer x-t: 1"),
        raw("expect", post + "expect: 100-continue\r\ncontent-length: 3\r\n\r\n")
            .then("abc")
            .differs(
                "the application answers the expectation, Envoy does it in its place",
                "+| expect: 100-continue"),
        raw("expect, not waited for", post + "expect: 100-continue\r\ncontent-length: 3\r\n\r\nabc")
            .differs(
                "the application answers the expectation, Envoy does it in its place",
                "+| expect: 100-continue"),
        raw("other expectation", post + "expect: more\r\ncontent-length: 3\r\n\r\nabc"),
        raw("an early answer", post.replace("/p", "/early") + "content-length: 3\r\n\r\nabc"),
        raw("absolute form", "GET http://shop.example/a?b HTTP/1.1\r\nhost: shop.example\r\n\r\n"),
        raw(
            "absolute form without path",
            "GET http://shop.example HTTP/1.1\r\nhost: shop.example\r\n\r\n"),
        raw(
                "absolute form, other host",
                "GET http://other.example/a HTTP/1.1\r\nhost: shop.example\r\n\r\n")
            .refused("two names for one request"),
        raw(
            "authority form",
            "CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n"),
        raw("HTTP/1.0", "GET /a HTTP/1.0\r\nhost: shop.example\r\n\r\n")
            .differs(
                "HTTP/1.0 is served; Envoy does so when told",
                "-status 426",
                "-content-length: 16",
                "-| Upgrade Required",
                "+status 200",
                "+x-from: upstream",
                "+x-secret: s",
                "+| GET /a HTTP/1.1",
                "+| host: shop.example",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 "),
        raw("HTTP/1.0 without host", "GET /a HTTP/1.0\r\n\r\n")
            .differs(
                "HTTP/1.0 is served; Envoy does so when told",
                "-status 426",
                "-content-length: 16",
                "-| Upgrade Required",
                "+status 200",
                "+x-from: upstream",
                "+x-secret: s",
                "+| GET /a HTTP/1.1",
                "+| host: ",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 "),
        raw(
                "HTTP/1.0 keep-alive",
                "GET /a HTTP/1.0\r\nhost: shop.example\r\nconnection: keep-alive\r\n\r\n")
            .differs(
                "HTTP/1.0 is served; Envoy does so when told",
                "-status 426",
                "-connection: close",
                "-content-length: 16",
                "-| Upgrade Required",
                "-then closed",
                "+status 200",
                "+connection: keep-alive",
                "+x-from: upstream",
                "+x-secret: s",
                "+| GET /a HTTP/1.1",
                "+| host: shop.example",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 ",
                "+then open"),
        raw("HTTP/1.0, chunked answer", "GET /chunks HTTP/1.0\r\nhost: shop.example\r\n\r\n")
            .differs(
                "HTTP/1.0 is served; Envoy does so when told",
                "-status 426",
                "-content-length: 16",
                "-content-type: text/plain",
                "-| Upgrade Required",
                "+status 200",
                "+trailer: x-sum",
                "+| abcdefg"),
        raw("HTTP/2.0 as a version", "GET /a HTTP/2.0\r\nhost: shop.example\r\n\r\n")
            .differs("not HTTP/1.1 as it is defined, so 400", "-status 426", "+status 400"),
        raw("HTTP/1.2 as a version", "GET /a HTTP/1.2\r\nhost: shop.example\r\n\r\n")
            .differs("not HTTP/1.1 as it is defined, so 400", "-status 426", "+status 400"),
        raw("no version", "GET /a\r\nhost: shop.example\r\n\r\n")
            .differs("not HTTP/1.1 as it is defined, so 400", "-status 426", "+status 400"),
        raw("no host", "GET /a HTTP/1.1\r\nx: 1\r\n\r\n"),
        raw("empty host", "GET /a HTTP/1.1\r\nhost:\r\n\r\n"),
        raw("two hosts", "GET /a HTTP/1.1\r\nhost: shop.example\r\nhost: other\r\n\r\n")
            .refused("RFC 9112, 3.2"),
        raw("bad host", "GET /a HTTP/1.1\r\nhost: shop example\r\n\r\n"),
        raw("two lengths", post + "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
        raw("the same length twice", post + "content-length: 3\r\ncontent-length: 3\r\n\r\nabc"),
        raw("signed length", post + "content-length: +3\r\n\r\nabc"),
        raw(
            "length and chunked",
            post + "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        raw("gzip coding", post + "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        raw("identity coding", post + "transfer-encoding: identity\r\n\r\n"),
        raw(
                "chunked in HTTP/1.0",
                "POST /p HTTP/1.0\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
            .differs("not HTTP/1.1 as it is defined, so 400", "-status 426", "+status 400"),
        raw("bad chunk size", post + "transfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"),
        raw(
                "chunk without end",
                post + "transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n")
            .refused("RFC 9112, 7.1"),
        raw("bare LF", "GET /a HTTP/1.1\nhost: shop.example\n\n")
            .refused("smuggling; RFC 9112, 2.2 only allows it"),
        raw("bare CR", "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: a\rb\r\n\r\n")
            .refused("RFC 9112, 2.2"),
        raw("NUL in a value", "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: a\0b\r\n\r\n"),
        raw("folded header", "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: a\r\n b\r\n\r\n")
            .refused("RFC 9112, 5.2"),
        raw("space before the colon", "GET /a HTTP/1.1\r\nhost: shop.example\r\nx : a\r\n\r\n"),
        raw("no colon", "GET /a HTTP/1.1\r\nhost: shop.example\r\nnothing\r\n\r\n"),
        raw("underscore in a name", "GET /a HTTP/1.1\r\nhost: shop.example\r\nx_y: 1\r\n\r\n"),
        raw("two spaces", "GET  /a HTTP/1.1\r\nhost: shop.example\r\n\r\n").refused("RFC 9112, 3"),
        relayed(detected, "space in the target", "GET /a b HTTP/1.1\r\nhost: shop.example\r\n\r\n"),
        raw("fragment", "GET /a#b HTTP/1.1\r\nhost: shop.example\r\n\r\n"),
        relayed(detected, "relative target", "GET a HTTP/1.1\r\nhost: shop.example\r\n\r\n"),
        raw(
            "bytes above ASCII in a value",
            "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: \u00e9\r\n\r\n"),
        raw("empty line first", "\r\n" + get),
        raw(
            "header of 20 KB",
            "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: " + "y".repeat(20_000) + "\r\n\r\n"),
        raw(
            "header of 100 KB",
            "GET /a HTTP/1.1\r\nhost: shop.example\r\nx: " + "y".repeat(100_000) + "\r\n\r\n"),
        raw(
            "150 headers",
            "GET /a HTTP/1.1\r\nhost: shop.example\r\n" + "x: y\r\n".repeat(150) + "\r\n"),
        ask("GET", "/upgrade", "connection: upgrade", "upgrade: websocket", "sec-websocket-key: k"),
        ask("GET", "/a", "connection: upgrade", "upgrade: websocket")
            .differs(
                "Envoy drops the body of an application that did not change protocol",
                "+content-type: text/plain",
                "+| GET /a HTTP/1.1",
                "+| connection: upgrade",
                "+| host: shop.example",
                "+| upgrade: websocket",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 "),
        ask("GET", "/a", "connection: upgrade", "upgrade: other")
            .differs(
                "an upgrade may be ignored (RFC 9110, 7.8)",
                "-status 403",
                "-connection: close",
                "-content-length: 0",
                "-then closed",
                "+status 200",
                "+content-type: text/plain",
                "+x-from: upstream",
                "+x-secret: s",
                "+| GET /a HTTP/1.1",
                "+| host: shop.example",
                "+| x-forwarded-for: self",
                "+| x-forwarded-proto: http",
                "+| body 0 ",
                "+then open"),
        ask("GET", "/a", "upgrade: websocket"));
  }

  /** Everything about routes, retries, timeouts, TLS and TCP. */
  private static List<Case> routes() {
    return List.of(
        route("GET", "/exact"),
        route("GET", "/exact?q=1"),
        route("HEAD", "/exact"),
        route("POST", "/exact", "content-length: 0"),
        route("GET", "/exacto"),
        route("GET", "/teapot"),
        route("GET", "/items/12"),
        route("GET", "/items/12?x=1"),
        route("GET", "/items/12a"),
        route("GET", "/header", "x-canary: yes"),
        route("GET", "/header", "X-CANARY: yes"),
        route("GET", "/header", "x-canary: no"),
        route("GET", "/header"),
        route("GET", "/query?v=2"),
        route("GET", "/query?a=1&v=2&v=3"),
        route("GET", "/query?v=3"),
        route("GET", "/query"),
        route("DELETE", "/method"),
        route("GET", "/method"),
        route("GET", "/to-path?a=1"),
        route("GET", "/to-https/x?a=1"),
        route("GET", "/to-host/x?a=1"),
        route("GET", "/to-prefix/x?a=1"),
        route("HEAD", "/to-path")
            .differs(
                "an answer to HEAD has no body to frame",
                "-transfer-encoding: chunked",
                "+content-length: 0"),
        route("GET", "/api/v?a=1"),
        route("GET", "/api/"),
        route("GET", "/api"),
        route("GET", "/change"),
        route("GET", "/change", "x-append: a", "x-overwrite: a", "x-if-absent: a", "x-remove: a"),
        route("GET", "/change", "x-append: a", "x-append: b", "x-overwrite: a", "x-overwrite: b"),
        route("GET", "/plain", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https"),
        route("GET", "/retry/fails-1-a"),
        route("GET", "/retry/fails-2-b"),
        route("GET", "/retry/fails-5-c"),
        route("POST", "/retry/fails-1-d", "content-length: 0"),
        route("GET", "/retry/resets"),
        route("GET", "/short/hangs"),
        route("GET", "/weighted"),
        route("GET", "/dead"),
        route("GET", "/empty"),
        route("GET", "/tls"),
        route("GET", "/plain/resets"),
        route("GET", "/plain/upgrade", "connection: upgrade", "upgrade: websocket"),
        raw(
                "a body to nowhere",
                "POST /none HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 3\r\n\r\nabc")
            .on("ROUTES")
            .differs(
                "the rest of the body is read, so the connection can go on",
                "-connection: close",
                "-then closed",
                "+then open"),
        raw(
                "a body for a direct response",
                "POST /exact HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 3\r\n\r\nabc")
            .on("ROUTES")
            .differs(
                "the rest of the body is read, so the connection can go on",
                "-connection: close",
                "-then closed",
                "+then open"),
        raw(
                "a chunked body to a dead upstream",
                "POST /dead HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            .on("ROUTES"),
        host("shop.example:8080", "/exact"),
        host("shop.example:9090", "/exact")
            .differs(
                "a domain without a port takes any port",
                "-status 404",
                "-content-length: 0",
                "+status 200",
                "+content-length: 5",
                "+content-type: text/plain",
                "+x-by-table: t",
                "+| exact"),
        host("SHOP.example", "/exact"),
        host("www.shop.example", "/exact"),
        host("a.b.shop.example", "/exact"),
        host("other.example", "/Any"),
        host("unknown.example", "/exact"),
        host("[::1]", "/exact"),
        ask("GET", "/a").on("SECURE"),
        ask("HEAD", "/a", "connection: close").on("SECURE"),
        raw(
                "a body by TLS",
                "POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n"
                    + "z".repeat(200_000))
            .on("SECURE"),
        ask("GET", "/a").on("TCP"),
        raw("anything by TCP", "BREW a b c\r\nx: y\r\n\r\n").on("TCP"),
        raw("HTTP/1.0 by TCP", "GET /until-close HTTP/1.0\r\n\r\n").on("TCP"),
        ask("GET", "/a").on("TCP_DEAD"));
  }

  private static String text(String resource, Map<String, String> values) throws IOException {
    String text;
    try (InputStream in = ConversationsBesideEnvoyTest.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("no resource " + resource);
      }
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (Map.Entry<String, String> value : values.entrySet()) {
      text = text.replace("${" + value.getKey() + "}", value.getValue());
    }
    return text;
  }

  /** Free ports under these names. */
  private static Map<String, String> ports(String... names) throws IOException {
    List<Integer> free = Peers.freePorts(names.length);
    Map<String, String> ports = new LinkedHashMap<>();
    for (int i = 0; i < names.length; i++) {
      ports.put(names[i], Integer.toString(free.get(i)));
    }
    return ports;
  }

  private Launched startEnvoy(String yaml) throws IOException {
    String envoy = Peers.require("envoy");
    Path file = folder.resolve("envoy.yaml");
    Files.writeString(file, yaml);
    return Launched.start(
        folder,
        "envoy",
        List.of(envoy, "-c", file.toString(), "--disable-hot-restart", "--concurrency", "1"));
  }

  private Launched startOurs(String yaml) throws IOException {
    Path file = folder.resolve("outrigger.yaml");
    Files.writeString(file, yaml);
    return Launched.start(
        folder, "outrigger", Peers.outrigger("proxy", "-c", file.toString(), "--concurrency=1"));
  }

  private static void awaitReady(Launched proxy, Map<String, String> ports) {
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptionsInstanceOf(IOException.class)
        .failFast(() -> !proxy.isAlive())
        .until(
            () -> {
              try (PlainClient client = new PlainClient(port(ports, "ADMIN"))) {
                return client.get("localhost", "/ready").status() == 200;
              }
            });
  }

  private static int port(Map<String, String> ports, String name) {
    return Integer.parseInt(ports.getOrDefault(name, ""));
  }

  /** Asks both the same and collects what nobody has allowed. */
  private static void compare(
      List<Case> cases,
      Map<String, String> envoy,
      Map<String, String> ours,
      SocketFactory tls,
      Launched proxy)
      throws Exception {
    List<String> surprises = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(24)) {
      List<Future<Heard>> theirs = new ArrayList<>();
      List<Future<Heard>> mine = new ArrayList<>();
      for (Case one : cases) {
        theirs.add(threads.submit(() -> hear(one, envoy, tls)));
        mine.add(threads.submit(() -> hear(one, ours, tls)));
      }
      for (int i = 0; i < cases.size(); i++) {
        Case one = cases.get(i);
        boolean own = mine.get(i).get().ownWords();
        List<String> expected = normal(theirs.get(i).get(), own);
        List<String> actual = normal(mine.get(i).get(), own);
        List<String> difference = new ArrayList<>();
        List<String> rest = new ArrayList<>(actual);
        expected.stream()
            .filter(line -> !rest.remove(line))
            .map(l -> "-" + l)
            .forEach(difference::add);
        rest.stream().map(line -> "+" + line).forEach(difference::add);
        if (!difference.equals(one.difference())) {
          surprises.add(
              one.name()
                  + (one.reason().isEmpty() ? "" : " (allowed: " + one.difference() + ")")
                  + "\n    "
                  + String.join("\n    ", difference));
        }
      }
    }
    assertThat(String.join("\n", surprises)).as(proxy.said()).isEmpty();
  }

  private static Heard hear(Case one, Map<String, String> ports, SocketFactory tls)
      throws IOException {
    return RawExchange.of(
        one.listener().equals("SECURE") ? tls : SocketFactory.getDefault(),
        port(ports, one.listener()),
        one.first(),
        one.afterContinue(),
        one.answers(),
        one.head());
  }

  /** Errors of our own have a body that says what happened, in JSON; Envoy's is a few words. */
  private static List<String> normal(Heard heard, boolean ownWords) {
    return heard.lines().stream()
        .filter(
            line ->
                !ownWords
                    || !(line.startsWith("| ")
                        || line.startsWith("content-type:")
                        || line.startsWith("content-length:")))
        .toList();
  }

  @Test
  void aPlainProxy() throws Exception {
    try (EchoUpstream first = EchoUpstream.on(ServerSocketFactory.getDefault());
        EchoUpstream second = EchoUpstream.on(ServerSocketFactory.getDefault())) {
      Map<String, String> theirs = ports("PLAIN", "ADMIN");
      Map<String, String> mine = ports("PLAIN", "ADMIN");
      theirs.put("UPSTREAM", Integer.toString(first.port()));
      mine.put("UPSTREAM", Integer.toString(second.port()));
      try (Launched envoy = startEnvoy(text("answers-plain.yaml", theirs));
          Launched ours = startOurs(text("answers-plain.yaml", mine))) {
        awaitReady(envoy, theirs);
        awaitReady(ours, mine);
        compare(messages(false), theirs, mine, SocketFactory.getDefault(), ours);
      }
    }
  }

  @Test
  void routesRetriesTlsAndTcp() throws Exception {
    Certificates own = Certificates.in(folder);
    try (EchoUpstream first = EchoUpstream.on(ServerSocketFactory.getDefault());
        EchoUpstream second = EchoUpstream.on(ServerSocketFactory.getDefault());
        EchoUpstream secure = EchoUpstream.on(own.context().getServerSocketFactory())) {
      String[] names = {"ROUTES", "SECURE", "TCP", "TCP_DEAD", "DEAD", "ADMIN"};
      Map<String, String> theirs = ports(names);
      Map<String, String> mine = ports(names);
      theirs.put("UPSTREAM", Integer.toString(first.port()));
      mine.put("UPSTREAM", Integer.toString(second.port()));
      for (Map<String, String> values : List.of(theirs, mine)) {
        values.put("TLS_UPSTREAM", Integer.toString(secure.port()));
        values.put("CERT", own.chain().toString());
        values.put("KEY", own.key().toString());
      }
      try (Launched envoy = startEnvoy(text("answers-routes.yaml", theirs));
          Launched ours = startOurs(text("answers-routes.yaml", mine))) {
        awaitReady(envoy, theirs);
        awaitReady(ours, mine);
        compare(routes(), theirs, mine, own.context().getSocketFactory(), ours);
      }
    }
  }

  /** What the one line stands for, as it prints it, is a file that Envoy takes. */
  @Test
  void theOneLineProxyAndTheFileItPrints() throws Exception {
    try (EchoUpstream first = EchoUpstream.on(ServerSocketFactory.getDefault());
        EchoUpstream second = EchoUpstream.on(ServerSocketFactory.getDefault())) {
      Map<String, String> theirs = ports("PLAIN", "ADMIN");
      Map<String, String> mine = ports("PLAIN", "ADMIN");
      String printed;
      try (Launched print =
          Launched.start(folder, "print", line(theirs, first.port(), "--print-config"))) {
        assertThat(print.exit(PATIENCE)).as(print.said()).isZero();
        printed = print.said();
      }
      try (Launched envoy = startEnvoy(printed);
          Launched ours =
              Launched.start(folder, "outrigger", line(mine, second.port(), "--concurrency=1"))) {
        awaitReady(envoy, theirs);
        awaitReady(ours, mine);
        compare(messages(true), theirs, mine, SocketFactory.getDefault(), ours);
      }
    }
  }

  private static List<String> line(Map<String, String> ports, int to, String flag) {
    return Peers.outrigger(
        "proxy",
        "--listen=127.0.0.1:" + port(ports, "PLAIN"),
        "--to=127.0.0.1:" + to,
        "--admin=127.0.0.1:" + port(ports, "ADMIN"),
        flag);
  }
}
