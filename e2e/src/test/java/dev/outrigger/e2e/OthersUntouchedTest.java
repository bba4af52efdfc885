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
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who is not meant does not even get slower. Each call is made in two meshes that are alike, one
 * right after the other, and what counts is how the two compare while there is a fault in one, and
 * while there is none: on machines that run others' work as well, the same call takes twice as long
 * a second later.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class OthersUntouchedTest {
  private static final double LITTLE = 0.05;

  /** How often it is measured with a fault, each time between two without. */
  private static final int PAIRS = 8;

  private ChaosMesh mesh;
  private ChaosMesh twin;
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
    mesh.define("apart", PAIRS + 1, faults);
    twin = ChaosMesh.another();
    if (Measurements.full()) {
      cores = Runtime.getRuntime().availableProcessors();
      mesh.shareOneCore(twin);
    }
  }

  @AfterAll
  void letsGo() throws Exception {
    if (twin != null) {
      twin.close();
    }
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

  private static Map<String, Bystander> bystanders(ChaosMesh mesh) throws IOException {
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

  private static double millis(Bystander bystander) throws IOException {
    long began = System.nanoTime();
    bystander.ask();
    return (System.nanoTime() - began) / 1e6;
  }

  /** The p50 of one beside that of the other; the middle of several short windows. */
  private static double beside(Bystander one, Bystander other) throws IOException {
    List<Double> windows = new ArrayList<>();
    for (int window = 0; window < sized(1, 4); window++) {
      List<Double> ours = new ArrayList<>();
      List<Double> others = new ArrayList<>();
      for (int i = 0; i < sized(50, 250); i++) {
        if (i % 2 == 0) {
          ours.add(millis(one));
          others.add(millis(other));
        } else {
          others.add(millis(other));
          ours.add(millis(one));
        }
      }
      windows.add(Measurements.median(ours) / Measurements.median(others));
    }
    return Measurements.median(windows);
  }

  private static Map<String, Double> beside(
      Map<String, Bystander> ours, Map<String, Bystander> others) throws IOException {
    Map<String, Double> ratios = new LinkedHashMap<>();
    for (Map.Entry<String, Bystander> one : ours.entrySet()) {
      ratios.put(
          one.getKey(), beside(one.getValue(), Objects.requireNonNull(others.get(one.getKey()))));
    }
    return ratios;
  }

  private Map<String, Double> duringRun(
      String name, PlainClient met, Map<String, Bystander> ours, Map<String, Bystander> others)
      throws IOException {
    try (ChaosMesh.Run _ = mesh.run(name)) {
      long began = System.nanoTime();
      assertThat(met.get("web.shop", "/").status()).isEqualTo(200);
      assertThat(System.nanoTime() - began).isGreaterThan(99_000_000);
      return beside(ours, others);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound", "connection"})
  void theirMiddleStays(String place) throws Exception {
    Map<String, Bystander> ours = bystanders(mesh);
    Map<String, Bystander> others = bystanders(twin);
    try (PlainClient met = new PlainClient(mesh.outbound())) {
      for (int i = 0; i < sized(1, 3); i++) {
        beside(ours, others);
      }
      duringRun("apart-" + place + "-" + PAIRS, met, ours, others); // compiles the ways of faults
      Map<String, List<Double>> ratios = new LinkedHashMap<>();
      Map<String, Double> before = beside(ours, others);
      for (int pair = 0; pair < sized(1, PAIRS); pair++) {
        Map<String, Double> with = duringRun("apart-" + place + "-" + pair, met, ours, others);
        Map<String, Double> after = beside(ours, others);
        for (Map.Entry<String, Double> one : with.entrySet()) {
          double without =
              (before.getOrDefault(one.getKey(), 0.0) + after.getOrDefault(one.getKey(), 0.0)) / 2;
          ratios
              .computeIfAbsent(one.getKey(), _ -> new ArrayList<>())
              .add(one.getValue() / without);
        }
        before = after;
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
      for (Bystander one : ours.values()) {
        one.close();
      }
      for (Bystander one : others.values()) {
        one.close();
      }
    }
  }
}
