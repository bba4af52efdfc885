package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ByteServer;
import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.Together;
import java.net.Socket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The quantiles of delays are those of the distribution that was asked for. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class DistributionsMeasuredTest {
  private static final int AT_A_TIME = sized(8, 16);
  private static final double SURE = 3;
  private static final double[] QUANTILES = {0.1, 0.5, 0.9, 0.99};

  /** Of 10%, 50%, 90% and 99% by the books, for the mean 0 and the deviation 1. */
  private static final double[] BELL = {-4, -1.2815516, 0, 1.2815516, 2.3263479, 4};

  private static final double[] BELL_AT = {0.00003, 0.1, 0.5, 0.9, 0.99, 0.99997};

  /** What is written, and its quantiles as documented, in milliseconds. */
  enum Shape {
    JITTER("%s: 60ms, jitter: 40ms", share -> 20 + 80 * share),
    NORMAL("%s: 80ms, jitter: 15ms, distribution: normal", share -> 80 + 15 * bell(share)),
    PARETO(
        "%s: 60ms, jitter: 20ms, distribution: pareto",
        share -> 60 + 20 * (1 / Math.cbrt(1 - share) - 1.5) / Math.sqrt(0.75)),
    TABLE(
        "quantiles: {p0: 20ms, p50: 40ms, p90: 120ms, p99: 200ms, p100: 300ms}",
        line(new double[] {0, 0.5, 0.9, 0.99, 1}, new double[] {20, 40, 120, 200, 300})),
    HISTOGRAM(
        "histogram: {'0.02': 0, '0.04': 500, '0.12': 900, '0.2': 990, '+Inf': 1000}",
        line(new double[] {0, 0.5, 0.9, 0.99, 1}, new double[] {20, 40, 120, 200, 200}));

    private final String settings;
    private final DoubleUnaryOperator quantile;

    Shape(String settings, DoubleUnaryOperator quantile) {
      this.settings = settings;
      this.quantile = quantile;
    }

    private String text() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    private static double bell(double share) {
      return line(BELL_AT, BELL).applyAsDouble(share);
    }
  }

  private ChaosMesh mesh;

  private static DoubleUnaryOperator line(double[] at, double[] values) {
    return share -> {
      if (share <= at[0]) {
        return values[0];
      }
      for (int i = 1; i < at.length; i++) {
        if (share <= at[i]) {
          double part = (share - at[i - 1]) / (at[i] - at[i - 1]);
          return values[i - 1] + part * (values[i] - values[i - 1]);
        }
      }
      return values[values.length - 1];
    };
  }

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    for (Shape shape : Shape.values()) {
      faults.put(
          "delay-as-" + shape.text(),
          "where: request\nmatch: {destination: {services: [web]}}\n"
              + "delay: {"
              + shape.settings.formatted("fixed")
              + "}");
      faults.put(
          "latency-as-" + shape.text(),
          "where: connection\nmatch: {destination: {services: [raw]}}\n"
              + "latency: {"
              + shape.settings.formatted("latency")
              + ", direction: downstream}");
    }
    faults.put(
        "recorded",
        "where: request\nmatch: {destination: {services: [web]}}\n"
            + "delay: {fixed: 60ms, jitter: 20ms, distribution: pareto}");
    mesh.define("shapes", faults);
  }

  private interface Asking {
    double millis() throws Exception;
  }

  private interface Opening {
    List<Double> many(int count) throws Exception;
  }

  private static List<Double> many(int count, Asking asking) throws Exception {
    List<Double> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(asking.millis());
    }
    return all;
  }

  private List<Double> http(int count) throws Exception {
    try (PlainClient client = new PlainClient(mesh.outbound())) {
      return many(
          count,
          () -> {
            long began = System.nanoTime();
            assertThat(client.get("web.shop", "/").status()).isEqualTo(200);
            return (System.nanoTime() - began) / 1e6;
          });
    }
  }

  private List<Double> tcp(int count) throws Exception {
    try (Socket socket = ByteServer.call(mesh.tcp("raw"), "echo")) {
      return many(
          count,
          () -> {
            long began = System.nanoTime();
            socket.getOutputStream().write('x');
            assertThat(socket.getInputStream().read()).isEqualTo('x');
            return (System.nanoTime() - began) / 1e6;
          });
    }
  }

  private List<Double> together(Opening opening) throws Exception {
    int each = sized(64, 4_000) / AT_A_TIME;
    Callable<List<Double>> one = () -> opening.many(each);
    List<Double> all = new ArrayList<>();
    Together.times(AT_A_TIME, AT_A_TIME, _ -> one).forEach(all::addAll);
    return all;
  }

  /** What a call takes without a fault, once proxies that have just begun are warm. */
  private static double plain(Opening opening) throws Exception {
    var _ = opening.many(sized(10, 300));
    return Measurements.median(opening.many(30));
  }

  private void judge(String what, DoubleUnaryOperator wanted, List<Double> all, double plain) {
    for (double share : QUANTILES) {
      double measured = Measurements.quantile(all, share) - plain;
      double stray = SURE * Math.sqrt(share * (1 - share) / all.size());
      Measurements.quantile(
          what + ", p" + Math.round(100 * share),
          wanted.applyAsDouble(share),
          wanted.applyAsDouble(Math.max(0, share - stray)),
          wanted.applyAsDouble(Math.min(0.9999, share + stray)),
          measured,
          all.size());
    }
  }

  @ParameterizedTest
  @EnumSource
  void requestsAreLate(Shape shape) throws Exception {
    double plain = plain(this::http);
    List<Double> all;
    try (ChaosMesh.Run _ = mesh.run("delay-as-" + shape.text())) {
      all = together(this::http);
    }
    judge("delay, " + shape.text() + ", HTTP", shape.quantile, all, plain);
  }

  @ParameterizedTest
  @EnumSource
  void bytesAreLate(Shape shape) throws Exception {
    double plain = plain(this::tcp);
    List<Double> all;
    try (ChaosMesh.Run _ = mesh.run("latency-as-" + shape.text())) {
      all = together(this::tcp);
    }
    judge("latency, " + shape.text() + ", TCP", shape.quantile, all, plain);
  }

  @Test
  void whatWasRecordedIsPlayedAgain() throws Exception {
    double plain = plain(this::http);
    List<Double> recorded;
    try (ChaosMesh.Run _ = mesh.run("recorded")) {
      recorded = together(this::http);
    }
    recorded.replaceAll(value -> Math.max(0, value - plain));
    double[] at = new double[100];
    double[] values = new double[100];
    StringBuilder table = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      at[i] = i / 100.0;
      values[i] = Math.round(1000 * Measurements.quantile(recorded, at[i])) / 1000.0;
      table.append(i == 0 ? "" : ", ").append("p" + i + ": " + Math.round(1000 * values[i]) + "us");
    }
    mesh.define(
        "replay",
        Map.of(
            "replay",
            "where: request\nmatch: {destination: {services: [web]}}\ndelay: {quantiles: {"
                + table
                + "}}"));
    List<Double> played;
    try (ChaosMesh.Run _ = mesh.run("replay")) {
      played = together(this::http);
    }
    judge("delay, replayed from a recording, HTTP", line(at, values), played, plain);
  }
}
