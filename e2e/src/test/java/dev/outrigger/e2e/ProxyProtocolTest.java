package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.EchoUpstream;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ServerSocketFactory;
import org.assertj.core.api.SoftAssertions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What HAProxy says of its clients reaches ours as it reaches Envoy, and what is no header is
 * refused by ours wherever Envoy refuses it.
 */
class ProxyProtocolTest {
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final String REQUEST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
  private static final String V4 = "0a000001" + "0a000002" + "04d2" + "01bb";

  @TempDir private Path folder;

  private static String listener(String name, int port, boolean optional) {
    return """
        - name: %s
          address: { socket_address: { address: 127.0.0.1, port_value: %d } }
          listener_filters_timeout: 1s
          listener_filters:
            - name: envoy.filters.listener.proxy_protocol
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
                allow_requests_without_proxy_protocol: %s
          filter_chains:
            - filters:
                - name: envoy.filters.network.http_connection_manager
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                    stat_prefix: %s
                    use_remote_address: true
                    route_config:
                      virtual_hosts:
                        - name: all
                          domains: ["*"]
                          routes: [{ match: { prefix: / }, route: { cluster: app } }]
                    http_filters:
                      - name: envoy.filters.http.router
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        """
        .formatted(name, port, optional, name)
        .indent(4);
  }

  private Path bootstrap(String name, int required, int optional, int upstream) throws IOException {
    return Files.writeString(
        folder.resolve(name + ".yaml"),
        "static_resources:\n  listeners:\n"
            + listener("required", required, false)
            + listener("optional", optional, true)
            + """
              clusters:
                - name: app
                  type: STATIC
                  load_assignment:
                    cluster_name: app
                    endpoints:
                      - lb_endpoints:
                          - endpoint:
                              address: { socket_address: { address: 127.0.0.1, port_value: %d } }
            """
                .formatted(upstream));
  }

  /** The client that the upstream was told of; "refused" without an answer. */
  private static String told(int port, byte[] first) {
    try (Socket socket = new Socket()) {
      socket.bind(new InetSocketAddress("127.0.0.9", 0));
      socket.connect(new InetSocketAddress("127.0.0.1", port));
      socket.setSoTimeout((int) PATIENCE.toMillis());
      socket.getOutputStream().write(first);
      socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      Matcher client = Pattern.compile("x-forwarded-for: (.*)\n").matcher(answer);
      return client.find() ? client.group(1) : answer.lines().findFirst().orElse("refused");
    } catch (IOException e) {
      return "refused";
    }
  }

  private static byte[] text(String line) {
    return line.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] binary(String rest) {
    return HexFormat.of().parseHex(SIGNATURE + rest);
  }

  private static Map<String, byte[]> beginnings() {
    Map<String, byte[]> all = new LinkedHashMap<>();
    all.put("line", text("PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\n"));
    all.put("line of IPv6", text("PROXY TCP6 2001:db8::1 ::1 1234 443\r\n"));
    all.put("line that knows nothing", text("PROXY UNKNOWN\r\n"));
    all.put("line with more behind", text("PROXY TCP4 10.0.0.1 10.0.0.2 1234 443 5\r\n"));
    all.put("line without addresses", text("PROXY TCP4\r\n"));
    all.put("line with half of it", text("PROXY TCP4 10.0.0.1 10.0.0.2 1234\r\n"));
    all.put("line of the wrong family", text("PROXY TCP4 ::1 ::1 1 2\r\n"));
    all.put("line with no address", text("PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n"));
    all.put("line with no port", text("PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n"));
    all.put("line of UDP", text("PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n"));
    all.put("line without end", text("PROXY UNKNOWN " + "f".repeat(200)));
    all.put("line with a bare feed", text("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n"));
    all.put("binary", binary("2111000c" + V4));
    all.put("binary with a value", binary("2111000f" + V4 + "040000"));
    all.put("binary of the balancer itself", binary("20000000"));
    all.put("binary with half a value", binary("2111000d" + V4 + "04"));
    all.put("binary too short", binary("2111000b" + V4.substring(2)));
    all.put("binary of UDP", binary("2112000c" + V4));
    all.put("binary of a Unix socket", binary("213100d8" + "00".repeat(216)));
    all.put("binary of no version", binary("1111000c" + V4));
    all.put("binary of no command", binary("2211000c" + V4));
    all.put("nothing", new byte[0]);
    return all;
  }

  @Test
  void clientsBehindABalancerAreKnownAsEnvoyKnowsThem() throws Exception {
    List<Integer> ports = Peers.freePorts(8);
    try (EchoUpstream upstream = EchoUpstream.on(ServerSocketFactory.getDefault())) {
      Path ours = bootstrap("ours", ports.get(0), ports.get(1), upstream.port());
      Path theirs = bootstrap("theirs", ports.get(2), ports.get(3), upstream.port());
      StringBuilder haproxy =
          new StringBuilder("defaults\n  mode tcp\n  timeout connect 5s\n")
              .append("  timeout client 30s\n  timeout server 30s\n");
      for (int i = 0; i < 4; i++) {
        haproxy
            .append("listen l%d\n  bind 127.0.0.1:%d\n".formatted(i, ports.get(4 + i)))
            .append("  server s 127.0.0.1:%d ".formatted(ports.get(i / 2 * 2)))
            .append(i % 2 == 0 ? "send-proxy\n" : "send-proxy-v2\n");
      }
      Path balancer = Files.writeString(folder.resolve("haproxy.cfg"), haproxy);
      try (Launched proxy =
              Launched.start(folder, "ours", Peers.outrigger("proxy", "-c", ours.toString()));
          Launched _ =
              Launched.start(
                  folder,
                  "theirs",
                  List.of(
                      Peers.require("envoy"),
                      "-c",
                      theirs.toString(),
                      "--concurrency",
                      "1",
                      "-l",
                      "error"));
          Launched _ =
              Launched.start(
                  folder,
                  "haproxy",
                  List.of(Peers.require("haproxy"), "-db", "-f", balancer.toString()))) {
        proxy.await(Pattern.compile("ready: "), PATIENCE);
        byte[] line = text("PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\n");
        Awaitility.await()
            .atMost(PATIENCE)
            .until(() -> told(ports.get(2), line).equals("10.0.0.1"));
        for (int i = 0; i < 4; i++) {
          int port = ports.get(4 + i);
          Awaitility.await()
              .atMost(PATIENCE)
              .untilAsserted(() -> assertThat(told(port, new byte[0])).isEqualTo("127.0.0.9"));
        }
        compare(ports);
        assertThat(proxy.said()).doesNotContain("\tat ", "LEAK", "Exception");
      }
    }
  }

  private static void compare(List<Integer> ports) {
    SoftAssertions all = new SoftAssertions();
    beginnings()
        .forEach(
            (name, bytes) -> {
              for (int optional = 0; optional < 2; optional++) {
                String ours = told(ports.get(optional), bytes);
                String theirs = told(ports.get(2 + optional), bytes);
                System.out.printf("%-32s %d %-12s %s%n", name, optional, ours, theirs);
                if (theirs.equals("refused") || !ours.equals("refused")) {
                  all.assertThat(ours)
                      .as(name + (optional == 1 ? ", optional" : ""))
                      .isEqualTo(theirs);
                }
              }
            });
    all.assertAll();
  }
}
