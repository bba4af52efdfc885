package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.KnownBytes;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** 100 ms of latency do not take throughput away: bytes wait side by side, not in a row. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class ThroughputThroughLatencyTest {
  private static final double LEAST = 0.9;
  private static final int PAIRS = 5;

  /**
   * Downloads at once on one connection. They last for as long as is measured: one that asked for
   * its next body when it has the last would wait 100 ms in between, whatever the proxy does.
   */
  private static final String STREAMS = "32";

  private static final Pattern TRAFFIC = Pattern.compile("traffic: \\S+ \\((\\d+)\\) total");

  private ChaosMesh mesh;

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    for (String service : List.of("raw", "h2")) {
      faults.put(
          "far-" + service,
          "where: connection\nmatch: {destination: {services: ["
              + service
              + "]}}\nlatency: {latency: 100ms, direction: "
              + (service.equals("raw") ? "both" : "downstream")
              + "}");
    }
    mesh.define("throughput", PAIRS + 1, faults);
  }

  /** Bulk data both ways on one connection; counts what comes out at each end. */
  private final class Bulk implements AutoCloseable {
    private final String key = "bulk-" + System.nanoTime();
    private final Socket socket = ByteServer.call(mesh.tcp("raw"), "both " + key);
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong down = new AtomicLong();
    private final ExecutorService threads = Executors.newFixedThreadPool(2);
    private final List<Future<?>> all = new ArrayList<>();

    Bulk() throws IOException {
      all.add(threads.submit(this::write));
      all.add(threads.submit(this::read));
    }

    private Void write() throws IOException {
      OutputStream out = socket.getOutputStream();
      byte[] buffer = new byte[64 * 1024];
      for (long sent = 0; !over.get(); sent += buffer.length) {
        KnownBytes.fill(sent, buffer, buffer.length);
        out.write(buffer);
      }
      return null;
    }

    private Void read() throws IOException {
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[64 * 1024];
      for (long at = 0; !over.get(); down.set(at)) {
        int length = in.read(buffer);
        assertThat(length).isPositive();
        assertThat(KnownBytes.wrongAt(at, buffer, length)).isNegative();
        at += length;
      }
      return null;
    }

    /** Megabytes per second of both ways, in a window. */
    double rate(long millis) throws InterruptedException {
      // What a change of the latency moves once is not counted.
      TimeUnit.MILLISECONDS.sleep(400);
      long before = down.get() + mesh.bytes().taken(key).bytes();
      long began = System.nanoTime();
      TimeUnit.MILLISECONDS.sleep(millis);
      long after = down.get() + mesh.bytes().taken(key).bytes();
      return (after - before) / 1e6 / ((System.nanoTime() - began) / 1e9);
    }

    @Override
    public void close() throws Exception {
      over.set(true);
      for (Future<?> one : all) {
        one.get(30, TimeUnit.SECONDS);
      }
      socket.close();
      threads.shutdownNow();
    }
  }

  @Test
  void oneTcpConnectionWithBulkDataBothWays() throws Exception {
    List<Double> ratios = new ArrayList<>();
    StringBuilder how = new StringBuilder();
    try (Bulk bulk = new Bulk()) {
      bulk.rate(sized(200, 2000));
      double before = bulk.rate(sized(500, 4000));
      for (int pair = 0; pair < sized(1, PAIRS); pair++) {
        double with;
        try (ChaosMesh.Run _ = mesh.run("far-raw-" + pair)) {
          with = bulk.rate(sized(500, 4000));
        }
        double after = bulk.rate(sized(500, 4000));
        ratios.add(2 * with / (before + after));
        how.append("%.0f/%.0f ".formatted(with, (before + after) / 2));
        before = after;
      }
    }
    Measurements.ratio(
        "throughput through 100 ms, one TCP connection both ways",
        LEAST,
        Double.MAX_VALUE,
        Measurements.median(ratios),
        "MB/s with/without: " + how.toString().strip());
  }

  /** Megabytes per second of all streams of a connection, once they flow. */
  private double streams() throws Exception {
    int seconds = sized(1, 4);
    String said =
        mesh.run(
            List.of(
                Peers.require("h2load"),
                "-c",
                "1",
                "-m",
                STREAMS,
                "-D",
                Integer.toString(seconds),
                "--warm-up-time",
                Integer.toString(sized(1, 2)),
                "-w",
                "30",
                "-W",
                "30",
                "-H",
                ":authority: h2.shop",
                "http://127.0.0.1:" + mesh.outbound() + "/huge"));
    Matcher traffic = TRAFFIC.matcher(said);
    assertThat(traffic.find()).as(said).isTrue();
    return Double.parseDouble(traffic.group(1)) / 1e6 / seconds;
  }

  @Test
  void manyStreamsOfOneHttp2Connection() throws Exception {
    List<Double> ratios = new ArrayList<>();
    StringBuilder how = new StringBuilder();
    streams();
    long opened = mesh.connectionsOpened("h2");
    assertThat(opened).isPositive();
    // The first is not counted: what is done only beside faults is compiled in it.
    for (int pair = 0; pair <= sized(1, PAIRS); pair++) {
      double before = streams();
      double with;
      try (ChaosMesh.Run _ = mesh.run("far-h2-" + pair)) {
        streams();
        with = streams();
      }
      double after = streams();
      how.append("%.0f/%.0f ".formatted(with, (before + after) / 2));
      if (pair > 0) {
        ratios.add(2 * with / (before + after));
      }
    }
    assertThat(mesh.connectionsOpened("h2")).as("none was lost").isEqualTo(opened);
    Measurements.ratio(
        "throughput through 100 ms, 32 streams of one HTTP/2 connection",
        LEAST,
        Double.MAX_VALUE,
        Measurements.median(ratios),
        "MB/s with/without, the first not counted: " + how.toString().strip());
  }
}
