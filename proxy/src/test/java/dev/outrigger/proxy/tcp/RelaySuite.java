package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outrigger.proxy.ProxyServer;
import dev.outrigger.proxy.bootstrap.BootstrapLoader;
import dev.outrigger.proxy.bootstrap.ProxyOptions;
import dev.outrigger.proxy.telemetry.ProxyTelemetry;
import dev.outrigger.proxy.worker.Transport;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for bytes that pass through a whole proxy, on one transport. */
@Timeout(60)
abstract class RelaySuite {
  private final Transport transport;
  private ServerSocket server;
  private ProxyServer proxy;
  private ProxyTelemetry telemetry;
  private InetSocketAddress listening;

  RelaySuite(Transport transport) {
    this.transport = transport;
  }

  @BeforeEach
  void startServer() throws Exception {
    assumeTrue(transport.available(), () -> transport + " is not available");
    telemetry = ProxyTelemetry.start(Map.of(), "test", "relay", InstantSource.system());
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    server.setSoTimeout(10_000);
  }

  @AfterEach
  void stop() throws Exception {
    if (proxy != null) {
      proxy.close();
    }
    if (server != null) {
      server.close();
      telemetry.close();
    }
  }

  private void startProxy(String protocol) throws Exception {
    proxy = start("--to", "127.0.0.1:" + server.getLocalPort(), "--protocol", protocol);
    listening = boundTo(proxy);
  }

