package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that ask for HTTP/2 by {@code Upgrade: h2c}, as curl and Java's own client do of a plain
 * http URI, before a proxy whose one listener honours it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ChangesToHttp2Test {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private App app;
  private Launched proxy;
  private int honours;
  private int usual;
  private Path folder;
  private int runs;

  private static String listener(String name, int port, String more) {
    return """
            - name: %s
              address: { socket_address: { address: 127.0.0.1, port_value: %d } }
              filter_chains:
                - filters:
                    - name: envoy.filters.network.http_connection_manager
                      typed_config:
                        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                        stat_prefix: %s
                        %s
                        access_log:
                          - name: log
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                              log_format: { text_format_source: { inline_string: "LOG %%REQ(:path)%% %%PROTOCOL%% %%RESPONSE_CODE%%\\n" } }
                        route_config:
                          virtual_hosts:
                            - name: all
                              domains: ["*"]
                              routes:
                                - match: { prefix: /secret }
                                  direct_response: { status: 403, body: { inline_string: "not yours" } }
                                - match: { prefix: / }
                                  route: { cluster: app }
                        http_filters:
                          - name: envoy.filters.http.router
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        """
        .formatted(name, port, name, more);
  }

  @BeforeAll
  void start(@TempDir Path temporary) throws Exception {
    folder = temporary;
    app =
        App.answering(
            exchange -> {
              String headers = String.join(" ", exchange.getRequestHeaders().keySet());
              seen.add(exchange.getProtocol() + " " + exchange.getRequestURI() + " " + headers);
              return "app " + exchange.getRequestMethod();
            });
    List<Integer> ports = Peers.freePorts(2);
    honours = ports.get(0);
    usual = ports.get(1);
    Path file = folder.resolve("proxy.yaml");
    Files.writeString(
        file,
        "static_resources:\n  listeners:\n"
            + listener("honours", honours, "upgrade_configs: [{ upgrade_type: h2c }]").indent(4)
            + listener("usual", usual, "").indent(4)
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
                .formatted(app.port()));
    proxy = Launched.start(folder, "proxy", Peers.outrigger("proxy", "-c", file.toString()));
    proxy.await(Pattern.compile("ready: "), PATIENCE);
  }

  @AfterAll
  void end() throws Exception {
    if (proxy != null) {
      proxy.close();
    }
    if (app != null) {
      app.close();
    }
  }

  /** What curl says of each request, and of the connection. */
  private String curl(int port, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("curl"),
                "-sv",
                "--http2",
                "-m",
                "30",
                "-w",
                " VERSION %{http_version} %{http_code} NEW %{num_connects}\\n"));
    for (String argument : arguments) {
      command.add(argument.startsWith("/") ? "http://127.0.0.1:" + port + argument : argument);
    }
    try (Launched run = Launched.start(folder, "curl" + runs++, command)) {
      assertThat(run.exit(PATIENCE)).as(run.said()).isZero();
      return run.said();
    }
  }

  @Test
  void curlGoesOnInHttp2AndTheRoutesHold() throws Exception {
    String said = curl(honours, "/first", "/second", "/secret/x");
    assertThat(said)
        .contains("HTTP/1.1 101 Switching Protocols")
        .containsSubsequence("VERSION 2 200 NEW 1", "VERSION 2 200 NEW 0", "VERSION 2 403 NEW 0");
    proxy.await(Pattern.compile("LOG /first HTTP/2 200"), PATIENCE);
    assertThat(seen).anyMatch(one -> one.startsWith("HTTP/1.1 /second "));
    assertThat(seen).noneMatch(one -> one.contains("/secret"));
    assertNothingOfIt();
  }

  @Test
  void theRequestThatAsksIsRoutedAsAnyOther() throws Exception {
    assertThat(curl(honours, "/secret/first")).contains("not yours", "VERSION 2 403");
    assertThat(seen).noneMatch(one -> one.contains("/secret"));
  }

  @Test
  void aRequestWithABodyIsAnsweredInHttp1() throws Exception {
    assertThat(curl(honours, "-d", "body", "/post")).contains("app POST", "VERSION 1.1 200");
    assertNothingOfIt();
  }

  @Test
  void whereNothingIsSaidOfItCurlStaysWithHttp1() throws Exception {
    assertThat(curl(usual, "/usual"))
        .contains("VERSION 1.1 200")
        .doesNotContain("Switching Protocols");
    assertNothingOfIt();
  }

  private void assertNothingOfIt() {
    assertThat(seen)
        .noneMatch(one -> one.toLowerCase(Locale.ROOT).contains("upgrade"))
        .noneMatch(one -> one.toLowerCase(Locale.ROOT).contains("http2-settings"));
  }

  @Test
  void javasOwnClientGoesOnInHttp2() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      for (int i = 0; i < 3; i++) {
        HttpResponse<String> answer = get(client, honours);
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(answer.body()).isEqualTo("app GET");
      }
      assertThat(get(client, usual).version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    }
  }

  private static HttpResponse<String> get(HttpClient client, int port)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/java"))
            .timeout(PATIENCE)
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }
}
