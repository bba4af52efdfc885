package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Certificates;
import dev.outrigger.e2e.harness.EchoServer;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an application hears of a client with a certificate, from Envoy and from Outrigger. */
class SameWordsAboutClientsAsEnvoyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final List<String> MODES =
      List.of("SANITIZE", "SANITIZE_SET", "APPEND_FORWARD", "FORWARD_ONLY", "ALWAYS_FORWARD_ONLY");
  private static final List<String> DETAILS =
      List.of(
          "{}", "{uri: true}", "{subject: true, cert: true, chain: true, dns: true, uri: true}");

  @TempDir private Path folder;

  private record Listener(String mode, String details, int port) {
    String yaml(Certificates own, int number) {
      return """
        - name: l%d
          address: {socket_address: {address: 127.0.0.1, port_value: %d}}
          filter_chains:
          - transport_socket:
              name: tls
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
                require_client_certificate: true
                common_tls_context:
                  tls_certificates: [{certificate_chain: {filename: %s}, private_key: {filename: %s}}]
                  validation_context: {trusted_ca: {filename: %s}}
            filters:
            - name: http
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: main
                forward_client_cert_details: %s
                set_current_client_cert_details: %s
                route_config: {name: r, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: up}}]}]}
                http_filters:
                - name: router
                  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
      """
          .formatted(number, port, own.chain(), own.key(), own.chain(), mode, details);
    }
  }

  private static String config(
      List<Listener> listeners, Certificates own, int admin, int upstream) {
    StringBuilder text =
        new StringBuilder(
            """
            node: {id: test, cluster: test}
            admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
            static_resources:
              clusters:
              - name: up
                type: STATIC
                connect_timeout: 1s
                load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}
              listeners:
            """
                .formatted(admin, upstream));
    for (int i = 0; i < listeners.size(); i++) {
      text.append(listeners.get(i).yaml(own, i));
    }
    return text.toString();
  }

  /** The line that the application got, or nothing. */
  private static String heard(int port, Certificates own) throws IOException {
    try (SSLSocket socket =
        (SSLSocket) own.context().getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.setSoTimeout(15_000);
      socket
          .getOutputStream()
          .write(
              ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                      + "x-forwarded-client-cert: Hash=ab;URI=spiffe://test.local/first\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertThat(answer).startsWith("HTTP/1.1 200");
      return answer
          .lines()
          .filter(line -> line.startsWith("x-forwarded-client-cert: "))
          .findFirst()
          .orElse("");
    }
  }

  @Test
  void everyModeWithEveryDetail() throws Exception {
    Certificates own = Certificates.in(folder);
    Map<String, String> theirs = new TreeMap<>();
    Map<String, String> ours = new TreeMap<>();
    for (boolean envoy : new boolean[] {true, false}) {
      List<Integer> ports = Peers.freePorts(2 + MODES.size() * DETAILS.size());
      List<Listener> listeners = new ArrayList<>();
      for (String mode : MODES) {
        for (String details : DETAILS) {
          listeners.add(new Listener(mode, details, ports.get(2 + listeners.size())));
        }
      }
      try (EchoServer upstream = new EchoServer()) {
        Path file = folder.resolve(envoy ? "envoy.yaml" : "outrigger.yaml");
        Files.writeString(file, config(listeners, own, ports.get(0), upstream.port()));
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
                    "" + ports.get(1),
                    "--disable-hot-restart")
                : Peers.outrigger("proxy", "-c", "" + file, "--concurrency", "1");
        try (Launched proxy = Launched.start(folder, envoy ? "envoy" : "outrigger", command)) {
          int last = listeners.getLast().port();
          Awaitility.await()
              .atMost(PATIENCE)
              .ignoreExceptions()
              .failFast(proxy.name() + " ended", () -> !proxy.isAlive())
              .until(() -> heard(last, own) != null);
          for (Listener listener : listeners) {
            (envoy ? theirs : ours)
                .put(listener.mode() + " " + listener.details(), heard(listener.port(), own));
          }
        }
      }
    }
    assertThat(ours).isEqualTo(theirs);
    assertThat(ours.get("APPEND_FORWARD {uri: true}"))
        .startsWith("x-forwarded-client-cert: Hash=ab;URI=spiffe://test.local/first,By=spiffe://");
  }
}
