package dev.outrigger.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ToxicProxiesTest {
  private static final int PATIENCE_MILLIS = 20_000;
  private static final ServerSocket SERVER = echoServer();

  @RegisterExtension static final ToxicProxies PROXIES = ToxicProxies.create();

  private static final ToxicProxy PROXY = PROXIES.to("localhost", SERVER.getLocalPort());

  @AfterAll
  static void stop() throws IOException {
    SERVER.close();
  }

  @Test
  @Order(1)
  void latencyComesAndGoesOnAnOpenConnection() throws IOException {
    try (Socket client = connect()) {
      echo(client);
      try (ActiveToxic toxic = PROXY.bothWays().latency(Duration.ofMillis(100))) {
        assertThat(toxic).isNotNull();
        assertThat(echo(client)).isGreaterThanOrEqualTo(Duration.ofMillis(199));
      }
      Duration least = Duration.ofHours(1);
      for (int i = 0; i < 5; i++) {
        Duration took = echo(client);
        least = took.compareTo(least) < 0 ? took : least;
      }
      assertThat(least).isLessThan(Duration.ofMillis(100));
    }
  }

  @Test
  @Order(2)
  void everyKindCanBeAskedFor() throws IOException {
    PROXY.upstream().bandwidth(1_000_000);
    PROXY.upstream().slicer(3, 1, Duration.ZERO);
    PROXY.downstream().slowClose(Duration.ofMillis(1));
    PROXY.downstream().share(0).reset(Duration.ZERO);
    PROXY.downstream().limit(4);
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[10]);
      assertThat(client.getInputStream().readAllBytes()).hasSize(4);
    }
    assertThatThrownBy(() -> PROXY.upstream().share(1.5))
        .isInstanceOf(IllegalArgumentException.class);
    PROXY.disable(); // the next test finds it enabled, without toxics
  }

  @Test
  @Order(3)
  void aTestFindsNothingOfTheOneBefore() throws IOException {
    try (Socket client = connect()) {
      for (int i = 0; i < 10; i++) {
        echo(client);
      }
      assertThat(PROXY.connections()).isPositive();
    }
  }

  @Test
  @Order(4)
  void disabledItIsDownAndEnabledItIsBackAtTheSamePort() throws IOException {
    int port = PROXY.port();
    try (Socket client = connect()) {
      echo(client);
      PROXY.disable();
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
    assertThatThrownBy(ToxicProxiesTest::connect).isInstanceOf(ConnectException.class);
    PROXY.enable();
    assertThat(PROXY.port()).isEqualTo(port);
    try (Socket client = connect()) {
      echo(client);
    }
  }

  @Test
  @Order(5)
  void resetsTimeoutsAndPartitionsAreWhatTheySay() throws IOException {
    try (Socket client = connect()) {
      echo(client);
      PROXY.upstream().reset(Duration.ZERO);
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
    PROXY.reset();
    ActiveToxic gap = PROXY.upstream().partition();
    try (Socket client = connect()) {
      client.setSoTimeout(200);
      assertThatThrownBy(() -> echo(client)).isInstanceOf(SocketTimeoutException.class);
      client.setSoTimeout(PATIENCE_MILLIS);
      gap.remove();
      assertThat(client.getInputStream().read()).isEqualTo('x');
    }
    PROXY.upstream().timeout(Duration.ofMillis(50));
    try (Socket client = connect()) {
      client.getOutputStream().write('x');
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  @Order(6)
  void outsideJUnitItEndsWhenItIsClosed() throws IOException {
    ToxicProxy proxy;
    try (ToxicProxies own = ToxicProxies.withSeed(7)) {
      proxy = own.to("localhost", SERVER.getLocalPort());
      try (Socket client = new Socket(proxy.host(), proxy.port())) {
        client.setSoTimeout(PATIENCE_MILLIS);
        echo(client);
      }
    }
    assertThatThrownBy(() -> new Socket(proxy.host(), proxy.port()).close())
        .isInstanceOf(ConnectException.class);
  }

  private static Duration echo(Socket client) throws IOException {
    long start = Ticker.systemTicker().nanoTime();
    client.getOutputStream().write('x');
    assertThat(client.getInputStream().read()).isEqualTo('x');
    return Duration.ofNanos(Ticker.systemTicker().nanoTime() - start);
  }

  private static Socket connect() throws IOException {
    Socket socket = new Socket(PROXY.host(), PROXY.port());
    socket.setSoTimeout(PATIENCE_MILLIS);
    return socket;
  }

  private static ServerSocket echoServer() {
    try {
      ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  while (true) {
                    Socket socket = server.accept();
                    Thread.ofVirtual().start(() -> echoAll(socket));
                  }
                } catch (IOException e) {
                  // closed
                }
              });
      return server;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void echoAll(Socket socket) {
    try (socket;
        InputStream in = socket.getInputStream();
        OutputStream out = socket.getOutputStream()) {
      in.transferTo(out);
    } catch (IOException e) {
      // what toxics are for
    }
  }
}
