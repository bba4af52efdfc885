package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.Measurements.sized;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.ChaosMesh;
import dev.outrigger.e2e.harness.Curl;
import dev.outrigger.e2e.harness.Curl.Seen;
import dev.outrigger.e2e.harness.GrpcCalls;
import dev.outrigger.e2e.harness.GrpcCalls.Call;
import dev.outrigger.e2e.harness.Measurements;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** curl and a gRPC client count what faults on requests do, at each place where they can be. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("measured")
@ExtendWith(ChaosMesh.Shared.class)
class RequestFaultsMeasuredTest {
  private static final double SHARE = 0.2;
  private static final String FIFTH = "percentage: 20%\n";
  private static final int FIRST = 37;
  private static final int RATE = 2 << 20;

  private ChaosMesh mesh;

  private static String at(String place, String service, String fault) {
    return "where: "
        + place
        + "\nmatch: {destination: {services: ["
        + service
        + "]}}\n"
        + fault
        + "\n";
  }

  @BeforeAll
  void defines(ChaosMesh mesh) throws Exception {
    this.mesh = mesh;
    Map<String, String> faults = new LinkedHashMap<>();
    for (String place : List.of("request", "attempt", "inbound")) {
      faults.put("abort-" + place, at(place, "web", "abort: {httpStatus: 418}\n" + FIFTH));
      faults.put("grpc-" + place, at(place, "words", "abort: {grpcStatus: 8}\n" + FIFTH));
      faults.put("reset-" + place, at(place, "web", "reset: {}\n" + FIFTH));
      faults.put("delay-" + place, at(place, "web", "delay: {fixed: 20ms}\n" + FIFTH));
      faults.put("late-" + place, at(place, "web", "delay: {fixed: 100ms}"));
      faults.put("grpc-late-" + place, at(place, "words", "delay: {fixed: 100ms}"));
      faults.put("first-" + place, at(place, "web", "abort: {httpStatus: 503}\nfirst: " + FIRST));
      if (!place.equals("attempt")) {
        faults.put("throttle-" + place, at(place, "web", "throttle: {rate: 1Gi}\n" + FIFTH));
        faults.put("slow-" + place, at(place, "web", "throttle: {rate: 2Mi}"));
        faults.put(
            "rewrite-" + place,
            at(
                place,
                "web",
                "rewrite: {request: {set: {x-tenant: nobody}},"
                    + " response: {status: 429, set: {retry-after: \"7\"}}}\n"
                    + FIFTH));
      }
    }
    mesh.define("requests", faults);
  }

