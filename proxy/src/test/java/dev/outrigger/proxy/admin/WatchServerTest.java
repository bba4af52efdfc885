package dev.outrigger.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AppProbe;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.health.AppProber;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class WatchServerTest {
  private final ConfigLoop loop = ConfigLoop.start(Transport.NIO);
  private final Readiness readiness = new Readiness(Map.of("identity", "not issued yet"));

  @AfterEach
  void stop() {
    loop.stop();
  }

  @Test
  void readinessIsTheProxysAndLifeIsNot() throws IOException {
    try (WatchServer server = health(Map.of())) {
      InetSocketAddress at = server.start(new SocketAddressConfig("127.0.0.1", 0));
      assertThat(get(at, "/ready"))
          .startsWith("HTTP/1.1 503")
          .endsWith("identity: not issued yet\n");
      assertThat(get(at, "/live")).startsWith("HTTP/1.1 200");
      readiness.met("identity");
      for (String path : List.of("/ready", "/readyz", "/healthz/ready", "/healthz", "/livez")) {
        assertThat(get(at, path)).as(path).startsWith("HTTP/1.1 200");
      }
    }
  }

  @Test
  void nothingCanBeChangedAndNothingElseIsTold() throws IOException {
    try (WatchServer server = health(Map.of())) {
      InetSocketAddress at = server.start(new SocketAddressConfig("127.0.0.1", 0));
      assertThat(
              said(
                  at,
                  "POST /drain HTTP/1.1\r\nhost: pod\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"))
          .startsWith("HTTP/1.1 405");
      for (String path : List.of("/config_dump", "/metrics", "/app-health/app/livez", "/")) {
        assertThat(get(at, path)).as(path).startsWith("HTTP/1.1 404");
      }
    }
  }

  @Test
  void metricsAreServedToAnyHost() throws IOException {
    try (WatchServer server =
        WatchServer.ofMetrics(
            loop, Transport.NIO, () -> CompletableFuture.completedFuture("a_total 1\n"))) {
      InetSocketAddress at = server.start(new SocketAddressConfig("127.0.0.1", 0));
      assertThat(get(at, "/metrics")).contains("version=0.0.4").endsWith("a_total 1\n");
      assertThat(get(at, "/ready")).startsWith("HTTP/1.1 404");
    }
  }

  @Test
  void theApplicationIsAskedAsKubeletWouldHave() throws Exception {
    try (ServerSocket app = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        WatchServer server =
            health(
                Map.of(
                    "/app-health/app/livez",
                    probe(
                        new AppProbe.Ask.Http(
                            app.getLocalPort(),
                            "/alive?deep=1",
                            false,
                            List.of(Map.entry("Host", "shop"), Map.entry("x-a", "b")))),
                    "/app-health/app/readyz",
                    probe(new AppProbe.Ask.Tcp(app.getLocalPort()))))) {
      InetSocketAddress at = server.start(new SocketAddressConfig("127.0.0.1", 0));

      CompletableFuture<String> asked = answers(app, "HTTP/1.1 302 Found\r\n\r\n");
      assertThat(get(at, "/app-health/app/livez")).startsWith("HTTP/1.1 200");
      assertThat(asked.join())
          .startsWith("GET /alive?deep=1 HTTP/1.1\r\n")
          .contains("Host: shop\r\n", "x-a: b\r\n", "user-agent: kube-probe");
      answers(app, "HTTP/1.1 500 No\r\n\r\n");
      assertThat(get(at, "/app-health/app/livez"))
          .startsWith("HTTP/1.1 503")
          .endsWith("status 500\n");
      assertThat(get(at, "/app-health/app/readyz")).startsWith("HTTP/1.1 200");
      app.close();
      assertThat(get(at, "/app-health/app/readyz")).startsWith("HTTP/1.1 503");
    }
  }

  @Test
  void anHttpsProbeAcceptsWhateverCertificateTheApplicationHas() throws Exception {
    X509Bundle own =
        new CertificateBuilder()
            .subject("cn=elsewhere")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("k", own.getKeyPair().getPrivate(), new char[0], own.getCertificatePath());
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    try (ServerSocket app =
            tls.getServerSocketFactory()
                .createServerSocket(0, 8, InetAddress.getLoopbackAddress());
        WatchServer server =
            health(
                Map.of(
                    "/app-health/app/livez",
                    probe(new AppProbe.Ask.Http(app.getLocalPort(), "/", true, List.of()))))) {
      InetSocketAddress at = server.start(new SocketAddressConfig("127.0.0.1", 0));
      CompletableFuture<String> asked = answers(app, "HTTP/1.1 200 OK\r\n\r\n");
      assertThat(get(at, "/app-health/app/livez")).startsWith("HTTP/1.1 200");
      assertThat(asked.join()).startsWith("GET / HTTP/1.1\r\n");
    }
  }

  private WatchServer health(Map<String, AppProbe> probes) {
    return WatchServer.ofHealth(
        loop,
        Transport.NIO,
        readiness,
        probes,
        new AppProber("127.0.0.1", loop.loop(), Transport.NIO.socketChannel()));
  }

  private static AppProbe probe(AppProbe.Ask ask) {
    return new AppProbe(ask, Duration.ofSeconds(20));
  }

  /** Answers one connection, and tells what was asked. */
  private static CompletableFuture<String> answers(ServerSocket app, String answer) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (Socket socket = app.accept()) {
            byte[] head = new byte[4096];
            int read = 0;
            String text = "";
            while (!text.contains("\r\n\r\n")) {
              int more = socket.getInputStream().read(head, read, head.length - read);
              if (more < 0) {
                break;
              }
              read += more;
              text = new String(head, 0, read, StandardCharsets.US_ASCII);
            }
            socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
            return text;
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }

  private static String get(InetSocketAddress at, String path) throws IOException {
    return said(
        at, "GET " + path + " HTTP/1.1\r\nhost: 10.1.2.3:15021\r\nconnection: close\r\n\r\n");
  }

  private static String said(InetSocketAddress at, String request) throws IOException {
    try (Socket socket = new Socket(at.getAddress(), at.getPort())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }
}
