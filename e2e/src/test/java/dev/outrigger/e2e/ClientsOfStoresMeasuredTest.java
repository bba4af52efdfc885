package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.Peers;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Redis' and PostgreSQL's own clients, and one of WebSocket, say of toxics. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class ClientsOfStoresMeasuredTest {
  private static final int RATE = 1 << 20;
  private static final Pattern TIME = Pattern.compile("Time: ([0-9.]+) ms");
  private static final Pattern AVERAGE = Pattern.compile("latency average = ([0-9.]+) ms");

  @TempDir Path folder;
  private ChaosMesh mesh;

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    mesh.startStores();
    Map<String, String> faults = new LinkedHashMap<>();
    for (String service : List.of("cache", "db", "ws")) {
      String at = "where: connection\nmatch: {destination: {services: [" + service + "]}}\n";
      for (String way : List.of("upstream", "downstream", "both")) {
        faults.put(
            "late-" + service + "-" + way, at + "latency: {latency: 80ms, direction: " + way + "}");
      }
      faults.put("torn-" + service, at + "resetPeer: {}");
      faults.put("narrow-" + service, at + "bandwidth: {rate: 1Mi, direction: downstream}");
      faults.put("refused-" + service, at + "refuse: {}");
    }
    faults.put(
        "late-benchmark",
        "where: connection\nmatch: {destination: {services: [db]}}\n"
            + "latency: {latency: 80ms, direction: downstream}");
    faults.put(
        "upgrade", "where: request\nmatch: {destination: {services: [ws]}}\ndelay: {fixed: 100ms}");
    faults.put(
        "no-upgrade",
        "where: request\nmatch: {destination: {services: [ws]}}\nabort: {httpStatus: 503}");
    mesh.define("stores", faults);
  }

  private interface Milliseconds {
    double middle() throws Exception;
  }

  /** What a fault adds, measured between two of the same without it. */
  private double added(String experiment, Milliseconds measured) throws Exception {
    double before = measured.middle();
    double with;
    try (ChaosMesh.Run _ = mesh.run(experiment)) {
      with = measured.middle();
    }
    return with - (before + measured.middle()) / 2;
  }

  private double redis() throws Exception {
    String said =
        mesh.run(
            List.of(
                Peers.require("redis-benchmark"),
                "-p",
                Integer.toString(mesh.tcp("cache")),
                "-c",
                "1",
                "-n",
                Integer.toString(sized(6, 100)),
                "-t",
                "ping_mbulk",
                "--csv"));
    Matcher fields = Pattern.compile("\"PING_MBULK\"(,\"([0-9.]+)\"){4}").matcher(said);
    assertThat(fields.find()).as(said).isTrue();
    return Double.parseDouble(fields.group(2));
  }

  private List<String> psql(String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("psql"),
                "-X",
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                Integer.toString(mesh.tcp("db")),
                "-U",
                "shop",
                "-d",
                "postgres"));
    command.addAll(List.of(more));
    return command;
  }

  private double psqlMillis() throws Exception {
    int count = sized(6, 100);
    Path script = folder.resolve("script.sql");
    Files.writeString(script, "\\timing on\n" + "SELECT 1;\n".repeat(count));
    Matcher times = TIME.matcher(mesh.run(psql("-f", script.toString())));
    List<Double> all = new ArrayList<>();
    while (times.find()) {
      all.add(Double.parseDouble(times.group(1)));
    }
    assertThat(all).hasSize(count);
    return Measurements.median(all);
  }

  private double pgbench() throws Exception {
    Path script = folder.resolve("one.sql");
    Files.writeString(script, "SELECT 1;\n");
    Matcher said =
        AVERAGE.matcher(
            mesh.run(
                List.of(
                    Peers.require("pgbench"),
                    "-n",
                    "-c",
                    "1",
                    "-t",
                    Integer.toString(sized(6, 100)),
                    "-f",
                    script.toString(),
                    "-h",
                    "127.0.0.1",
                    "-p",
                    Integer.toString(mesh.tcp("db")),
                    "-U",
                    "shop",
                    "postgres")));
    assertThat(said.find()).isTrue();
    return Double.parseDouble(said.group(1));
  }

  @ParameterizedTest
  @CsvSource({"upstream,80", "downstream,80", "both,160"})
  void redisIsLate(String way, double wanted) throws Exception {
    Measurements.millis(
        "latency of 80 ms added, " + way + ", redis-benchmark",
        wanted,
        added("late-cache-" + way, this::redis),
        "p50");
  }

  @ParameterizedTest
  @CsvSource({"upstream,80", "downstream,80", "both,160"})
  void postgresIsLate(String way, double wanted) throws Exception {
    Measurements.millis(
        "latency of 80 ms added, " + way + ", psql",
        wanted,
        added("late-db-" + way, this::psqlMillis),
        "median");
  }

  @Test
  void postgresIsLateForItsBenchmark() throws Exception {
    Measurements.millis(
        "latency of 80 ms added, downstream, pgbench",
        80,
        added("late-benchmark", this::pgbench),
        "average");
  }

  @Test
  void aCopyIsAsSlowAsTheLine() throws Exception {
    int kilobytes = sized(500, 5000);
    try (ChaosMesh.Run _ = mesh.run("narrow-db")) {
      // What psql's timer says includes the query, not connecting.
      Path script = folder.resolve("copy.sql");
      Files.writeString(
          script,
          "\\timing on\n\\copy (SELECT repeat('x', 1017) FROM generate_series(1, "
              + kilobytes
              + ")) TO '"
              + folder.resolve("copied")
              + "'\n");
      Matcher time = TIME.matcher(mesh.run(psql("-f", script.toString())));
      assertThat(time.find()).isTrue();
      assertThat(Files.size(folder.resolve("copied"))).isEqualTo(1018L * kilobytes);
      // A row is a message with five bytes before it.
      double bytes = (1018.0 + 5) * kilobytes;
      Measurements.rate(
          "bandwidth of 1 MiB/s, downstream, psql COPY",
          RATE,
          bytes / (Double.parseDouble(time.group(1)) / 1000),
          "%.0f bytes".formatted(bytes));
    }
  }

  @Test
  void aSessionIsResetAndTheNextOneIsWell() throws Exception {
    for (String service : List.of("cache", "db")) {
      List<String> ask =
          service.equals("cache")
              ? List.of(
                  Peers.require("redis-cli"), "-p", Integer.toString(mesh.tcp("cache")), "PING")
              : psql("-tA", "-c", "SELECT 'PONG'");
      for (String fault : List.of("torn-", "refused-")) {
        try (ChaosMesh.Run _ = mesh.run(fault + service)) {
          ChaosMesh.Said said = mesh.tryRun(ask);
          assertThat(said.text())
              .containsPattern("(?i)reset by peer|closed the connection unexpectedly");
          Measurements.exactly(
              fault.replace("-", "") + ": " + ask.getFirst().replaceAll(".*/", "") + " fails",
              true,
              said.exit() != 0);
        }
        assertThat(mesh.run(ask)).contains("PONG");
      }
    }
  }

  /** A client with one message on its way at a time. */
  private final class Echoed implements WebSocket.Listener, AutoCloseable {
    private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;

    Echoed() throws Exception {
      socket =
          client
              .newWebSocketBuilder()
              .header("host", "ws.shop")
              .buildAsync(URI.create("ws://127.0.0.1:" + mesh.outbound() + "/"), this)
              .get(30, TimeUnit.SECONDS);
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      heard.add(data.toString());
      from.request(1);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      heard.add(error);
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket from, int status, String reason) {
      heard.add("closed with " + status);
      return null;
    }

    Object next() throws InterruptedException {
      Object next = heard.poll(30, TimeUnit.SECONDS);
      return next == null ? "nothing" : next;
    }

    double roundTrip() throws Exception {
      long began = System.nanoTime();
      socket.sendText("hello", true).get(30, TimeUnit.SECONDS);
      assertThat(next()).isEqualTo("hello");
      return (System.nanoTime() - began) / 1e6;
    }

    double middle() throws Exception {
      List<Double> all = new ArrayList<>();
      for (int i = 0; i < sized(6, 100); i++) {
        all.add(roundTrip());
      }
      return Measurements.median(all);
    }

    @Override
    public void close() {
      socket.abort();
      client.shutdownNow();
    }
  }

  @ParameterizedTest
  @CsvSource({"upstream,80", "downstream,80", "both,160"})
  void messagesOnAnOpenWebSocketAreLate(String way, double wanted) throws Exception {
    try (Echoed echoed = new Echoed()) {
      Measurements.millis(
          "latency of 80 ms added, " + way + ", open WebSocket",
          wanted,
          added("late-ws-" + way, echoed::middle),
          "median");
    }
  }

  @Test
  void anOpenWebSocketIsReset() throws Exception {
    try (Echoed echoed = new Echoed()) {
      assertThat(echoed.roundTrip()).isPositive();
      try (ChaosMesh.Run _ = mesh.run("torn-ws")) {
        Object heard = echoed.next();
        Measurements.exactly("RST on an open WebSocket", "Connection reset", causes(heard));
      }
    }
    try (Echoed echoed = new Echoed()) {
      assertThat(echoed.roundTrip()).isPositive();
    }
  }

  private static String causes(Object heard) {
    Object last = heard;
    for (Throwable cause = heard instanceof Throwable t ? t : null;
        cause != null;
        cause = cause.getCause()) {
      last = cause.getMessage() == null ? cause : cause.getMessage();
    }
    return String.valueOf(last);
  }

  @Test
  void anUpgradeIsLateOrRefused() throws Exception {
    double added =
        added(
            "upgrade",
            () -> {
              List<Double> all = new ArrayList<>();
              for (int i = 0; i < sized(4, 30); i++) {
                long began = System.nanoTime();
                try (Echoed _ = new Echoed()) {
                  all.add((System.nanoTime() - began) / 1e6);
                }
              }
              return Measurements.median(all);
            });
    Measurements.millis("delay of 100 ms added, request, WebSocket", 100, added, "median");
    try (ChaosMesh.Run _ = mesh.run("no-upgrade")) {
      assertThatThrownBy(Echoed::new)
          .isInstanceOf(ExecutionException.class)
          .hasStackTraceContaining("status code 503");
    }
  }
}
