package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Certificates;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Autobahn's cases of WebSocket by others, against an echo server of others: what is judged of it
 * through the proxy is what is judged without.
 */
class WebSocketSuiteTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Pattern CASE =
      Pattern.compile(
          "\"([0-9.]+)\": ?\\{\\s*\"behavior\": ?\"([A-Z -]+)\",\\s*"
              + "\"behaviorClose\": ?\"([A-Z -]+)\"");
  private static final String ECHO =
      """
      import asyncio
      from websockets.asyncio.server import serve

      async def echo(socket):
          async for message in socket:
              await socket.send(message)

      async def main():
          async with serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None,
                           compression=None) as server:
              print("port", server.sockets[0].getsockname()[1], flush=True)
              await asyncio.get_running_loop().create_future()

      asyncio.run(main())
      """;

  @TempDir Path folder;
  private final List<AutoCloseable> started = new ArrayList<>();

  @AfterEach
  void ends() throws Exception {
    for (AutoCloseable one : started.reversed()) {
      one.close();
    }
  }

  @Test
  void everyCaseEndsAsWithoutTheProxy() throws Exception {
    Path script = folder.resolve("echo.py");
    Files.writeString(script, ECHO);
    Launched echo =
        Launched.start(
            folder, "echo", List.of(Peers.require("websockets-python"), script.toString()));
    started.add(echo);
    int direct = Integer.parseInt(echo.await(Pattern.compile("port (\\d+)"), PATIENCE).group(1));

    List<Integer> ports = Peers.freePorts(4);
    Path file = folder.resolve("proxy.yaml");
    Files.writeString(file, config(ports, direct, Certificates.in(folder)));
    Launched proxy =
        Launched.start(folder, "proxy", Peers.outrigger("proxy", "-c", file.toString()));
    started.add(proxy);
    proxy.await(Pattern.compile("ready: "), PATIENCE);

    Map<String, String> expected = cases("direct", direct);
    assertThat(expected).hasSizeGreaterThan(240);
    assertThat(expected.values().stream().filter(one -> one.startsWith("FAILED")).count())
        .isLessThan(5);
    assertThat(cases("plain", ports.get(0))).isEqualTo(expected);
    assertThat(cases("tls", ports.get(1))).as("TLS").isEqualTo(expected);
    assertThat(cases("http2", ports.get(2))).as("TLS, and HTTP/2 within").isEqualTo(expected);
  }

  /**
   * Behaviour and behaviour of the close, by case.
   *
   * <p>Where a good message comes before a bad frame, the suite takes both for right: that the echo
   * server answers the message first (OK), and that it fails at once (NON-STRICT). Which of them it
   * does depends on whether it reads them together, on a direct connection as well.
   */
  private Map<String, String> cases(String name, int port) throws Exception {
    Path out = folder.resolve(name);
    try (Launched suite =
        Launched.start(
            folder,
            "kosoku-" + name,
            List.of(
                Peers.require("kosoku"),
                "-p",
                "4",
                "-x",
                "9.*",
                "-x",
                "12.*",
                "-x",
                "13.*",
                "-o",
                out.toString(),
                "127.0.0.1:" + port))) {
      suite.await(Pattern.compile("wrote reports"), PATIENCE);
      suite.exit(PATIENCE);
    }
    Map<String, String> found = new TreeMap<>();
    Matcher matcher =
        CASE.matcher(Files.readString(out.resolve("index.json"), StandardCharsets.UTF_8));
    while (matcher.find()) {
      String behaviour = matcher.group(2).equals("NON-STRICT") ? "OK" : matcher.group(2);
      found.put(matcher.group(1), behaviour + ", closing " + matcher.group(3));
    }
    return found;
  }

  /**
   * Listeners: plain to the echo server; plain to TLS; plain to HTTP/2 in TLS; and the one with
   * TLS, to the echo server.
   */
  private static String config(List<Integer> ports, int echo, Certificates certificates) {
    StringBuilder listeners = new StringBuilder("static_resources:\n  listeners:\n");
    String[] to = {"echo", "tls", "http2", "echo"};
    for (int i = 0; i < to.length; i++) {
      listeners.append(
          """
              - name: l%d
                address: { socket_address: { address: 127.0.0.1, port_value: %d } }
                filter_chains:
                  - filters:
                      - name: envoy.filters.network.http_connection_manager
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          stat_prefix: l%d
                          http2_protocol_options: { allow_connect: true }
                          upgrade_configs: [{ upgrade_type: websocket }]
                          route_config:
                            virtual_hosts:
                              - name: all
                                domains: ["*"]
                                routes: [{ match: { prefix: / }, route: { cluster: %s } }]
                          http_filters:
                            - name: envoy.filters.http.router
                              typed_config:
                                "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          """
              .formatted(i, ports.get(i), i, to[i]));
    }
    listeners.append(
        """
                transport_socket:
                  name: envoy.transport_sockets.tls
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
                    common_tls_context:
                      alpn_protocols: [h2, http/1.1]
                      tls_certificates:
                        - certificate_chain: { filename: "%s" }
                          private_key: { filename: "%s" }
        """
            .indent(2)
            .formatted(certificates.chain(), certificates.key()));
    listeners.append("  clusters:\n").append(cluster("echo", echo));
    String tls =
        """
              transport_socket:
                name: envoy.transport_sockets.tls
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                  sni: localhost
                  common_tls_context:
                    validation_context: { trusted_ca: { filename: "%s" } }
        """
            .formatted(certificates.chain());
    listeners.append(cluster("tls", ports.get(3))).append(tls);
    listeners.append(cluster("http2", ports.get(3))).append(tls);
    listeners.append(
        """
              typed_extension_protocol_options:
                envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                  "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                  explicit_http_config: { http2_protocol_options: { allow_connect: true } }
        """);
    return listeners.toString();
  }

  private static String cluster(String name, int port) {
    return """
            - name: %s
              type: STATIC
              load_assignment:
                cluster_name: %s
                endpoints:
                  - lb_endpoints:
                      - endpoint:
                          address: { socket_address: { address: 127.0.0.1, port_value: %d } }
        """
        .formatted(name, name, port);
  }
}
