package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two hops with an application between them that hands {@code traceparent} and {@code tracestate}
 * on, as applications with any tracing library do: both are hit, or none.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OneChoicePerTraceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int TRACES = 200;

  private App back;
  private App middle;
  private Sidecar caller;
  private Sidecar between;
  private Sidecar last;
  private LoopbackMesh mesh;
  private PlainClient client;

  /** What became of both hops of one trace, and what state reached the application between. */
  private record Trace(boolean first, boolean second, String state) {}

  private static String experiment(String name, boolean perTrace) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: half of the traces are late on all their hops
      owner: tests
      duration: 10m
      lease: 2s
      seed: 42
      faults:
      - name: f
        where: request
        match: {destination: {services: [middle, back]}}
        delay: {fixed: 1ms}
        percentage: 50%%
        perTrace: %s
    ---
    """
        .formatted(name, perTrace);
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    back = App.saying("well");
    middle = App.answering(this::passOn);
    caller = Sidecar.beside("caller-1", "caller", 1);
    between = Sidecar.beside("middle-1", "middle", middle.port());
    last = Sidecar.beside("back-1", "back", back.port());
    mesh = new LoopbackMesh(folder);
    mesh.write(
        "mesh.yaml",
        // Outsiders are let in here, and are outsiders all the same.
        LoopbackMesh.settings("PERMISSIVE")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("middle", "http")
            + LoopbackMesh.service("back", "http")
            + caller.yaml("http")
            + between.yaml("http")
            + last.yaml("http"));
    mesh.write("experiments.yaml", experiment("together", true) + experiment("each", false));
    mesh.startControlPlane();
    for (Sidecar one : List.of(caller, between, last)) {
      mesh.startProxy(one, Map.of(), "--drain-time=1s");
    }
    for (Sidecar one : List.of(caller, between, last)) {
      mesh.awaitReady(one);
    }
    client = new PlainClient(caller.outbound());
    Awaitility.await().atMost(PATIENCE).until(() -> answer(client).status() == 200);
  }

  @AfterAll
  void ends() throws IOException {
    mesh.close();
    client.close();
    middle.close();
    back.close();
  }

  /** Calls on through its own sidecar; says whether that was hit, and which state it was given. */
  private String passOn(HttpExchange exchange) throws IOException {
    Headers given = exchange.getRequestHeaders();
    List<String> handedOn = new ArrayList<>();
    for (String name : List.of("traceparent", "tracestate")) {
      given.getOrDefault(name, List.of()).forEach(value -> handedOn.add(name + ": " + value));
    }
    try (PlainClient onward = new PlainClient(between.outbound())) {
      Answer answer = onward.get("back.shop", "/", handedOn.toArray(String[]::new));
      if (answer.status() != 200) {
        return "status " + answer.status();
      }
      return (isHit(answer) ? "hit " : "spared ")
          + String.join(",", given.getOrDefault("tracestate", List.of()));
    }
  }

  private static boolean isHit(Answer answer) {
    return answer.header("x-outrigger-fault") != null;
  }

  private static Answer answer(PlainClient client, String... headers) throws IOException {
    return client.get("middle.shop", "/", headers);
  }

  private static Trace trace(PlainClient client, String... headers) throws IOException {
    Answer answer = answer(client, headers);
    String text = answer.text();
    assertThat(text).matches("(hit|spared) .*");
    return new Trace(isHit(answer), text.startsWith("hit"), text.substring(text.indexOf(' ') + 1));
  }

  private void start(String name) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                    .contains("Running"));
    for (Sidecar one : List.of(caller, between)) {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> LoopbackMesh.admin(one, "/faults").text().contains(name + "/f "));
    }
  }

  private static String parent(int trace) {
    // Spread as real ids are, and the same in each run.
    long mixed = (trace + 1) * 0x9E3779B97F4A7C15L;
    return "traceparent: 00-%016x%016x-00000000000000aa-01".formatted(mixed, ~mixed);
  }

  @Test
  void allHopsOfATraceAgreeAndWhatAnOutsiderChoosesIsRefused() throws Exception {
    start("together");
    int hit = 0;
    for (int i = 0; i < TRACES; i++) {
      // With and without a trace that began before the mesh.
      Trace trace = i % 2 == 0 ? trace(client, parent(i)) : trace(client);
      assertThat(trace.second()).as("trace %d", i).isEqualTo(trace.first());
      assertThat(trace.state()).contains("outrigger=t:");
      hit += trace.first() ? 1 : 0;
    }
    assertThat(hit).isBetween(60, 140);

    // A member of the mesh chose for the whole trace, also where the trace's own id says else.
    String chosen = "tracestate: vendor=kept,outrigger=t:0123456789abcdef";
    boolean first = trace(client, parent(0), chosen).first();
    for (int i = 0; i < 40; i++) {
      Trace trace = trace(client, parent(i), chosen);
      assertThat(trace.first()).isEqualTo(first);
      assertThat(trace.second()).isEqualTo(first);
    }

    // The same words of somebody outside are taken away at the first proxy.
    int outsiders = 0;
    try (PlainClient outsider = new PlainClient(between.inbound())) {
      for (int i = 0; i < 60; i++) {
        Trace trace = trace(outsider, parent(i), chosen);
        assertThat(trace.state()).isEqualTo("vendor=kept");
        outsiders += trace.second() ? 1 : 0;
      }
    }
    assertThat(outsiders).isBetween(10, 50);
    mesh.call("/api/v1/halt", "{\"who\": \"test\"}");

    // Without the option each hop rolls for itself.
    start("each");
    int agree = 0;
    for (int i = 0; i < TRACES; i++) {
      Trace trace = trace(client, parent(i));
      agree += trace.first() == trace.second() ? 1 : 0;
    }
    assertThat(agree).isBetween(60, 140);
  }
}
