package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Collector;
import dev.outrigger.e2e.harness.Collector.Span;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One request through two sidecars is one trace at an OpenTelemetry collector; metrics come too.
 */
class OneTraceAtARealCollectorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String CALLERS_SPAN = "b7ad6b7169203331";

  @TempDir private Path folder;

  private static Span only(List<Span> spans, String service, String kind) {
    List<Span> found =
        spans.stream().filter(s -> s.service().equals(service) && s.kind().equals(kind)).toList();
    assertThat(found).as("%s span of %s in %s", kind, service, spans).hasSize(1);
    return found.getFirst();
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http/protobuf"})
  void theParentsAreRight(String protocol) throws Exception {
    List<String> seen = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (Collector collector = Collector.start(folder);
        App app =
            App.answering(
                exchange -> {
                  seen.add(exchange.getRequestHeaders().getFirst("Traceparent"));
                  seen.add(exchange.getRequestHeaders().getFirst("Tracestate"));
                  return "well";
                });
        LoopbackMesh mesh = new LoopbackMesh(folder)) {
      Map<String, String> environment = collector.environment(protocol);
      Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
      Sidecar web = Sidecar.beside("web-1", "web", app.port());
      mesh.write(
          "mesh.yaml",
          LoopbackMesh.settings("STRICT")
              + "  tracing: {sampling: 100%}\n"
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      mesh.startControlPlane();
      mesh.startProxy(caller, environment);
      mesh.startProxy(web, environment);
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      try (PlainClient client = new PlainClient(caller.outbound())) {
        assertThat(
                client
                    .get(
                        "web.shop",
                        "/",
                        "traceparent: 00-" + TRACE + "-" + CALLERS_SPAN + "-01",
                        "tracestate: vendor=kept")
                    .status())
            .as(mesh::logs)
            .isEqualTo(200);
      }
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(collector.spans(TRACE)).as(mesh::logs).hasSize(4));
      List<Span> spans = collector.spans(TRACE);
      List<String> services = spans.stream().map(Span::service).distinct().sorted().toList();
      assertThat(services).hasSize(2);
      Span outServer = only(spans, services.get(0), "server");
      Span outClient = only(spans, services.get(0), "client");
      Span inServer = only(spans, services.get(1), "server");
      Span inClient = only(spans, services.get(1), "client");
      assertThat(services.get(0)).contains("caller");
      assertThat(services.get(1)).contains("web");
      assertThat(outServer.parent()).isEqualTo(CALLERS_SPAN);
      assertThat(outClient.parent()).isEqualTo(outServer.id());
      assertThat(inServer.parent()).isEqualTo(outClient.id());
      assertThat(inClient.parent()).isEqualTo(inServer.id());
      assertThat(seen).containsExactly("00-" + TRACE + "-" + inClient.id() + "-01", "vendor=kept");
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(collector.metrics())
                      .contains(
                          services.get(0) + " outrigger_requests_total",
                          services.get(1) + " outrigger_requests_total",
                          services.get(1) + " outrigger_request_duration_seconds",
                          services.get(1) + " outrigger_downstream_connections_opened_total"));
    }
  }
}
