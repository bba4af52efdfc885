package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The conformance suite of HTTP/2 by others, before a real application. */
class H2specTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern TOTAL =
      Pattern.compile("(\\d+) tests, (\\d+) passed, (\\d+) skipped, (\\d+) failed");

  @TempDir Path folder;
  private final List<AutoCloseable> started = new ArrayList<>();

  @AfterEach
  void ends() throws Exception {
    for (AutoCloseable one : started.reversed()) {
      one.close();
    }
  }

  @Test
  void passesInPlainText() throws Exception {
    int port = proxy("plain", app(), "", "");
    assertThat(h2spec(port, "-S")).isEqualTo("146 tests, 146 passed, 0 skipped, 0 failed");
    assertThat(h2spec(port)).isEqualTo("145 tests, 145 passed, 0 skipped, 0 failed");
  }

  @Test
  void passesWithTls() throws Exception {
    int port = proxy("tls", app(), tls(), "");
    assertThat(h2spec(port, "-t", "-k")).isEqualTo("145 tests, 145 passed, 0 skipped, 0 failed");
  }

  @Test
  void passesWithHttp2ToTheUpstream() throws Exception {
    int behind = proxy("behind", app(), "", "");
    String http2 =
        """
              typed_extension_protocol_options:
                envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                  "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                  explicit_http_config: { http2_protocol_options: {} }
        """;
    int port = proxy("before", behind, "", http2);
    assertThat(h2spec(port)).isEqualTo("145 tests, 145 passed, 0 skipped, 0 failed");
  }

  private int app() throws IOException {
    App app = App.saying("hello");
    started.add(app);
    return app.port();
  }

  private String tls() throws Exception {
    Path key = folder.resolve("key.pem");
    Path certificate = folder.resolve("cert.pem");
    try (Launched openssl =
        Launched.start(
            folder,
            "openssl",
            List.of(
                Peers.require("openssl"),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=h2spec",
                "-keyout",
                key.toString(),
                "-out",
                certificate.toString()))) {
      assertThat(openssl.exit(PATIENCE)).as(openssl.said()).isZero();
    }
    return """
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
        .formatted(certificate, key);
  }

  /** Starts one; returns its port. */
  private int proxy(String name, int upstream, String tls, String options) throws Exception {
    int port = Peers.freePorts(1).getFirst();
    Path file = folder.resolve(name + ".yaml");
    Files.writeString(
        file,
        """
        static_resources:
          listeners:
            - name: hop
              address: { socket_address: { address: 127.0.0.1, port_value: %d } }
              filter_chains:
                - filters:
                    - name: envoy.filters.network.http_connection_manager
                      typed_config:
                        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                        stat_prefix: hop
                        # An AUTO listener answers what is no preface as HTTP/1.1: with 400.
                        codec_type: HTTP2
                        route_config:
                          virtual_hosts:
                            - name: all
                              domains: ["*"]
                              routes: [{ match: { prefix: / }, route: { cluster: app } }]
                        http_filters:
                          - name: envoy.filters.http.router
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        %s  clusters:
            - name: app
              type: STATIC
              load_assignment:
                cluster_name: app
                endpoints:
                  - lb_endpoints:
                      - endpoint:
                          address: { socket_address: { address: 127.0.0.1, port_value: %d } }
        %s"""
            .formatted(port, tls, upstream, options));
    Launched proxy = Launched.start(folder, name, Peers.outrigger("proxy", "-c", file.toString()));
    started.add(proxy);
    proxy.await(Pattern.compile("ready: "), PATIENCE);
    return port;
  }

  private String h2spec(int port, String... more) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("h2spec"),
                "-h",
                "127.0.0.1",
                "-p",
                Integer.toString(port),
                "-o",
                "2"));
    command.addAll(List.of(more));
    try (Launched suite =
        Launched.start(folder, "h2spec-" + port + String.join("", more), command)) {
      String total = suite.await(TOTAL, PATIENCE).group();
      return total.endsWith(" 0 failed") ? total : suite.said();
    }
  }
}