  private ProxyServer start(String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("--listen", "127.0.0.1:0", "--concurrency", "2"));
    arguments.addAll(List.of(more));
    ProxyServer started =
        ProxyServer.start(
            BootstrapLoader.load(ProxyOptions.parse(arguments, Map.of())),
            transport,
            new ProxyServer.Surroundings(
                InstantSource.system(), new SplittableRandom(1), new SecureRandom()),
            telemetry::forWorker);
    started.started().get(10, TimeUnit.SECONDS);
    return started;
  }

  private static InetSocketAddress boundTo(ProxyServer proxy) {
    return proxy.addresses().join().values().iterator().next().getFirst();
  }

  private Socket client() throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(10_000);
    socket.connect(listening, 10_000);
    return socket;
  }

  private Socket accepted() throws IOException {
    Socket socket = server.accept();
    socket.setSoTimeout(10_000);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String read(Socket socket, int length) throws IOException {
    return new String(socket.getInputStream().readNBytes(length), StandardCharsets.UTF_8);
  }

  private static void reset(Socket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Test
  void aDrainThatNeverFallsQuietRefusesNewConnectionsBeforeItCutsOldOnes() throws Exception {
    startProxy("tcp");
    try (Socket client = client();
        Socket served = accepted()) {
      send(client, "a");
      assertThat(read(served, 1)).isEqualTo("a");
      proxy.drain(Duration.ofSeconds(6));
      Awaitility.await()
          .atMost(Duration.ofSeconds(5))
          .until(
              () -> {
                try (Socket late = client()) {
                  return !late.isConnected();
                } catch (ConnectException e) {
                  return true;
                }
              });
      send(client, "b");
      assertThat(read(served, 1)).isEqualTo("b");
      assertThat(proxy.drained()).isNotDone();
    }
    proxy.drained().get(10, TimeUnit.SECONDS);
  }

  @Test
  void echoes() throws Exception {
    startProxy("tcp");
    try (Socket client = client();
        Socket served = accepted()) {
      for (int i = 0; i < 100; i++) {
        send(client, "ping " + i + "\n");
        assertThat(read(served, ("ping " + i + "\n").length())).isEqualTo("ping " + i + "\n");
        send(served, "pong");
        assertThat(read(client, 4)).isEqualTo("pong");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp", "auto"})
  void aClientThatHasSaidAllStillGetsItsAnswer(String protocol) throws Exception {
    startProxy(protocol);
    try (Socket client = client()) {
      send(client, "*question");
      client.shutdownOutput();
      try (Socket served = accepted()) {
        assertThat(new String(served.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
            .isEqualTo("*question");
        send(served, "a late answer");
        served.close();
        assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
            .isEqualTo("a late answer");
      }
    }
  }

  /** Two proxies with identities, as in a mesh: the first speaks mutual TLS to the second. */
  @Test
  void anAnswerAfterTheEndOfTheQuestionPassesThroughMutualTls(@TempDir Path folder)
      throws Exception {
    X509Bundle root =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=root")
            .setKeyUsage(true, CertificateBuilder.KeyUsage.keyCertSign)
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    X509Bundle leaf =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=leaf")
            .setKeyUsage(true, CertificateBuilder.KeyUsage.digitalSignature)
            .addExtendedKeyUsageServerAuth()
            .addExtendedKeyUsageClientAuth()
            .addSanUriName("spiffe://cluster.local/ns/shop/sa/web")
            .addSanIpAddress("127.0.0.1")
            .buildIssuedBy(root);
    String ca = Files.writeString(folder.resolve("ca"), root.getCertificatePEM()).toString();
    String chain = Files.writeString(folder.resolve("cert"), leaf.getCertificatePEM()).toString();
    String key = Files.writeString(folder.resolve("key"), leaf.getPrivateKeyPEM()).toString();
    try (ProxyServer inbound =
        start(
            "--to",
            "127.0.0.1:" + server.getLocalPort(),
            "--protocol",
            "tcp",
            "--tls-cert",
            chain,
            "--tls-key",
            key,
            "--client-ca",
            ca)) {
      proxy =
          start(
              "--to",
              "127.0.0.1:" + boundTo(inbound).getPort(),
              "--protocol",
              "tcp",
              "--upstream-ca",
              ca,
              "--upstream-cert",
              chain,
              "--upstream-key",
              key);
      listening = boundTo(proxy);
      byte[] answer = new byte[4 << 20];
      new SplittableRandom(5).nextBytes(answer);
      try (Socket client = client()) {
        send(client, "question");
        client.shutdownOutput();
        try (Socket served = accepted()) {
          assertThat(new String(served.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
              .isEqualTo("question");
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      served.getOutputStream().write(answer);
                      served.shutdownOutput();
                    } catch (IOException e) {
                      // The client's side says what is missing.
                    }
                  });
          byte[] got = client.getInputStream().readAllBytes();
          assertThat(got.length).isEqualTo(answer.length);
          assertThat(Arrays.equals(got, answer)).isTrue();
        }
      }
    }
  }

  @Test
  void aServerThatHasSaidAllStillHears() throws Exception {
    startProxy("tcp");
    try (Socket client = client();
        Socket served = accepted()) {
      send(served, "banner");
      served.shutdownOutput();
      assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("banner");
      send(client, "still here");
      client.shutdownOutput();
      assertThat(new String(served.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("still here");
    }
  }

  @Test
  void aResetOfTheClientResetsTheServer() throws Exception {
    startProxy("tcp");
    Socket client = client();
    try (Socket served = accepted()) {
      send(client, "x");
      assertThat(read(served, 1)).isEqualTo("x");
      reset(client);
      assertThatThrownBy(() -> served.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void aResetOfTheServerResetsTheClient() throws Exception {
    startProxy("tcp");
    try (Socket client = client()) {
      Socket served = accepted();
      send(client, "x");
      assertThat(read(served, 1)).isEqualTo("x");
      reset(served);
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void aServerThatSpeaksFirstIsNotWaitedFor() throws Exception {
    startProxy("tcp");
    try (Socket client = client();
        Socket served = accepted()) {
      send(served, "220 welcome\r\n");
      assertThat(read(client, 13)).isEqualTo("220 welcome\r\n");
    }
  }

  @Test
  void theBytesBeforeTheServerIsReachedAreKept() throws Exception {
    startProxy("auto");
    try (Socket client = client()) {
      for (byte b : "*3\r\n".getBytes(StandardCharsets.US_ASCII)) {
        client.getOutputStream().write(b);
        client.getOutputStream().flush();
      }
      send(client, "rest");
      try (Socket served = accepted()) {
        assertThat(read(served, 8)).isEqualTo("*3\r\nrest");
      }
    }
  }

  @RepeatedTest(4)
  void manyBytesArriveWholeBothWays() throws Exception {
    startProxy("tcp");
    byte[] sent = new byte[8 << 20];
    new SplittableRandom(3).nextBytes(sent);
    try (Socket client = client();
        Socket served = accepted()) {
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  served.getInputStream().transferTo(served.getOutputStream());
                  served.shutdownOutput();
                } catch (IOException e) {
                  // The client's side says what is missing.
                }
              });
      CompletableFuture<byte[]> received = new CompletableFuture<>();
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  received.complete(client.getInputStream().readAllBytes());
                } catch (IOException e) {
                  received.completeExceptionally(e);
                }
              });
      client.getOutputStream().write(sent);
      client.shutdownOutput();
      byte[] back = received.get(30, TimeUnit.SECONDS);
      assertThat(back.length).isEqualTo(sent.length);
      assertThat(Arrays.equals(back, sent)).isTrue();
    }
  }

  @Test
  void aServerThatDoesNotReadStopsTheClient() throws Exception {
    startProxy("tcp");
    try (Socket client = client();
        Socket served = accepted()) {
      client.setSendBufferSize(64 << 10);
      CompletableFuture<Long> writer = new CompletableFuture<>();
      long[] written = {0};
      Thread thread =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    byte[] chunk = new byte[64 << 10];
                    try {
                      while (written[0] < 256L << 20) {
                        client.getOutputStream().write(chunk);
                        written[0] += chunk.length;
                      }
                    } catch (IOException e) {
                      // The test is over.
                    }
                    writer.complete(written[0]);
                  });
      // Stuck: what the kernel and the proxy hold is far below what the client has.
      long[] last = {-1};
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(300))
          .until(
              () -> {
                boolean same = written[0] == last[0] && written[0] > 0;
                last[0] = written[0];
                return same;
              });
      assertThat(written[0]).isLessThan(64L << 20);
      assertThat(thread.isAlive()).isTrue();
      InputStream in = served.getInputStream();
      byte[] sink = new byte[1 << 20];
      long seen = 0;
      while (seen < 256L << 20) {
        int count = in.read(sink);
        assertThat(count).isPositive();
        seen += count;
      }
      assertThat(writer.get(10, TimeUnit.SECONDS)).isEqualTo(256L << 20);
    }
  }

  @Test
  void aServerThatCannotBeReachedEndsTheConnection() throws Exception {
    startProxy("tcp");
    server.close();
    try (Socket client = client()) {
      assertThat(end(client)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp", "http", "auto"})
  void garbageAndTruncatedBytesHarmNobody(String protocol) throws Exception {
    startProxy(protocol);
    Thread sink =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  while (!server.isClosed()) {
                    try (Socket socket = server.accept()) {
                      socket.setSoTimeout(1_000);
                      socket.getInputStream().transferTo(socket.getOutputStream());
                    } catch (IOException e) {
                      // The next one.
                    }
                  }
                });
    SplittableRandom random = new SplittableRandom(11);
    for (int round = 0; round < 60; round++) {
      byte[] garbage = new byte[random.nextInt(3_000) + 1];
      random.nextBytes(garbage);
      switch (round % 4) {
        case 0 -> garbage[0] = 22;
        case 1 -> {
          garbage = Arrays.copyOf(garbage, garbage.length + 5);
          System.arraycopy("GET /".getBytes(StandardCharsets.US_ASCII), 0, garbage, 0, 5);
        }
        default -> {}
      }
      try (Socket client = client()) {
        client.getOutputStream().write(garbage);
        if (round % 3 == 0) {
          reset(client);
        } else {
          client.shutdownOutput();
          client.setSoTimeout(2_000);
          end(client);
        }
      } catch (SocketException e) {
        // A reset is an answer too.
      }
    }
    assertThat(proxy.started()).isCompleted();
    assertThat(sink.isAlive()).isTrue();
    try (Socket client = client()) {
      if (!protocol.equals("http")) {
        send(client, "*fine");
        assertThat(read(client, 5)).isEqualTo("*fine");
      }
    }
  }

  /** Whether the connection ended, in whatever way. */
  private static boolean end(Socket socket) throws IOException {
    byte[] sink = new byte[64 << 10];
    try {
      while (socket.getInputStream().read(sink) >= 0) {
        // Until it ends.
      }
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (SocketException e) {
      return true;
    }
  }
}
