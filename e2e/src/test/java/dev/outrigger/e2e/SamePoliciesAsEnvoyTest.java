package dev.outrigger.e2e;

import static dev.outrigger.e2e.SameAnswersAsEnvoyTest.ask;
import static dev.outrigger.e2e.SameAnswersAsEnvoyTest.awaitAnswer;
import static dev.outrigger.e2e.SameAnswersAsEnvoyTest.compare;
import static dev.outrigger.e2e.SameAnswersAsEnvoyTest.get;
import static dev.outrigger.e2e.SameAnswersAsEnvoyTest.raw;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.SameAnswersAsEnvoyTest.Different;
import dev.outrigger.e2e.SameAnswersAsEnvoyTest.Question;
import dev.outrigger.e2e.harness.EchoServer;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Policies of routes and listeners in one file, under Envoy and under Outrigger. */
class SamePoliciesAsEnvoyTest {
  private static final Different DEFAULT_PORT =
      new Different("303", "303", "the default port of a scheme is not written");

  private static final Different PREFLIGHT =
      new Different("200", "200", "what a route puts on answers is on those to preflights too");

  private static final Map<String, Different> DIFFERENT =
      Map.of(
          "redirect port",
          DEFAULT_PORT,
          "redirect with a port port",
          DEFAULT_PORT,
          "preflight /https://shop.test",
          PREFLIGHT,
          "preflight /https://a.ok.test",
          PREFLIGHT,
          "preflight /nowherehttps://shop.test",
          PREFLIGHT,
          "preflight /nowherehttps://a.ok.test",
          PREFLIGHT,
          "unknown cluster of a header",
          new Different("503", "503", "the cluster that was asked for is named"),
          "grpc",
          new Different("200", "211", "what a route answers is sent as the route says it"),
          "body out of bounds",
          new Different("413", "413", "a connection whose request was read whole goes on"));

  private static final String TWO = "Content-Length: 2";

  @TempDir private Path folder;

