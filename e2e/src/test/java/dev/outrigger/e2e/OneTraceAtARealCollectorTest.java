package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
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

  private record Span(String service, String kind, String id, String parent, String name) {}

  /** What the collector has written: JSON documents, one after the other. */
  private List<JsonObject> written(String signal) throws IOException {
    Path file = folder.resolve(signal + ".json");
    List<JsonObject> all = new ArrayList<>();
    if (Files.exists(file)) {
      String text = Files.readString(file);
      // The last line may be half written.
      for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n", -1)) {
        if (!line.isBlank()) {
          all.add(JsonParser.parseString(line).getAsJsonObject());
        }
      }
    }
    return all;
  }

  private static String service(JsonElement resource) {
    for (JsonElement attribute :
        resource.getAsJsonObject().getAsJsonObject("resource").getAsJsonArray("attributes")) {
      JsonObject one = attribute.getAsJsonObject();
      if (one.get("key").getAsString().equals("service.name")) {
        return one.getAsJsonObject("value").get("stringValue").getAsString();
      }
    }
    return "";
  }

  private List<Span> spans() throws IOException {
    List<Span> spans = new ArrayList<>();
    for (JsonObject document : written("traces")) {
      for (JsonElement resource : document.getAsJsonArray("resourceSpans")) {
        for (JsonElement scope : resource.getAsJsonObject().getAsJsonArray("scopeSpans")) {
          for (JsonElement element : scope.getAsJsonObject().getAsJsonArray("spans")) {
            JsonObject span = element.getAsJsonObject();
            if (span.get("traceId").getAsString().equals(TRACE)) {
              spans.add(
                  new Span(
                      service(resource),
                      // opentelemetry-proto: SpanKind
                      span.get("kind").getAsInt() == 2 ? "server" : "client",
                      span.get("spanId").getAsString(),
                      span.get("parentSpanId").getAsString(),
                      span.get("name").getAsString()));
            }
          }
        }
      }
    }
    return spans;
  }

  private List<String> metrics() throws IOException {
    List<String> names = new ArrayList<>();
    for (JsonObject document : written("metrics")) {
      for (JsonElement resource : document.getAsJsonArray("resourceMetrics")) {
        for (JsonElement scope : resource.getAsJsonObject().getAsJsonArray("scopeMetrics")) {
          for (JsonElement metric : scope.getAsJsonObject().getAsJsonArray("metrics")) {
            names.add(service(resource) + " " + metric.getAsJsonObject().get("name").getAsString());
          }
        }
      }
    }
    return names;
  }

  private static Span only(List<Span> spans, String service, String kind) {
    List<Span> found =
        spans.stream().filter(s -> s.service().equals(service) && s.kind().equals(kind)).toList();
    assertThat(found).as("%s span of %s in %s", kind, service, spans).hasSize(1);
    return found.getFirst();
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http/protobuf"})
  void theParentsAreRight(String protocol) throws Exception {
    List<Integer> ports = Peers.freePorts(2);
    Path config = folder.resolve("collector.yaml");
    Files.writeString(
        config,
        """
        receivers:
          otlp:
            protocols:
              grpc: {endpoint: "127.0.0.1:%d"}
              http: {endpoint: "127.0.0.1:%d"}
        exporters:
          file/traces: {path: "%s/traces.json", flush_interval: 100ms}
          file/metrics: {path: "%s/metrics.json", flush_interval: 100ms}
        service:
          telemetry: {metrics: {level: none}}
          pipelines:
            traces: {receivers: [otlp], exporters: [file/traces]}
            metrics: {receivers: [otlp], exporters: [file/metrics]}
        """
            .formatted(ports.get(0), ports.get(1), folder, folder));
    Map<String, String> environment =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://127.0.0.1:" + ports.get(protocol.equals("grpc") ? 0 : 1),
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            protocol,
            "OTEL_BSP_SCHEDULE_DELAY",
            "100",
            "OTEL_METRIC_EXPORT_INTERVAL",
            "500");
    List<String> seen = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (Launched collector =
            Launched.start(
                folder, "collector", List.of(Peers.require("otelcol"), "--config=" + config));
        App app =
            App.answering(
                exchange -> {
                  seen.add(exchange.getRequestHeaders().getFirst("Traceparent"));
                  seen.add(exchange.getRequestHeaders().getFirst("Tracestate"));
                  return "well";
                });
        LoopbackMesh mesh = new LoopbackMesh(folder)) {
      collector.await(Pattern.compile("Everything is ready"), PATIENCE);
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
          .untilAsserted(() -> assertThat(spans()).as(mesh::logs).hasSize(4));
      List<Span> spans = spans();
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
                  assertThat(metrics())
                      .contains(
                          services.get(0) + " outrigger_requests_total",
                          services.get(1) + " outrigger_requests_total",
                          services.get(1) + " outrigger_request_duration_seconds",
                          services.get(1) + " outrigger_downstream_connections_opened_total"));
    }
  }
}
