package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.KnownBytes;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Toxics come to live connections and leave them at moments of no one's choice, in the middle of
 * transfers both ways of which each byte is known. None is lost, doubled or out of its place.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class ToxicsLoseNothingTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int ROUNDS = sized(1, 25);
  private static final int CONNECTIONS = 2;
  private static final int LONGEST_MILLIS = 250;

  /** All toxics but those whose purpose is to lose something. */
  enum Kind {
    LATENCY("latency: {latency: 100ms}"),
    JITTER("latency: {latency: 50ms, jitter: 50ms}"),
    BANDWIDTH("bandwidth: {rate: 2Mi}"),
    SLICER("slicer: {averageSize: 5000, sizeVariation: 4000, delay: 1ms}"),
    PARTITION("partition: {}"),
    SLOW_CLOSE("slowClose: {delay: 500ms}"),
    // More than comes.
    LIMIT("limit: {bytes: 1000Gi}"),
    RESET("resetPeer: {after: 10m}");

    private final String fault;

    Kind(String fault) {
      this.fault = fault;
    }

    private String text() {
      return "keeps-" + name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }
  }

  private ChaosMesh mesh;

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      faults.put(
          kind.text(),
          "where: connection\nmatch: {destination: {services: [raw, web]}}\n" + kind.fault);
    }
    mesh.define("keeps", ROUNDS, faults);
  }

  /** One connection with bytes both ways until it is told to stop. */
  private final class Transfer {
    private final String key;
    private final AtomicBoolean over;
    private final AtomicLong received = new AtomicLong();

    Transfer(String key, AtomicBoolean over) {
      this.key = key;
      this.over = over;
    }

    /** Gives how many bytes went each way, all of them right. */
    long run() throws Exception {
      try (Socket socket = ByteServer.call(mesh.tcp("raw"), "both " + key);
          ExecutorService reader = Executors.newVirtualThreadPerTaskExecutor()) {
        Future<?> reading =
            reader.submit(
                () -> {
                  read(socket.getInputStream());
                  return null;
                });
        long sent = write(socket.getOutputStream());
        // The server still sends; what it has taken is what counts.
        Awaitility.await()
            .atMost(PATIENCE)
            .until(
                () ->
                    mesh.bytes().taken(key).bytes() == sent
                        || reading.state() == Future.State.FAILED);
        if (reading.state() == Future.State.FAILED) {
          reading.get();
        }
        ByteServer.Taken taken = mesh.bytes().taken(key);
        assertThat(taken).isEqualTo(new ByteServer.Taken(sent, -1, ""));
        socket.shutdownOutput();
        reading.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        return sent + received.get();
      }
    }

    private long write(OutputStream out) throws IOException {
      byte[] buffer = new byte[50_000];
      long sent = 0;
      while (!over.get()) {
        KnownBytes.fill(sent, buffer, buffer.length);
        out.write(buffer);
        sent += buffer.length;
      }
      return sent;
    }

    private void read(InputStream in) throws IOException {
      byte[] buffer = new byte[50_000];
      long at = 0;
      // Goes on for a while after the end, when what was held back has come.
      long enough = Long.MAX_VALUE;
      while (at < enough) {
        int length = in.read(buffer);
        assertThat(length).as("the connection lives").isPositive();
        assertThat(KnownBytes.wrongAt(at, buffer, length)).isNegative();
        at += length;
        received.set(at);
        if (over.get() && enough == Long.MAX_VALUE) {
          enough = at + (1 << 20);
        }
      }
    }
  }

  private long bodies(AtomicBoolean over) throws IOException {
    long count = 0;
    try (PlainClient client = new PlainClient(mesh.outbound())) {
      while (!over.get()) {
        PlainClient.Answer answer = client.get("web.shop", "/big");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).hasSize(ChaosMesh.BIG);
        assertThat(KnownBytes.wrongAt(0, answer.body(), 1_000_000)).isNegative();
        count += answer.body().length;
      }
    }
    return count;
  }

  @ParameterizedTest
  @EnumSource
  void noByteIsLostOrMoved(Kind kind) throws Exception {
    Random chance = new Random(kind.ordinal());
    AtomicBoolean over = new AtomicBoolean();
    List<Future<Long>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      try {
        for (int i = 0; i < CONNECTIONS; i++) {
          Transfer transfer = new Transfer(kind.text() + i + "-" + System.nanoTime(), over);
          all.add(threads.submit(transfer::run));
        }
        all.add(threads.submit(() -> bodies(over)));
        for (int i = 0; i < ROUNDS; i++) {
          try (ChaosMesh.Run _ = mesh.run(kind.text() + "-" + i)) {
            pause(chance);
          }
          pause(chance);
        }
      } finally {
        over.set(true);
      }
      long bytes = 0;
      for (Future<Long> one : all) {
        bytes += one.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      }
      Measurements.exactly(
          "%s comes and goes %d times: bytes wrong of %d MiB"
              .formatted(kind.name().toLowerCase(java.util.Locale.ROOT), ROUNDS, bytes >> 20),
          0,
          0);
    }
  }

  private static void pause(Random chance) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(chance.nextInt(LONGEST_MILLIS));
  }
}