  private static List<Question> questions() {
    List<Question> all = new ArrayList<>();
    all.add(get("levels", "/levels", "x-level: own", "x-gone: 1"));
    all.add(get("variables", "/variables?q=1", "x-long: abcdefgh"));
    all.add(get("variables without headers", "/variables"));
    all.add(get("client by trusted hop", "/variables", "x-forwarded-for: 1.1.1.1, 2.2.2.2"));
    all.add(get("client that is none", "/variables", "x-forwarded-for: me"));
    all.add(
        get("actions", "/actions", "x-present: old", "x-over: old", "X-Over: too", "x-both: old"));
    all.add(get("forwarded port and via", "/", "x-forwarded-port: 7", "via: 1.0 fred, 1.1 p"));
    all.add(get("regex path", "/regex-path/foo/v1/api?x=/regex-path/a/b"));
    all.add(get("regex path that does not match", "/regex-path/foo"));
    all.add(get("regex at every place", "/regex-all/one/one?one"));
    all.add(get("segments", "/segments"));
    all.add(get("below segments", "/segments/a?b"));
    all.add(get("not segments", "/segmentsx"));
    all.add(get("host of a header", "/host-header", "x-new-host: new.test"));
    all.add(get("host of a header, again", "/host-header", "x-new-host: n", "x-forwarded-host: f"));
    all.add(get("no host in the header", "/host-header"));
    all.add(get("host of the path", "/host-path/inside/x?y"));
    all.add(get("host of the endpoint", "/host-auto"));
    all.add(get("cluster of a header", "/by-header", "x-to: up"));
    all.add(get("unknown cluster of a header", "/by-header", "x-to: nobody"));
    all.add(get("no cluster in the header", "/by-header"));
    for (String to : List.of("https", "https-port", "scheme", "port", "prefix", "path", "regex")) {
      all.add(get("redirect " + to, "/to-" + to + "/a/b?c=d"));
      all.add(
          raw(
              "redirect with a port " + to,
              1,
              "GET /to-" + to + "?c HTTP/1.1",
              "Host: site.test:8443",
              "",
              ""));
      all.add(get("redirect of https " + to, "/to-" + to, "x-forwarded-proto: https"));
    }
    all.add(get("any case", "/match", "x-kind: gOLd"));
    all.add(get("begins", "/match", "x-kind: silver"));
    all.add(get("begins and must not be there", "/match", "x-kind: silver", "x-no: 1"));
    for (String number : List.of("-5", "9", "10", "-6", "x", "1.5", "+1", "")) {
      all.add(get("number " + number, "/match", "x-number: " + number));
    }
    all.add(get("missing is empty", "/match", "x-go: now!"));
    all.add(get("missing is not inverted", "/match", "x-stay: hidden"));
    all.add(get("inverted", "/match", "x-stay: hidDen", "x-missing: y"));
    all.add(get("query by regex", "/match?a=b&q=12"));
    all.add(get("query not whole", "/match?q=12x"));
    all.add(get("query twice", "/match?q=x&q=1"));
    all.add(get("query there", "/match?there"));
    all.add(get("query escaped", "/match?q=%31"));
    all.add(get("grpc", "/match", "content-type: application/grpc+proto"));
    all.add(get("not grpc", "/match", "content-type: application/grpcx"));
    all.add(get("path in another case", "/cASE"));
    all.add(raw("authority", 1, "GET /match HTTP/1.1", "Host: site.test:8443", "", ""));
    all.add(get("mirrored", "/mirrored"));
    all.add(get("retried for a header", "/flaky-header"));
    all.add(get("retried as asked", "/flaky-asked-1", "x-again: 1"));
    all.add(get("not asked to be retried", "/flaky-asked-2"));
    all.add(get("stands still", "/silent-idle"));
    for (String path : List.of("/", "/no-cors", "/nowhere")) {
      for (String origin : List.of("https://shop.test", "https://a.ok.test", "https://evil.test")) {
        String asks = "origin: " + origin;
        all.add(get("cors " + path + origin, path, asks));
        all.add(
            raw(
                "preflight " + path + origin,
                1,
                "OPTIONS " + path + " HTTP/1.1",
                "Host: site.test",
                asks,
                "Access-Control-Request-Method: PUT",
                "",
                ""));
      }
    }
    all.add(get("gzip", "/", "accept-encoding: gzip"));
    all.add(get("gzip not wanted", "/", "accept-encoding: gzip;q=0, br"));
    all.add(get("gzip or anything", "/", "accept-encoding: *;q=0.2"));
    all.add(get("gzip off", "/no-gzip", "accept-encoding: gzip"));
    all.add(get("gzip with trailers", "/trailers", "accept-encoding: gzip"));
    all.add(get("gzip of a route's own words", "/said", "accept-encoding: gzip"));
    all.add(get("a route's own words", "/said"));
    all.add(get("gzip of few words", "/brief", "accept-encoding: gzip"));
    all.add(
        raw(
            "head of a route's own words",
            1,
            "HEAD /said HTTP/1.1",
            "Host: site.test",
            "accept-encoding: gzip",
            "",
            ""));
    all.add(raw("body in bounds", 1, post(1000), "", "x".repeat(1000)));
    all.add(raw("body out of bounds", 1, post(1001), "", "x".repeat(1001)));
    return all;
  }

  /**
   * Without differences on purpose: we say {@code vary: origin} where the answer depends on it, no
   * {@code vary} on what is never compressed, and make up no length for a request without a body.
   * Names in {@code vary} have no case.
   */
  private static String comparable(String answer, int port) {
    StringBuilder text = new StringBuilder();
    for (String line : answer.replace("port: " + port, "port: own").split("\n", -1)) {
      if (line.startsWith("vary: ")) {
        String names = line.substring(6).toLowerCase(Locale.ROOT).replaceAll("(, )?origin$", "");
        if (!names.isEmpty() && answer.contains("x-echo: 1")) {
          text.append("vary: ").append(names).append('\n');
        }
      } else if (!line.equals("  content-length: 0")) {
        text.append(line).append('\n');
      }
    }
    return text.toString();
  }

