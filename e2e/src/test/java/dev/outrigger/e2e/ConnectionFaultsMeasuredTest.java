package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.KnownBytes;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What toxics do to a connection, to the byte and to the millisecond. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class ConnectionFaultsMeasuredTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RATE = 1 << 20;
  private static final int OLD = 20;
  private static final int MANY = 30;

  private ChaosMesh mesh;
  private int port;

  private static String toxic(String fault) {
    return "where: connection\nmatch: {destination: {services: [raw]}}\n" + fault;
  }

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    port = mesh.tcp("raw");
    Map<String, String> faults = new LinkedHashMap<>();
    for (String way : List.of("upstream", "downstream")) {
      faults.put("narrow-" + way, toxic("bandwidth: {rate: 1Mi, direction: " + way + "}"));
      faults.put("split-" + way, toxic("partition: {direction: " + way + "}"));
      for (int bytes : List.of(0, 1, 4096, 100_003, 1_048_579)) {
        faults.put(
            "limit-" + bytes + "-" + way,
            toxic("limit: {bytes: " + bytes + ", direction: " + way + "}"));
      }
    }
    faults.put("split-many", toxic("partition: {}"));
    faults.put("torn", toxic("resetPeer: {}"));
    faults.put("torn-later", toxic("resetPeer: {after: 400ms}"));
    faults.put("refused", toxic("refuse: {}"));
    faults.put("stalled", toxic("stall: {timeout: 400ms}"));
    faults.put("hole", toxic("stall: {}"));
    faults.put("lingers", toxic("slowClose: {delay: 300ms, direction: downstream}"));
    faults.put("pieces", toxic("slicer: {averageSize: 100, delay: 20ms, direction: downstream}"));
    mesh.define("toxics", faults);
  }

  private static double millis(long began) {
    return (System.nanoTime() - began) / 1e6;
  }

  private static void ping(Socket socket) throws IOException {
    socket.getOutputStream().write('x');
    assertThat(socket.getInputStream().read()).isEqualTo('x');
  }

  @ParameterizedTest
  @ValueSource(strings = {"upstream", "downstream"})
  void aLineIsAsNarrowAsWritten(String way) throws Exception {
    int count = sized(RATE / 2, 5 * RATE);
    double took;
    try (ChaosMesh.Run _ = mesh.run("narrow-" + way)) {
      long began;
      if (way.equals("downstream")) {
        try (Socket socket = ByteServer.call(port, "send " + count)) {
          InputStream in = socket.getInputStream();
          began = System.nanoTime();
          assertThat(in.readNBytes(count)).hasSize(count);
        }
      } else {
        try (Socket socket = ByteServer.call(port, "take " + count + " narrow")) {
          began = System.nanoTime();
          ByteServer.send(socket.getOutputStream(), count);
          assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("ok\n");
        }
      }
      took = millis(began);
    }
    Measurements.rate(
        "bandwidth of 1 MiB/s, " + way + ", TCP", RATE, count / (took / 1000), count + " bytes");
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "4096", "100003", "1048579"})
  void exactlySoManyBytesComeAndThenTheEnd(int bytes) throws Exception {
    try (ChaosMesh.Run _ = mesh.run("limit-" + bytes + "-downstream");
        Socket socket = ByteServer.call(port, "send 2000000")) {
      byte[] all = socket.getInputStream().readAllBytes();
      Measurements.exactly("limit of " + bytes + " bytes, downstream, TCP", bytes, all.length);
      assertThat(KnownBytes.wrongAt(0, all, Math.min(all.length, 1_000_000))).isNegative();
    }
  }

  @ParameterizedTest
  @CsvSource({"4096", "100003", "1048579"})
  void exactlySoManyBytesArriveAndThenTheEnd(int bytes) throws Exception {
    String key = "limited-" + bytes + "-" + System.nanoTime();
    String line = "count " + key;
    try (ChaosMesh.Run _ = mesh.run("limit-" + bytes + "-upstream");
        Socket socket = ByteServer.call(port, line)) {
      assertThatThrownBy(
              () -> {
                ByteServer.send(socket.getOutputStream(), 64L << 20);
                // It may be told of only now.
                if (socket.getInputStream().read() < 0) {
                  throw new IOException("the end");
                }
              })
          .isInstanceOf(IOException.class);
      Awaitility.await().atMost(PATIENCE).until(() -> !mesh.bytes().taken(key).end().isEmpty());
    }
    ByteServer.Taken taken = mesh.bytes().taken(key);
    Measurements.exactly(
        "limit of " + bytes + " bytes, upstream, TCP",
        (long) bytes,
        taken.bytes() + line.length() + 1);
    assertThat(taken.wrongAt()).isNegative();
    assertThat(taken.end()).isEqualTo("end");
  }

  @Test
  void connectionsThatWereOpenAreReset() throws Exception {
    List<Socket> old = new ArrayList<>();
    String key = "torn-" + System.nanoTime();
    try (Socket counted = ByteServer.call(port, "count " + key)) {
      for (int i = 0; i < OLD; i++) {
        Socket socket = ByteServer.call(port, "echo");
        old.add(socket);
        ping(socket);
      }
      counted.getOutputStream().write(new byte[1]);
      Awaitility.await().atMost(PATIENCE).until(() -> mesh.bytes().taken(key).bytes() == 1);
      try (ChaosMesh.Run _ = mesh.run("torn")) {
        int reset = 0;
        for (Socket socket : old) {
          reset += seesReset(socket) ? 1 : 0;
        }
        Measurements.exactly("RST on connections opened earlier, TCP client", OLD, reset);
        Awaitility.await().atMost(PATIENCE).until(() -> !mesh.bytes().taken(key).end().isEmpty());
        Measurements.exactly(
            "RST on a connection opened earlier, at its server",
            "Connection reset",
            mesh.bytes().taken(key).end());
      }
    } finally {
      for (Socket socket : old) {
        socket.close();
      }
    }
  }

  /** Only reads, so that what comes is the peer's doing. */
  private static boolean seesReset(Socket socket) throws IOException {
    try {
      assertThat(socket.getInputStream().read()).as("a FIN is not a RST").isNegative();
      return false;
    } catch (SocketException e) {
      assertThat(e).hasMessageContaining("reset");
      return true;
    }
  }

  @Test
  void aResetMayComeLaterAndASilenceEnds() throws Exception {
    for (String name : List.of("torn-later", "stalled")) {
      List<Double> all = new ArrayList<>();
      try (ChaosMesh.Run _ = mesh.run(name)) {
        for (int i = 0; i < sized(2, 20); i++) {
          long began = System.nanoTime();
          try (Socket socket = ByteServer.call(port, "echo")) {
            if (name.equals("stalled")) {
              assertThat(socket.getInputStream().read()).isNegative();
            } else {
              assertThat(seesReset(socket)).isTrue();
            }
          }
          all.add(millis(began));
        }
      }
      // The connection to the server comes first.
      Measurements.millis(
          (name.equals("stalled") ? "stall, closed after 400 ms" : "reset after 400 ms") + ", TCP",
          400,
          Measurements.median(all),
          "median of " + all.size() + ", connecting included");
    }
  }

  @Test
  void aBlackHoleSwallowsAndClosesAtItsEndWhatLostSomething() throws Exception {
    try (Socket loser = ByteServer.call(port, "echo");
        Socket quiet = ByteServer.call(port, "echo")) {
      ping(loser);
      ping(quiet);
      try (ChaosMesh.Run _ = mesh.run("hole")) {
        loser.getOutputStream().write('x');
        loser.setSoTimeout(300);
        assertThatThrownBy(() -> loser.getInputStream().read())
            .isInstanceOf(SocketTimeoutException.class);
        loser.setSoTimeout((int) PATIENCE.toMillis());
      }
      Measurements.exactly(
          "stall: closed at its end, having lost a byte", -1, loser.getInputStream().read());
      ping(quiet);
    }
  }

  @Test
  void newOnesAreRefusedAndOldOnesGoOn() throws Exception {
    try (Socket old = ByteServer.call(port, "echo")) {
      ping(old);
      try (ChaosMesh.Run _ = mesh.run("refused")) {
        int refused = 0;
        for (int i = 0; i < OLD; i++) {
          try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            refused += seesReset(socket) ? 1 : 0;
          } catch (IOException e) {
            refused++;
          }
          ping(old);
        }
        Measurements.exactly("refuse: new ones get RST, an old one goes on", OLD, refused);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"upstream", "downstream"})
  void aPartitionOfOneWayHoldsThatWayOnly(String way) throws Exception {
    String key = "split-" + way + System.nanoTime();
    try (Socket socket = ByteServer.call(port, "both " + key)) {
      InputStream in = socket.getInputStream();
      byte[] some = in.readNBytes(10_000);
      assertThat(KnownBytes.wrongAt(0, some, some.length)).isNegative();
      byte[] first = new byte[5_000];
      KnownBytes.fill(0, first, first.length);
      try (ChaosMesh.Run _ = mesh.run("split-" + way)) {
        socket.getOutputStream().write(first);
        if (way.equals("upstream")) {
          // The other way has no end of bytes, and none of ours arrives meanwhile.
          byte[] more = in.readNBytes(900_000);
          assertThat(KnownBytes.wrongAt(10_000, more, more.length)).isNegative();
          Measurements.exactly(
              "partition upstream: of 5000 bytes arrive", 0L, mesh.bytes().taken(key).bytes());
        } else {
          Awaitility.await().atMost(PATIENCE).until(() -> mesh.bytes().taken(key).bytes() == 5_000);
          Measurements.exactly(
              "partition downstream: of 5000 bytes upstream arrive",
              5000L,
              mesh.bytes().taken(key).bytes());
        }
      }
      Awaitility.await().atMost(PATIENCE).until(() -> mesh.bytes().taken(key).bytes() == 5_000);
      assertThat(mesh.bytes().taken(key).wrongAt()).isNegative();
    }
  }

  /** Far more than the proxy has memory for is under way to clients that are cut off. */
  @Test
  void whatIsHeldOfManyConnectionsLeavesTheProxyWell() throws Exception {
    List<Socket> all = new ArrayList<>();
    try {
      for (int i = 0; i < MANY; i++) {
        Socket socket = ByteServer.call(port, "both held-" + i + "-" + System.nanoTime());
        all.add(socket);
        assertThat(socket.getInputStream().readNBytes(1)).hasSize(1);
      }
      try (ChaosMesh.Run _ = mesh.run("split-many");
          PlainClient other = new PlainClient(mesh.outbound())) {
        for (int i = 0; i < sized(200, 2000); i++) {
          assertThat(other.get("other.shop", "/").status()).isEqualTo(200);
        }
      }
      int whole = 0;
      for (Socket socket : all) {
        byte[] bytes = socket.getInputStream().readNBytes(1_000_000);
        whole +=
            bytes.length == 1_000_000 && KnownBytes.wrongAt(1, bytes, bytes.length) < 0 ? 1 : 0;
      }
      Measurements.exactly("partition of " + MANY + " with bulk data: go on whole", MANY, whole);
    } finally {
      for (Socket socket : all) {
        socket.close();
      }
    }
  }

  @Test
  void theEndComesLate() throws Exception {
    List<Double> with = new ArrayList<>();
    try (ChaosMesh.Run _ = mesh.run("lingers")) {
      for (int i = 0; i < sized(3, 50); i++) {
        try (Socket socket = ByteServer.call(port, "send 10")) {
          assertThat(socket.getInputStream().readNBytes(10)).hasSize(10);
          long began = System.nanoTime();
          assertThat(socket.getInputStream().read()).isNegative();
          with.add(millis(began));
        }
      }
    }
    Measurements.millis(
        "slow close of 300 ms, downstream, TCP",
        300,
        Measurements.median(with),
        "median of " + with.size());
  }

  @Test
  void aThousandBytesComeInTenPieces() throws Exception {
    List<Double> all = new ArrayList<>();
    int least = 1000;
    try (ChaosMesh.Run _ = mesh.run("pieces");
        Socket socket = ByteServer.call(port, "echo")) {
      byte[] sent = new byte[1000];
      for (int i = 0; i < sized(3, 50); i++) {
        socket.getOutputStream().write(sent);
        InputStream in = socket.getInputStream();
        int read = in.read(sent);
        // Who reads late finds more.
        least = Math.min(least, read);
        long began = System.nanoTime();
        while (read < 1000) {
          read += in.read(sent, 0, 1000 - read);
        }
        all.add(millis(began));
      }
    }
    Measurements.exactly("slicer: bytes in the first of 10 pieces, TCP", 100, least);
    Measurements.millis(
        "slicer: 9 waits of 20 ms, downstream, TCP",
        180,
        Measurements.median(all),
        "median of " + all.size());
  }
}
