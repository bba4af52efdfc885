package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Outcome;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

final class OtlpSpansTest {
  private final List<ResourceSpans> received = new CopyOnWriteArrayList<>();

  @Test
  void spansArriveByGrpc() throws Exception {
    Server collector =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                new TraceServiceGrpc.TraceServiceImplBase() {
                  @Override
                  public void export(
                      ExportTraceServiceRequest request,
                      StreamObserver<ExportTraceServiceResponse> response) {
                    received.addAll(request.getResourceSpansList());
                    response.onNext(ExportTraceServiceResponse.getDefaultInstance());
                    response.onCompleted();
                  }
                })
            .build()
            .start();
    try {
      exchangeWith(
          Map.of(
              "OTEL_EXPORTER_OTLP_ENDPOINT",
              "http://127.0.0.1:" + collector.getPort(),
              "OTEL_EXPORTER_OTLP_PROTOCOL",
              "grpc",
              "OTEL_RESOURCE_ATTRIBUTES",
              "deployment.environment.name=test"));
    } finally {
      collector.shutdownNow();
    }
    check("cart");
  }

  @Test
  void spansArriveByHttp() throws Exception {
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/traces",
        exchange -> {
          received.addAll(
              ExportTraceServiceRequest.parseFrom(exchange.getRequestBody())
                  .getResourceSpansList());
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    try {
      exchangeWith(
          Map.of(
              "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
              "http://127.0.0.1:" + collector.getAddress().getPort() + "/v1/traces",
              "OTEL_EXPORTER_OTLP_PROTOCOL",
              "http/protobuf",
              "OTEL_SERVICE_NAME",
              "mine"));
    } finally {
      collector.stop(0);
    }
    check("mine");
  }

  @Test
  void whatCannotBeDoneIsSaid() {
    assertThatThrownBy(() -> start(Map.of("OTEL_TRACES_SAMPLER", "sometimes")))
        .hasMessageContaining("OTEL_TRACES_SAMPLER: unknown sampler 'sometimes'");
    assertThatThrownBy(
            () ->
                start(
                    Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "http://127.0.0.1:4317",
                        "OTEL_EXPORTER_OTLP_PROTOCOL",
                        "smoke")))
        .hasMessageContaining("smoke");
  }

  private void check(String service) {
    assertThat(received).isNotEmpty();
    assertThat(received.getFirst().getResource().getAttributesList())
        .anySatisfy(
            attribute -> {
              assertThat(attribute.getKey()).isEqualTo("service.name");
              assertThat(attribute.getValue().getStringValue()).isEqualTo(service);
            });
    List<Span> spans =
        received.stream()
            .flatMap(each -> each.getScopeSpansList().stream())
            .flatMap(each -> each.getSpansList().stream())
            .toList();
    assertThat(spans).hasSize(2);
    Span attempt = spans.get(0);
    Span server = spans.get(1);
    assertThat(attempt.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CLIENT);
    assertThat(server.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
    assertThat(attempt.getParentSpanId()).isEqualTo(server.getSpanId());
    assertThat(HexFormat.of().formatHex(server.getTraceId().toByteArray()))
        .isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
    assertThat(server.getTraceState()).isEqualTo("a=1,b=2");
    assertThat(server.getStartTimeUnixNano()).isEqualTo(Bed.NOW.toEpochMilli() * 1_000_000);
    assertThat(server.getAttributesList())
        .anySatisfy(
            attribute -> {
              assertThat(attribute.getKey()).isEqualTo("outrigger.fault.experiment");
              assertThat(attribute.getValue().getStringValue()).isEqualTo("exp-1");
            })
        .anySatisfy(
            attribute -> {
              assertThat(attribute.getKey()).isEqualTo("http.response.status_code");
              assertThat(attribute.getValue().getIntValue()).isEqualTo(200);
            });
  }

  private static ProxyTelemetry start(Map<String, String> environment) {
    return ProxyTelemetry.start(environment, "1", "cart", Bed.CLOCK);
  }

  private static void exchangeWith(Map<String, String> environment) {
    try (ProxyTelemetry process = start(environment)) {
      Bed bed = new Bed(process);
      RequestHead head =
          Bed.head(
              "/a?b=c",
              "traceparent",
              "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
              "tracestate",
              "a=1,b=2");
      ExchangeRecord exchange =
          bed.telemetry.startExchange(
              head, Bed.facts(), Bed.config(Bed.tracing(0), AccessLogConfig.OFF));
      exchange.routed("r", Bed.cluster());
      exchange.faultApplied("exp-1", "slow", ExchangeRecord.FaultKind.DELAY);
      exchange.attemptStarted(1, head, Bed.endpoint());
      exchange.attemptAnswered(200);
      exchange.finish(new Outcome.Answered(200));
    }
  }
}