  /** Counts those that are hit, each of which is what it should be; the others are as ever. */
  private void share(
      String experiment, String what, String path, Predicate<Seen> hit, String... arguments)
      throws Exception {
    int count = sized(150, 10_000);
    List<Seen> all;
    try (ChaosMesh.Run _ = mesh.run(experiment)) {
      all = Curl.get(mesh, "web", path, count, arguments);
      // Nobody else is touched.
      assertThat(Curl.get(mesh, "other", "/", sized(20, 500)))
          .allMatch(seen -> seen.status() == 200 && seen.fault().isEmpty());
    }
    List<Seen> hits = all.stream().filter(hit).toList();
    assertThat(all.stream().filter(hit.negate()))
        .as(experiment)
        .allMatch(seen -> seen.status() == 200 && seen.exit() == 0 && seen.fault().isEmpty());
    Measurements.share(what, hits.size(), count, SHARE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound"})
  void aFifthIsAborted(String place) throws Exception {
    String name = "abort-" + place;
    share(
        name,
        "abort with a status, " + place + ", curl",
        "/",
        seen -> seen.status() == 418 && seen.fault().equals(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound"})
  void aFifthOfCallsEndsWithAGrpcStatus(String place) {
    String name = "grpc-" + place;
    int count = sized(150, 10_000);
    List<Call> all;
    try (GrpcCalls calls = new GrpcCalls(mesh);
        ChaosMesh.Run _ = mesh.run(name)) {
      all = calls.call(count);
    }
    long hits =
        all.stream()
            .filter(c -> c.code() == Status.Code.RESOURCE_EXHAUSTED && name.equals(c.fault()))
            .count();
    assertThat(all.stream().filter(c -> c.code() != Status.Code.OK).count()).isEqualTo(hits);
    Measurements.share("abort with a gRPC status, " + place + ", gRPC", hits, count, SHARE);
  }

  @Test
  void aFifthIsResetForTheCaller() throws Exception {
    // On a connection of its own curl does not try again by itself.
    share(
        "reset-request",
        "reset seen as RST, request, curl",
        "/",
        seen -> seen.exit() == 56 && seen.error().contains("reset by peer"),
        "-H",
        "Connection: close");
  }

  @ParameterizedTest
  @ValueSource(strings = {"attempt", "inbound"})
  void aFifthIsResetForTheCallersProxy(String place) throws Exception {
    share(
        "reset-" + place,
        "reset, " + place + ", curl: 503",
        "/",
        seen -> seen.status() == 503 && seen.exit() == 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound"})
  void aFifthIsDelayed(String place) throws Exception {
    String name = "delay-" + place;
    share(
        name,
        "delay of 20 ms, " + place + ", curl",
        "/",
        seen -> seen.fault().equals(name) && seen.status() == 200 && seen.first() >= 19.5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "inbound"})
  void theBodiesOfAFifthAreSlow(String place) throws Exception {
    String name = "throttle-" + place;
    share(
        name,
        "throttle, " + place + ", curl",
        "/",
        seen -> seen.fault().equals(name) && seen.status() == 200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "inbound"})
  void aFifthIsRewritten(String place) throws Exception {
    String name = "rewrite-" + place;
    share(
        name,
        "rewrite, " + place + ", curl",
        "/",
        // "fine nobody\n": the application saw the other header.
        seen -> seen.fault().equals(name) && seen.status() == 429 && seen.bytes() == 12);
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound"})
  void justTheFirstFail(String place) throws Exception {
    List<Seen> all;
    try (ChaosMesh.Run _ = mesh.run("first-" + place)) {
      all = Curl.get(mesh, "web", "/", sized(100, 10_000));
    }
    assertThat(all.subList(0, FIRST)).allMatch(seen -> seen.status() == 503);
    Measurements.exactly(
        "the first " + FIRST + " fail, then all pass, " + place + ", curl",
        (long) FIRST,
        all.stream().filter(seen -> seen.status() == 503).count());
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "attempt", "inbound"})
  void aDelayIsAsLongAsWritten(String place) throws Exception {
    int count = sized(8, 100);
    List<Double> without = firstBytes(count);
    List<Double> with;
    try (ChaosMesh.Run _ = mesh.run("late-" + place)) {
      with = firstBytes(count);
    }
    without.addAll(firstBytes(count));
    Measurements.millis(
        "delay of 100 ms added, " + place + ", curl",
        100,
        Measurements.median(with) - Measurements.median(without),
        "median of " + count);
    try (GrpcCalls calls = new GrpcCalls(mesh)) {
      List<Double> plain = millis(calls.call(count));
      List<Double> late;
      try (ChaosMesh.Run _ = mesh.run("grpc-late-" + place)) {
        late = millis(calls.call(count));
      }
      plain.addAll(millis(calls.call(count)));
      Measurements.millis(
          "delay of 100 ms added, " + place + ", gRPC",
          100,
          Measurements.median(late) - Measurements.median(plain),
          "median of " + count);
    }
  }

  private static List<Double> millis(List<Call> calls) {
    assertThat(calls).allMatch(call -> call.code() == Status.Code.OK);
    return new ArrayList<>(calls.stream().skip(3).map(Call::millis).toList());
  }

  private List<Double> firstBytes(int count) throws Exception {
    List<Seen> all = Curl.get(mesh, "web", "/", count);
    assertThat(all).allMatch(seen -> seen.status() == 200);
    return new ArrayList<>(all.stream().skip(3).map(Seen::first).toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "inbound"})
  void aBodyComesAsFastAsWritten(String place) throws Exception {
    List<Seen> all;
    try (ChaosMesh.Run _ = mesh.run("slow-" + place)) {
      all = Curl.get(mesh, "web", "/big", sized(1, 5));
    }
    assertThat(all).allMatch(seen -> seen.bytes() == ChaosMesh.BIG && seen.exit() == 0);
    double middle = Measurements.median(all.stream().map(s -> s.total() - s.first()).toList());
    Measurements.rate(
        "throttle to 2 MiB/s, " + place + ", curl",
        RATE,
        ChaosMesh.BIG / (middle / 1000),
        "median of " + all.size() + " bodies of 1 MiB");
  }
}
