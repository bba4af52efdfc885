package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Collector;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who is refused is told why by a code, and finds that code wherever they look next: access log,
 * metrics, span, and {@code outrigger explain}.
 */
class RefusalsSpeakEverywhereTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path folder;

  /**
   * A request that is refused.
   *
   * @param by the workload that refuses it
   */
  private record Refused(String host, int status, String code, String flags, String by) {
    String trace() {
      return "%032x".formatted(host.hashCode() & 0xffffffffL);
    }
  }

  private static final List<Refused> ALL =
      List.of(
          new Refused("nowhere.shop", 404, "no_route", "NR", "caller-1"),
          new Refused("gone.shop", 503, "connect_refused", "UF,URX", "caller-1"),
          new Refused("slow.shop", 504, "upstream_timeout", "UT", "caller-1"),
          new Refused("down.shop", 503, "connect_refused", "UF,URX", "down-1"));

  @Test
  void oneRequestsCodeIsTheSameEverywhere() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Collector collector = Collector.start(folder);
        App slow =
            App.answering(
                _ -> {
                  try {
                    over.await(20, TimeUnit.SECONDS);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  return "late";
                });
        LoopbackMesh mesh = new LoopbackMesh(folder)) {
      int nobody = Peers.freePorts(1).getFirst();
      Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
      Sidecar gone = Sidecar.beside("gone-1", "gone", nobody); // no sidecar runs there
      Sidecar sluggish = Sidecar.beside("slow-1", "slow", slow.port());
      Sidecar down = Sidecar.beside("down-1", "down", nobody); // a sidecar without an application
      StringBuilder yaml =
          new StringBuilder(LoopbackMesh.settings("STRICT"))
              .append("  accessLog: stdout\n  tracing: {sampling: 100%}\n");
      for (Sidecar one : List.of(gone, sluggish, down)) {
        yaml.append(LoopbackMesh.service(one.app(), "http")).append(one.yaml("http"));
      }
      mesh.write(
          "mesh.yaml",
          yaml.append(caller.yaml("http"))
              .append(
                  """
                  ---
                  apiVersion: mesh.outrigger.dev/v1alpha1
                  kind: TrafficPolicy
                  metadata: {name: slow, namespace: shop}
                  spec:
                    targetRefs: [{kind: Service, name: slow}]
                    timeouts: {request: 200ms}
                  """)
              .toString());
      mesh.startControlPlane();
      List<Sidecar> running = List.of(caller, sluggish, down);
      for (Sidecar one : running) {
        mesh.startProxy(one, collector.environment("grpc"));
      }
      running.forEach(mesh::awaitReady);

      Map<Refused, String> ids = new HashMap<>();
      try (PlainClient client = new PlainClient(caller.outbound())) {
        for (Refused refused : ALL) {
          PlainClient.Answer answer =
              client.get(
                  refused.host(),
                  "/",
                  "accept: application/problem+json",
                  "traceparent: 00-" + refused.trace() + "-b7ad6b7169203331-01");
          assertThat(answer.status()).as(refused + "\n" + mesh.logs()).isEqualTo(refused.status());
          assertThat(answer.header("x-outrigger-error")).isEqualTo(refused.code());
          assertThat(answer.header("x-outrigger-source"))
              .startsWith(refused.by().equals("caller-1") ? "outbound" : "inbound");
          JsonObject problem = JsonParser.parseString(answer.text()).getAsJsonObject();
          assertThat(problem.get("code").getAsString()).isEqualTo(refused.code());
          ids.put(refused, problem.get("requestId").getAsString());
        }
      } finally {
        over.countDown();
      }
      for (Refused refused : ALL) {
        Sidecar by = refused.by().equals("caller-1") ? caller : down;
        Awaitility.await()
            .atMost(PATIENCE)
            .untilAsserted(
                () -> {
                  JsonObject line = logged(mesh.proxy(by).said(), ids.get(refused));
                  assertThat(line.get("code").getAsString()).isEqualTo(refused.code());
                  assertThat(line.get("response_flags").getAsString()).isEqualTo(refused.flags());
                  assertThat(line.get("trace_id").getAsString()).isEqualTo(refused.trace());
                });
        assertThat(LoopbackMesh.admin(by, "/metrics").text())
            .containsPattern(
                "outrigger_requests_total\\{[^\n]*response_code=\"%d\",response_flags=\"%s\",code=\"%s\""
                    .formatted(refused.status(), refused.flags(), refused.code()));
        Awaitility.await()
            .atMost(PATIENCE)
            .untilAsserted(
                () ->
                    assertThat(collector.spans(refused.trace()))
                        .as(refused.toString())
                        .anySatisfy(
                            span -> {
                              assertThat(span.service()).contains(by.app());
                              assertThat(span.kind()).isEqualTo("server");
                              assertThat(span.attributes())
                                  .containsEntry("error.type", refused.code());
                            }));
        try (Launched explain =
            Launched.start(
                folder, "explain-" + refused.host(), Peers.outrigger("explain", refused.code()))) {
          assertThat(explain.exit(PATIENCE)).as(explain.said()).isZero();
          assertThat(explain.said()).contains(refused.code());
        }
      }
    }
  }

  /** The line of the access log about a request. */
  private static JsonObject logged(String said, String id) {
    List<JsonObject> lines =
        said.lines()
            .filter(line -> line.startsWith("{") && line.endsWith("}") && line.contains(id))
            .map(line -> JsonParser.parseString(line).getAsJsonObject())
            .toList();
    assertThat(lines).hasSize(1);
    return lines.getFirst();
  }
}
