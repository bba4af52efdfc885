package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.EchoServer;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.ByteArrayInputStream;
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
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One bootstrap file under Envoy and under Outrigger: the same requests get the same answers. */
class SameAnswersAsEnvoyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  /** What a proxy adds on its own account or by the clock, on the way back. */
  private static final Set<String> OWN =
      Set.of(
          "date",
          "server",
          "x-request-id",
          "x-outrigger-error",
          "x-outrigger-source",
          "connection");

  /** The same in what the upstream sees; of a caller on loopback Envoy names another address. */
  private static final List<String> OWN_UPSTREAM =
      List.of(
          "x-request-id:",
          "x-envoy-",
          "x-forwarded-proto:",
          "x-forwarded-for: 1",
          "traceparent:",
          "tracestate:");

  /** A difference on purpose: how their answer begins, how ours does, and why. */
  record Different(String theirs, String ours, String why) {}

  private static final Map<String, Different> DIFFERENT =
      Map.ofEntries(
          Map.entry(
              "bare line feeds",
              new Different("200", "400", "what others may read otherwise is refused")),
          Map.entry("folded", new Different("200", "400", "RFC 9112, 5.2: a proxy may refuse it")),
          Map.entry("two hosts", new Different("404", "400", "RFC 9112, 3.2: answered with 400")),
          Map.entry(
              "expect",
              new Different("200", "200", "the application decides, so the header goes on to it")),
          Map.entry("http 1.0", new Different("426", "200", "HTTP/1.0 is served")),
          Map.entry("http 1.0 keep-alive", new Different("426", "200", "HTTP/1.0 is served")),
          Map.entry("no version", new Different("426", "400", "HTTP/0.9 is not HTTP/1.0")),
          Map.entry("version 2.0", new Different("426", "400", "no such HTTP/1 version")),
          Map.entry("options", new Different("200", "200", "no content-length is made up")),
          Map.entry(
              "unknown method", new Different("400", "200", "RFC 9110, 9.1: methods are open")));

  @TempDir private Path folder;

  record Question(String name, String bytes, int answers) {}

  static Question get(String name, String path, String... headers) {
    StringBuilder head = new StringBuilder("GET " + path + " HTTP/1.1\r\nHost: site.test\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return new Question(name, head.append("\r\n").toString(), 1);
  }

  static Question raw(String name, int answers, String... lines) {
    return new Question(name, String.join("\r\n", lines), answers);
  }

  private static List<Question> questions() {
    List<Question> all = new ArrayList<>();
    all.add(get("plain", "/"));
    all.add(get("query", "/a/b?x=1&y=%20"));
    all.add(get("exact path", "/exact"));
    all.add(get("exact path with a query", "/exact?q"));
    all.add(get("not the exact path", "/exact/more"));
    all.add(get("prefix rewrite", "/old/thing?z=1"));
    all.add(get("regex", "/item/42"));
    all.add(get("no regex", "/item/42x"));
    all.add(get("header match", "/by-header", "x-kind: gold"));
    all.add(get("no header match", "/by-header", "x-kind: tin"));
    all.add(get("query match", "/by-query?debug=1"));
    all.add(get("no query match", "/by-query?debug=0"));
    all.add(get("redirect", "/moved/x?y=1"));
    all.add(get("direct response", "/direct"));
    all.add(get("headers changed", "/changed", "x-drop: me", "x-add: own"));
    all.add(get("host rewrite", "/rehost"));
    all.add(get("retried", "/flaky-" + "once"));
    all.add(get("timeout", "/silent"));
    all.add(get("nobody listens", "/dead"));
    all.add(get("no such cluster weight", "/weighted"));
    all.add(get("trailers", "/trailers"));
    all.add(get("until close", "/until-close"));
    all.add(get("cookies", "/", "cookie: a=1; b=2"));
    all.add(get("hop by hop", "/", "connection: x-hop", "x-hop: 1", "keep-alive: 5"));
    all.add(get("te", "/", "te: trailers"));
    all.add(get("many headers", "/", "a: 1", "b: 2", "c:3", "d:   4   ", "A: 5"));
    all.add(get("own forwarded for", "/", "x-forwarded-for: 10.0.0.1"));
    all.add(raw("unknown host", 1, "GET / HTTP/1.1", "Host: nobody.test", "", ""));
    all.add(raw("host with port", 1, "GET / HTTP/1.1", "Host: site.test:80", "", ""));
    all.add(raw("no host", 1, "GET / HTTP/1.1", "", ""));
    all.add(raw("two hosts", 1, "GET / HTTP/1.1", "Host: site.test", "Host: other.test", "", ""));
    all.add(raw("http 1.0", 1, "GET / HTTP/1.0", "Host: site.test", "", ""));
    all.add(
        raw(
            "http 1.0 keep-alive",
            1,
            "GET / HTTP/1.0",
            "Host: site.test",
            "Connection: keep-alive",
            "",
            ""));
    all.add(raw("close", 1, "GET / HTTP/1.1", "Host: site.test", "Connection: close", "", ""));
    all.add(raw("head", 1, "HEAD / HTTP/1.1", "Host: site.test", "", ""));
    all.add(raw("options", 1, "OPTIONS / HTTP/1.1", "Host: site.test", "", ""));
    all.add(raw("delete", 1, "DELETE /x HTTP/1.1", "Host: site.test", "", ""));
    all.add(raw("unknown method", 1, "BREW / HTTP/1.1", "Host: site.test", "", ""));
    all.add(
        raw("absolute form", 1, "GET http://site.test/abs?q HTTP/1.1", "Host: site.test", "", ""));
    all.add(raw("post", 1, "POST / HTTP/1.1", "Host: site.test", "Content-Length: 5", "", "hello"));
    all.add(
        raw(
            "chunked",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Transfer-Encoding: chunked",
            "",
            "5",
            "hello",
            "3;ext=1",
            "abc",
            "0",
            "",
            ""));
    all.add(
        raw(
            "expect",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Content-Length: 2",
            "Expect: 100-continue",
            "",
            "hi"));
    all.add(
        raw(
            "pipelined",
            3,
            "GET /1 HTTP/1.1",
            "Host: site.test",
            "",
            "GET /2 HTTP/1.1",
            "Host: site.test",
            "",
            "GET /3 HTTP/1.1",
            "Host: site.test",
            "",
            ""));
    all.add(
        raw(
            "length and chunked",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Content-Length: 5",
            "Transfer-Encoding: chunked",
            "",
            "0",
            "",
            ""));
    all.add(
        raw(
            "two lengths",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Content-Length: 5",
            "Content-Length: 6",
            "",
            "hello"));
    all.add(
        raw(
            "bad length",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Content-Length: +5",
            "",
            "hello"));
    all.add(
        raw(
            "bad chunk",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Transfer-Encoding: chunked",
            "",
            "zz",
            "hello",
            "0",
            "",
            ""));
    all.add(
        raw(
            "unknown coding",
            1,
            "POST / HTTP/1.1",
            "Host: site.test",
            "Transfer-Encoding: gzip",
            "",
            ""));
    all.add(raw("space before colon", 1, "GET / HTTP/1.1", "Host: site.test", "x-a : 1", "", ""));
    all.add(raw("folded", 1, "GET / HTTP/1.1", "Host: site.test", "x-a: 1", " more", "", ""));
    all.add(raw("nul", 1, "GET / HTTP/1.1", "Host: site.test", "x-a: a\0b", "", ""));
    all.add(raw("no version", 1, "GET /", "Host: site.test", "", ""));
    all.add(raw("version 2.0", 1, "GET / HTTP/2.0", "Host: site.test", "", ""));
    all.add(raw("garbage", 1, "\1\2\3\4", "", ""));
    all.add(new Question("bare line feeds", "GET / HTTP/1.1\nHost: site.test\n\n", 1));
    all.add(get("huge header", "/", "x-big: " + "a".repeat(70_000)));
    all.add(get("long path", "/" + "p".repeat(5_000)));
    all.add(
        raw(
            "upgrade",
            1,
            "GET /upgrade HTTP/1.1",
            "Host: site.test",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "",
            ""));
    return all;
  }

  private static String config(int port, int admin, int upstream, int dead) {
    return """
    node: {id: test, cluster: test}
    admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
    static_resources:
      listeners:
      - name: main
        address: {socket_address: {address: 127.0.0.1, port_value: %d}}
        filter_chains:
        - filters:
          - name: http
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: main
              upgrade_configs: [{upgrade_type: websocket}]
              route_config:
                name: main
                virtual_hosts:
                - name: site
                  domains: ["site.test", "site.test:80"]
                  routes:
                  - {match: {path: /exact}, route: {cluster: up}, response_headers_to_add: [{header: {key: x-route, value: exact}}]}
                  - {match: {prefix: /exact}, direct_response: {status: 406}}
                  - {match: {prefix: /old}, route: {cluster: up, prefix_rewrite: /new}}
                  - {match: {safe_regex: {regex: "/item/[0-9]+"}}, route: {cluster: up}, response_headers_to_add: [{header: {key: x-route, value: regex}}]}
                  - {match: {prefix: /item}, direct_response: {status: 409}}
                  - match: {prefix: /by-header, headers: [{name: x-kind, string_match: {exact: gold}}]}
                    route: {cluster: up}
                  - {match: {prefix: /by-header}, direct_response: {status: 410}}
                  - match: {prefix: /by-query, query_parameters: [{name: debug, string_match: {exact: "1"}}]}
                    route: {cluster: up}
                  - {match: {prefix: /by-query}, direct_response: {status: 411}}
                  - {match: {prefix: /moved}, redirect: {host_redirect: elsewhere.test, path_redirect: /there, response_code: TEMPORARY_REDIRECT}}
                  - {match: {prefix: /direct}, direct_response: {status: 418, body: {inline_string: "short and stout"}}}
                  - match: {prefix: /changed}
                    route: {cluster: up}
                    request_headers_to_remove: [x-drop]
                    request_headers_to_add:
                    - {header: {key: x-add, value: proxy}, append_action: APPEND_IF_EXISTS_OR_ADD}
                    - {header: {key: x-new, value: "1"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
                    response_headers_to_remove: [x-remove]
                    response_headers_to_add:
                    - {header: {key: x-reply, value: "2"}}
                  - {match: {prefix: /rehost}, route: {cluster: up, host_rewrite_literal: inside.test}}
                  - {match: {prefix: /flaky}, route: {cluster: up, retry_policy: {retry_on: 5xx, num_retries: 2}}}
                  - {match: {prefix: /silent}, route: {cluster: up, timeout: 0.4s}}
                  - {match: {prefix: /dead}, route: {cluster: dead}}
                  - match: {prefix: /weighted}
                    route: {weighted_clusters: {clusters: [{name: up, weight: 100}, {name: dead, weight: 0}]}}
                  - {match: {prefix: /}, route: {cluster: up}}
              http_filters:
              - name: router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
      clusters:
      - name: up
        type: STATIC
        connect_timeout: 1s
        load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}
      - name: dead
        type: STATIC
        connect_timeout: 1s
        load_assignment: {cluster_name: dead, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}
    """
        .formatted(admin, port, upstream, dead);
  }

  private static String plain(Answer answer) throws IOException {
    if (!"gzip".equals(answer.header("content-encoding"))) {
      return answer.text();
    }
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(answer.body()))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** What a client can tell: status, headers, body, and whether the connection goes on. */
  static String ask(int port, Question question) throws IOException {
    StringBuilder said = new StringBuilder();
    try (PlainClient client = new PlainClient(port)) {
      client.send(question.bytes().getBytes(StandardCharsets.ISO_8859_1));
      boolean keeps = true;
      for (int i = 0; i < question.answers(); i++) {
        Answer answer;
        try {
          answer = client.answer(question.bytes().startsWith("HEAD"));
        } catch (IOException e) {
          return said.append("closed without an answer").toString();
        }
        keeps = answer.keepsAlive();
        said.append(answer.status()).append('\n');
        Map<String, String> headers = new TreeMap<>(answer.headers());
        boolean echoed = headers.containsKey("x-echo");
        headers
            .keySet()
            .removeIf(
                name ->
                    OWN.contains(name)
                        || name.startsWith("x-envoy-")
                        // What a proxy says itself is in its own words.
                        || (!echoed && name.startsWith("content-"))
                        // The echo is longer by what each proxy adds.
                        || (echoed && name.equals("content-length")));
        headers.forEach((name, value) -> said.append(name + ": " + value + "\n"));
        if (echoed) {
          plain(answer)
              .lines()
              .filter(line -> OWN_UPSTREAM.stream().noneMatch(line::startsWith))
              .forEach(line -> said.append("  ").append(line).append('\n'));
        } else if (answer.status() == 418) {
          said.append(answer.text()).append('\n');
        }
      }
      if (keeps && !question.name().equals("upgrade")) {
        try {
          said.append("then ").append(client.get("site.test", "/next").status());
        } catch (IOException e) {
          said.append("then closed");
        }
      } else {
        said.append("closes");
      }
    }
    return said.toString();
  }

  static void awaitAnswer(int port, Launched proxy) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .failFast(proxy.name() + " ended", () -> !proxy.isAlive())
        .until(() -> ask(port, get("ready", "/ready")).startsWith("200"));
  }

  @Test
  void oneFileTwoProxies() throws Exception {
    List<Integer> ports = Peers.freePorts(5);
    Map<String, String> envoys = new LinkedHashMap<>();
    Map<String, String> ours = new LinkedHashMap<>();
    for (String name : List.of("envoy", "outrigger")) {
      boolean envoy = name.equals("envoy");
      int port = ports.get(envoy ? 0 : 1);
      try (EchoServer upstream = new EchoServer()) {
        Path file = folder.resolve(name + ".yaml");
        Files.writeString(
            file, config(port, ports.get(envoy ? 2 : 3), upstream.port(), ports.get(4)));
        List<String> command =
            envoy
                ? List.of(
                    Peers.require("envoy"),
                    "-c",
                    "" + file,
                    "--concurrency",
                    "1",
                    "--log-level",
                    "error",
                    "--base-id",
                    "" + port,
                    "--disable-hot-restart")
                : Peers.outrigger("proxy", "-c", "" + file, "--concurrency", "1");
        try (Launched proxy = Launched.start(folder, name, command)) {
          awaitAnswer(port, proxy);
          for (Question question : questions()) {
            (envoy ? envoys : ours).put(question.name(), ask(port, question));
          }
          assertThat(proxy.isAlive()).isTrue();
        }
      }
    }
    compare(envoys, ours, DIFFERENT);
  }

  @Test
  void oneLineTwoProxies() throws Exception {
    List<Integer> ports = Peers.freePorts(3);
    Map<String, String> theirs = new LinkedHashMap<>();
    Map<String, String> ours = new LinkedHashMap<>();
    try (EchoServer upstream = new EchoServer()) {
      Path file = folder.resolve("one.yaml");
      String to = "127.0.0.1:" + upstream.port();
      // What the line stands for, as a file; Envoy takes it as it is.
      try (Launched print =
          Launched.start(
              folder,
              "print",
              Peers.outrigger(
                  "proxy",
                  "--listen",
                  "127.0.0.1:" + ports.get(0),
                  "--to",
                  to,
                  "--print-config"))) {
        assertThat(print.exit(PATIENCE)).isZero();
        Files.writeString(file, print.said());
      }
      List<Question> all =
          List.of(
              get("plain", "/"),
              get("query", "/a?b=c"),
              get("trailers", "/trailers"),
              get("until close", "/until-close"),
              raw("post", 1, "POST / HTTP/1.1", "Host: any", "Content-Length: 5", "", "hello"),
              raw("head", 1, "HEAD / HTTP/1.1", "Host: any", "", ""),
              raw(
                  "pipelined",
                  2,
                  "GET /1 HTTP/1.1",
                  "Host: any",
                  "",
                  "GET /2 HTTP/1.1",
                  "Host: any",
                  "",
                  ""));
      for (boolean envoy : new boolean[] {true, false}) {
        int port = ports.get(envoy ? 0 : 1);
        List<String> command =
            envoy
                ? List.of(
                    Peers.require("envoy"),
                    "-c",
                    "" + file,
                    "--concurrency",
                    "1",
                    "--log-level",
                    "error",
                    "--base-id",
                    "" + port,
                    "--disable-hot-restart")
                : Peers.outrigger(
                    "proxy",
                    "--listen",
                    "127.0.0.1:" + port,
                    "--to",
                    "127.0.0.1:" + upstream.port());
        try (Launched proxy = Launched.start(folder, "one-" + envoy, command)) {
          awaitAnswer(port, proxy);
          for (Question question : all) {
            (envoy ? theirs : ours).put(question.name(), ask(port, question));
          }
        }
      }
    }
    compare(theirs, ours, DIFFERENT);
  }

  static void compare(
      Map<String, String> theirs, Map<String, String> ours, Map<String, Different> different) {
    Map<String, String> unlike = new LinkedHashMap<>();
    theirs.forEach(
        (name, answer) -> {
          String own = String.valueOf(ours.get(name));
          Different expected = different.get(name);
          boolean same =
              expected == null
                  ? own.equals(answer)
                  : !own.equals(answer)
                      && answer.startsWith(expected.theirs())
                      && own.startsWith(expected.ours());
          if (!same) {
            unlike.put(name, "\n-- theirs\n" + answer + "\n-- ours\n" + own + "\n");
          }
        });
    assertThat(unlike).isEmpty();
  }
}
