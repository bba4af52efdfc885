package dev.outrigger.fault.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Spread;
import dev.outrigger.fault.toxic.BandwidthToxic;
import dev.outrigger.fault.toxic.LatencyToxic;
import dev.outrigger.fault.toxic.LimitToxic;
import dev.outrigger.fault.toxic.PartitionToxic;
import dev.outrigger.fault.toxic.ResetOnByteToxic;
import dev.outrigger.fault.toxic.TimeoutToxic;
import dev.outrigger.fault.toxic.Toxic;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ToxicRelayTest {
  private static final int PATIENCE_MILLIS = 20_000;

  private final EventLoop loop =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory()).next();
  private ToxicRelay relay;
  private EchoServer server;
  private InetSocketAddress address;

  @BeforeEach
  void start() throws Exception {
    server = new EchoServer();
    relay =
        on(
            () ->
                new ToxicRelay(
                    new RelayLoop(
                        loop,
                        NioServerSocketChannel.class,
                        NioSocketChannel.class,
                        Executors.newVirtualThreadPerTaskExecutor(),
                        new SplittableRandom(7))));
    address = open();
  }

  private InetSocketAddress open() throws Exception {
    CompletableFuture<InetSocketAddress> opened =
        on(
            () ->
                relay.open(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    InetSocketAddress.createUnresolved("localhost", server.port())));
    return opened.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    on(() -> relay.close()).get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    server.close();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  @Test
  void everythingPassesBothWaysAndTheEndToo() throws Exception {
    byte[] much = new byte[3 << 20];
    Arrays.fill(much, (byte) 'x');
    try (Socket client = connect()) {
      Thread writer =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      client.getOutputStream().write(much);
                      client.shutdownOutput();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      assertThat(client.getInputStream().readAllBytes()).isEqualTo(much);
      writer.join();
    }
    assertThat(on(() -> relay.received(Direction.UPSTREAM))).isEqualTo(much.length);
    assertThat(on(() -> relay.sent(Direction.DOWNSTREAM))).isEqualTo(much.length);
  }

  @Test
  void aToxicReachesALiveConnectionAndLeavesItWithoutLosingAByte() throws Exception {
    try (Socket client = connect()) {
      assertThat(echo(client, "before")).isEqualTo("before");
      put("gap", Direction.DOWNSTREAM, new PartitionToxic(), 1);
      client.getOutputStream().write("held".getBytes(StandardCharsets.UTF_8));
      client.setSoTimeout(300);
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(java.net.SocketTimeoutException.class);
      client.setSoTimeout(PATIENCE_MILLIS);
      on(
          () -> {
            relay.remove("gap");
            return true;
          });
      assertThat(read(client, 4)).isEqualTo("held");
      assertThat(echo(client, "after")).isEqualTo("after");
    }
  }

  @Test
  void anEndWaitsForBytesThatAreHeld() throws Exception {
    put("late", Direction.UPSTREAM, new LatencyToxic(Spread.always(Duration.ofMillis(150))), 1);
    long start = Ticker.systemTicker().nanoTime();
    try (Socket client = connect()) {
      client.getOutputStream().write("slow".getBytes(StandardCharsets.UTF_8));
      client.shutdownOutput();
      assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("slow");
    }
    assertThat(Ticker.systemTicker().nanoTime() - start).isGreaterThan(149_000_000L);
  }

  @Test
  void whatIsChangedKeepsItsPlaceAndALimitItsCount() throws Exception {
    put("limit", Direction.DOWNSTREAM, new LimitToxic(100), 1);
    put("rate", Direction.DOWNSTREAM, new BandwidthToxic(1_000_000), 1);
    try (Socket client = connect()) {
      assertThat(echo(client, "123456")).isEqualTo("123456");
      put("limit", Direction.DOWNSTREAM, new LimitToxic(8), 1);
      client.getOutputStream().write("abcdef".getBytes(StandardCharsets.UTF_8));
      assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("a")
          .isEqualTo("ab");
    }
    assertThatThrownBy(() -> put("limit", Direction.UPSTREAM, new LimitToxic(8), 1))
        .hasRootCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aResetIsSeenAsOneOnConnectionsThatWereOpenBefore() throws Exception {
    try (Socket client = connect()) {
      assertThat(echo(client, "fine")).isEqualTo("fine");
      put("cut", Direction.DOWNSTREAM, new ResetOnByteToxic(Duration.ZERO), 1);
      client.getOutputStream().write('x');
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void aTimeoutSwallowsAndClosesInOrderAndSoDoesItsRemoval() throws Exception {
    put("hole", Direction.DOWNSTREAM, new TimeoutToxic(Duration.ofMillis(100)), 1);
    try (Socket client = connect()) {
      client.getOutputStream().write("lost".getBytes(StandardCharsets.UTF_8));
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
    put("hole", Direction.DOWNSTREAM, new TimeoutToxic(Duration.ZERO), 1);
    try (Socket client = connect()) {
      client.getOutputStream().write("lost".getBytes(StandardCharsets.UTF_8));
      // Once the answer is in, and swallowed.
      long had = on(() -> relay.received(Direction.DOWNSTREAM));
      while (on(() -> relay.received(Direction.DOWNSTREAM)) < Math.max(had, 8)) {
        Thread.onSpinWait();
      }
      on(
          () -> {
            relay.removeAll();
            return true;
          });
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void onlyTheShareOfConnectionsIsHit() throws Exception {
    put("half", Direction.UPSTREAM, new ResetOnByteToxic(Duration.ZERO), 0.5);
    int cut = 0;
    for (int i = 0; i < 60; i++) {
      try (Socket client = connect()) {
        if (!echo(client, "x").equals("x")) {
          cut++;
        }
      } catch (SocketException e) {
        cut++;
      }
    }
    assertThat(cut).isBetween(15, 45); // beyond 3.9 standard deviations, with a fixed seed
  }

  @Test
  void closedItRefusesAndEndsItsConnectionsAndOpensAgainWithItsToxics() throws Exception {
    put("limit", Direction.DOWNSTREAM, new LimitToxic(2), 1);
    try (Socket client = connect()) {
      assertThat(echo(client, "a")).isEqualTo("a");
      on(() -> relay.close()).get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      assertThat(client.getInputStream().read()).isEqualTo(-1);
      assertThatThrownBy(this::connect).isInstanceOf(java.net.ConnectException.class);
    }
    address = open();
    try (Socket client = connect()) {
      client.getOutputStream().write("abc".getBytes(StandardCharsets.UTF_8));
      assertThat(client.getInputStream().readAllBytes()).hasSize(2);
    }
  }

  @Test
  void aServerThatIsNotThereEndsTheConnection() throws Exception {
    on(() -> relay.close()).get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    int nobody;
    try (ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = gone.getLocalPort();
    }
    address =
        on(() ->
                relay.open(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), nobody)))
            .get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    try (Socket client = connect()) {
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  private void put(String name, Direction direction, Toxic toxic, double chance) throws Exception {
    on(
        () -> {
          relay.put(new PlacedToxic(name, direction, toxic, chance));
          return true;
        });
  }

  private <T> T on(Callable<T> task) throws Exception {
    return loop.submit(task).get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(address.getAddress(), address.getPort());
    socket.setSoTimeout(PATIENCE_MILLIS);
    return socket;
  }

  private static String echo(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    return read(socket, text.length());
  }

  private static String read(Socket socket, int length) throws IOException {
    return new String(socket.getInputStream().readNBytes(length), StandardCharsets.UTF_8);
  }

  /** Sends back what it gets, and the end. */
  private static final class EchoServer implements AutoCloseable {
    private final ServerSocket listening;

    EchoServer() throws IOException {
      listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread.ofVirtual().start(this::accept);
    }

    int port() {
      return listening.getLocalPort();
    }

    private void accept() {
      try {
        while (true) {
          Socket socket = listening.accept();
          Thread.ofVirtual().start(() -> echo(socket));
        }
      } catch (IOException e) {
        // closed
      }
    }

    private static void echo(Socket socket) {
      try (socket;
          InputStream in = socket.getInputStream();
          OutputStream out = socket.getOutputStream()) {
        in.transferTo(out);
      } catch (IOException e) {
        // the client left
      }
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }
}