  private static String post(int length) {
    return "POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: " + length;
  }

  private static final Map<String, Different> DIFFERENT_HOSTS =
      Map.of(
          "host site.test:",
          new Different("404", "200", "RFC 3986, 3.2.3: an empty port is none"),
          "too large for one of several",
          new Different("413", "413", "a connection whose request was read whole goes on"));

  private static List<Question> hostQuestions() {
    List<Question> all = new ArrayList<>();
    for (String host :
        List.of(
            "site.test:81",
            "site.test.",
            "site.test.:81",
            "site.test:",
            "SITE.test:81",
            "[::1]:9")) {
      all.add(raw("host " + host, 1, "GET /host HTTP/1.1", "Host: " + host, "", ""));
    }
    all.add(raw("without TLS", 1, "GET /a?b HTTP/1.1", "Host: secure.test", "", ""));
    all.add(raw("without TLS, on its port", 1, "GET / HTTP/1.1", "Host: odd.test:80", "", ""));
    all.add(
        raw(
            "with TLS before us",
            1,
            "GET /a HTTP/1.1",
            "Host: secure.test",
            "x-forwarded-proto: https",
            "",
            ""));
    all.add(get("one of several, named by a header", "/weighted", "x-to: up"));
    all.add(get("one of several, named by nothing", "/weighted"));
    all.add(
        raw("small enough", 1, "POST /weighted-small HTTP/1.1", "Host: site.test", TWO, "", "ab"));
    all.add(
        raw(
            "too large for one of several",
            1,
            "POST /weighted-small HTTP/1.1",
            "Host: site.test",
            "Content-Length: 3",
            "",
            "abc"));
    all.add(get("mirrored by a header", "/mirrored", "x-mirror: up"));
    all.add(get("mirrored by nothing", "/mirrored"));
    all.add(get("operators", "/operators?q=abcdef&r=1&q=2", "x-long: abcdefgh"));
    all.add(get("operators without a query", "/operators"));
    return all;
  }

  private static String config(String file, Map<String, Integer> ports) throws IOException {
    String text;
    try (InputStream in =
        Objects.requireNonNull(SamePoliciesAsEnvoyTest.class.getResourceAsStream(file))) {
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (Map.Entry<String, Integer> port : ports.entrySet()) {
      text = text.replace("@" + port.getKey() + "@", "" + port.getValue());
    }
    return text;
  }

  @Test
  void oneFileTwoProxies() throws Exception {
    sameFromBoth("policies.yaml", questions(), DIFFERENT);
  }

  @Test
  void theSameHostsAndClusters() throws Exception {
    sameFromBoth("hosts.yaml", hostQuestions(), DIFFERENT_HOSTS);
  }

  private void sameFromBoth(String text, List<Question> questions, Map<String, Different> different)
      throws Exception {
    List<Integer> ports = Peers.freePorts(6);
    Map<String, String> theirs = new LinkedHashMap<>();
    Map<String, String> ours = new LinkedHashMap<>();
    for (boolean envoy : new boolean[] {true, false}) {
      int port = ports.get(envoy ? 0 : 5);
      try (EchoServer upstream = new EchoServer()) {
        Path file = folder.resolve(envoy ? "envoy.yaml" : "outrigger.yaml");
        Files.writeString(
            file,
            config(
                text,
                Map.of(
                    "port",
                    port,
                    "admin",
                    ports.get(envoy ? 1 : 2),
                    "upstream",
                    upstream.port(),
                    "dead",
                    ports.get(3))));
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
                    "" + ports.get(4),
                    "--disable-hot-restart")
                : Peers.outrigger("proxy", "-c", "" + file, "--concurrency", "1");
        try (Launched proxy = Launched.start(folder, envoy ? "envoy" : "outrigger", command)) {
          awaitAnswer(port, proxy);
          for (Question question : questions) {
            (envoy ? theirs : ours).put(question.name(), comparable(ask(port, question), port));
          }
          assertThat(proxy.isAlive()).isTrue();
        }
      }
    }
    compare(theirs, ours, different);
  }
}
