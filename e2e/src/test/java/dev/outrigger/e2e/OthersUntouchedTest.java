package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.GrpcCalls;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is not meant does not even get slower. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class OthersUntouchedTest {
  private static final double LITTLE = 0.05;

  /** How often it is measured with a fault, each time between two without. */
  private static final int PAIRS = 8;

  private ChaosMesh mesh;
  private int cores;

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    String web = "match: {destination: {services: [web]}}\n";
    for (String place : List.of("request", "attempt", "inbound")) {
      faults.put("apart-" + place, "where: " + place + "\n" + web + "delay: {fixed: 100ms}");
    }
    faults.put(
        "apart-connection",
        "where: connection\n" + web + "latency: {latency: 100ms, jitter: 50ms}");
    mesh.define("apart", PAIRS, faults);
    if (Measurements.full()) {
      cores = Runtime.getRuntime().availableProcessors();
      mesh.shareOneCore();
    }
  }

  @AfterAll
  void letsGo() throws Exception {
    if (cores > 0) {
      mesh.shareAllCores(cores);
    }
  }

  /** Someone who calls another service than that which is meant. */
  private interface Bystander extends AutoCloseable {
    void ask() throws IOException;

    @Override
    void close() throws IOException;
  }

  private Map<String, Bystander> bystanders() throws IOException {
    PlainClient http = new PlainClient(mesh.outbound());
    GrpcCalls grpc = new GrpcCalls(mesh);
    Socket tcp = ByteServer.call(mesh.tcp("raw"), "echo");
    Map<String, Bystander> all = new LinkedHashMap<>();
    all.put(
        "HTTP",
        new Bystander() {
          @Override
          public void ask() throws IOException {
            PlainClient.Answer answer = http.get("other.shop", "/");
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers()).doesNotContainKey("x-outrigger-fault");
          }

          @Override
          public void close() throws IOException {
            http.close();
          }
        });
    all.put(
        "gRPC",
        new Bystander() {
          @Override
          public void ask() {
            assertThat(grpc.call(1).getFirst().code()).isEqualTo(io.grpc.Status.Code.OK);
          }

          @Override
          public void close() {
            grpc.close();
          }
        });
    all.put(
        "TCP",
        new Bystander() {
          @Override
          public void ask() throws IOException {
            tcp.getOutputStream().write('x');
            assertThat(tcp.getInputStream().read()).isEqualTo('x');
          }

          @Override
          public void close() throws IOException {
            tcp.close();
          }
        });
    return all;
  }

  /**
   * The p50 of several short windows, and of these the lower quartile: what else the machine does
   * only ever makes a window slower, and rarely all of them.
   */
  private static double middle(Bystander bystander) throws IOException {
    List<Double> windows = new ArrayList<>();
    for (int window = 0; window < sized(1, 4); window++) {
      List<Double> all = new ArrayList<>();
      for (int i = 0; i < sized(50, 250); i++) {
        long began = System.nanoTime();
        bystander.ask();
        all.add((System.nanoTime() - began) / 1e6);
      }
      windows.add(Measurements.median(all));
    }
    return Measurements.quantile(windows, 0.25);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound", "connection"})
  void theirMiddleStays(String place) throws Exception {
    Map<String, Bystander> all = bystanders();
    try (PlainClient met = new PlainClient(mesh.outbound())) {
      for (Bystander one : all.values()) {
        for (int i = 0; i < sized(1, 3); i++) {
          middle(one);
        }
      }
      Map<String, List<Double>> ratios = new LinkedHashMap<>();
      for (int window = 0; window < sized(1, PAIRS); window++) {
        Map<String, Double> without = new LinkedHashMap<>();
        for (Map.Entry<String, Bystander> one : all.entrySet()) {
          without.put(one.getKey(), middle(one.getValue()));
        }
        Map<String, Double> with = new LinkedHashMap<>();
        try (ChaosMesh.Run _ = mesh.run("apart-" + place + "-" + window)) {
          long began = System.nanoTime();
          assertThat(met.get("web.shop", "/").status()).isEqualTo(200);
          assertThat(System.nanoTime() - began).isGreaterThan(99_000_000);
          for (Map.Entry<String, Bystander> one : all.entrySet()) {
            with.put(one.getKey(), middle(one.getValue()));
          }
        }
        for (Map.Entry<String, Bystander> one : all.entrySet()) {
          // Between two without, so that a machine that slows down is not taken for a fault.
          double before = without.getOrDefault(one.getKey(), 0.0);
          double after = middle(one.getValue());
          ratios
              .computeIfAbsent(one.getKey(), _ -> new ArrayList<>())
              .add(2 * with.getOrDefault(one.getKey(), 0.0) / (before + after));
        }
      }
      ratios.forEach(
          (who, each) ->
              Measurements.ratio(
                  "p50 of others with and without, " + place + ", " + who,
                  1 - LITTLE,
                  1 + LITTLE,
                  Measurements.median(each),
                  "pairs: " + each.stream().map("%.3f"::formatted).toList()));
    } finally {
      for (Bystander one : all.values()) {
        one.close();
      }
    }
  }
}
