package dev.outrigger.e2e.harness;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** A real OpenTelemetry collector that writes what it is sent into files, which are read here. */
public final class Collector implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path folder;
  private final int grpc;
  private final int http;
  private final Launched process;

  private Collector(Path folder, int grpc, int http, Launched process) {
    this.folder = folder;
    this.grpc = grpc;
    this.http = http;
    this.process = process;
  }

  /**
   * A span as OTLP has it.
   *
   * @param kind {@code server} or {@code client}
   * @param attributes those whose value is a string
   */
  public record Span(
      String service,
      String trace,
      String kind,
      String id,
      String parent,
      String name,
      Map<String, String> attributes) {
    public Span {
      attributes = Map.copyOf(attributes);
    }
  }

  /** Starts one on free ports and waits until it is ready. */
  public static Collector start(Path folder) throws IOException {
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
    Launched process =
        Launched.start(
            folder, "collector", List.of(Peers.require("otelcol"), "--config=" + config));
    process.await(Pattern.compile("Everything is ready"), PATIENCE);
    return new Collector(folder, ports.get(0), ports.get(1), process);
  }

  /**
   * The environment of whoever is to report to it, often.
   *
   * @param protocol {@code grpc} or {@code http/protobuf}
   */
  public Map<String, String> environment(String protocol) {
    return Map.of(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://127.0.0.1:" + (protocol.equals("grpc") ? grpc : http),
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        protocol,
        "OTEL_BSP_SCHEDULE_DELAY",
        "100",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "500");
  }

  /** The spans of a trace that have come so far. */
  public List<Span> spans(String trace) throws IOException {
    List<Span> spans = new ArrayList<>();
    for (JsonObject document : written("traces")) {
      for (JsonElement resource : document.getAsJsonArray("resourceSpans")) {
        for (JsonElement scope : resource.getAsJsonObject().getAsJsonArray("scopeSpans")) {
          for (JsonElement element : scope.getAsJsonObject().getAsJsonArray("spans")) {
            JsonObject span = element.getAsJsonObject();
            if (span.get("traceId").getAsString().equals(trace)) {
              spans.add(
                  new Span(
                      service(resource),
                      trace,
                      // opentelemetry-proto: SpanKind
                      span.get("kind").getAsInt() == 2 ? "server" : "client",
                      span.get("spanId").getAsString(),
                      span.get("parentSpanId").getAsString(),
                      span.get("name").getAsString(),
                      strings(span.getAsJsonArray("attributes"))));
            }
          }
        }
      }
    }
    return spans;
  }

  /** The metrics that have come so far, each as its service and its name with a space between. */
  public List<String> metrics() throws IOException {
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

  /** What it has written: JSON documents, one after the other. */
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
    return strings(
            resource.getAsJsonObject().getAsJsonObject("resource").getAsJsonArray("attributes"))
        .getOrDefault("service.name", "");
  }

  private static Map<String, String> strings(JsonArray attributes) {
    Map<String, String> all = new LinkedHashMap<>();
    for (JsonElement attribute : attributes == null ? new JsonArray() : attributes) {
      JsonObject one = attribute.getAsJsonObject();
      JsonElement value = one.getAsJsonObject("value").get("stringValue");
      if (value != null) {
        all.put(one.get("key").getAsString(), value.getAsString());
      }
    }
    return all;
  }

  @Override
  public void close() {
    process.close();
  }
}
