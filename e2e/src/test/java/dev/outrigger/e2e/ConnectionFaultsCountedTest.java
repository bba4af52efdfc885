package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.Together;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How many connections each toxic hits, counted by a client of TCP that can tell. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class ConnectionFaultsCountedTest {
  private static final double SHARE = 0.2;
  private static final long MILLIS = 300;

  private ChaosMesh mesh;

  /** Whether a connection was hit, so that neither a slow machine nor a quick one is mistaken. */
  private interface Sign {
    boolean isOn(int port) throws IOException;
  }

  /** Each kind, and what shows it. */
  enum Kind {
    LATENCY("latency: {latency: 300ms, direction: downstream}", 16, Kind::isLate),
    BANDWIDTH(
        "bandwidth: {rate: 10Ki, direction: downstream}", 16, port -> lasts(port, 4096) >= 395),
    STALL("stall: {timeout: 300ms}", 16, port -> echo(port, 1) == 0),
    PARTITION("partition: {direction: downstream}", 16, port -> echo(port, 1) == HELD),
    RESET("resetPeer: {}", 8, port -> echo(port, 1) == RESET_SEEN),
    SLOW_CLOSE("slowClose: {delay: 300ms, direction: downstream}", 16, Kind::endsLate),
    LIMIT("limit: {bytes: 5, direction: downstream}", 8, port -> echo(port, 9) == 5),
    SLICER("slicer: {averageSize: 1, delay: 50ms, direction: downstream}", 16, Kind::isSliced),
    REFUSE("refuse: {}", 8, port -> echo(port, 1) == RESET_SEEN);

    private final String fault;
    private final int atATime;
    private final Sign sign;

    Kind(String fault, int atATime, Sign sign) {
      this.fault = fault;
      this.atATime = atATime;
      this.sign = sign;
    }

    private String text() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }

    /** Of two round trips the quicker one. */
    private static boolean isLate(int port) throws IOException {
      try (Socket socket = ByteServer.call(port, "echo")) {
        return Math.min(roundTrip(socket), roundTrip(socket)) >= MILLIS - 1;
      }
    }

    private static boolean endsLate(int port) throws IOException {
      try (Socket socket = ByteServer.call(port, "send 10")) {
        assertThat(socket.getInputStream().readNBytes(10)).hasSize(10);
        long began = System.nanoTime();
        assertThat(socket.getInputStream().read()).isNegative();
        // The bytes themselves may have come late to us.
        return since(began) >= MILLIS - 100;
      }
    }

    private static boolean isSliced(int port) throws IOException {
      try (Socket socket = ByteServer.call(port, "send 8")) {
        assertThat(socket.getInputStream().readNBytes(1)).hasSize(1);
        long began = System.nanoTime();
        assertThat(socket.getInputStream().readNBytes(7)).hasSize(7);
        return since(began) >= MILLIS - 100;
      }
    }
  }

  private static final int RESET_SEEN = -1;
  private static final int HELD = -2;

  private static long since(long began) {
    return (System.nanoTime() - began) / 1_000_000;
  }

  private static long roundTrip(Socket socket) throws IOException {
    long began = System.nanoTime();
    socket.getOutputStream().write('x');
    assertThat(socket.getInputStream().read()).isEqualTo('x');
    return since(began);
  }

  private static long lasts(int port, int count) throws IOException {
    long began = System.nanoTime();
    try (Socket socket = ByteServer.call(port, "send " + count)) {
      assertThat(socket.getInputStream().readNBytes(count)).hasSize(count);
    }
    return since(began);
  }

  /** How many of the bytes come back before the end, {@link #RESET_SEEN} or {@link #HELD}. */
  private static int echo(int port, int count) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(1000);
      socket.getOutputStream().write(("echo\n" + "x".repeat(count)).getBytes());
      return socket.getInputStream().readNBytes(count).length;
    } catch (SocketTimeoutException e) {
      return HELD;
    } catch (SocketException e) {
      assertThat(e).hasMessageMatching("(?i).*(reset|broken pipe).*");
      return RESET_SEEN;
    }
  }

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      faults.put(
          "count-" + kind.text(),
          "where: connection\nmatch: {destination: {services: [raw]}}\npercentage: 20%\n"
              + kind.fault);
    }
    mesh.define("counted", faults);
  }

  @ParameterizedTest
  @EnumSource
  void aFifthOfConnectionsIsHit(Kind kind) throws Exception {
    int count = sized(64, 10_000);
    int port = mesh.tcp("raw");
    List<Boolean> all;
    try (ChaosMesh.Run _ = mesh.run("count-" + kind.text())) {
      all = Together.times(count, kind.atATime, _ -> () -> kind.sign.isOn(port));
    }
    Measurements.share(
        "%s, connection, TCP".formatted(kind.text()),
        all.stream().filter(hit -> hit).count(),
        count,
        SHARE);
  }
}
