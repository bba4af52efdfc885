package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TraceContextTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";

  private final List<FinishedSpan> spans = new ArrayList<>();
  private final ProxyTelemetry process =
      ProxyTelemetry.startWith(
          Sampling.CONFIGURED,
          new SpanSink() {
            @Override
            public void accept(FinishedSpan span) {
              spans.add(span);
            }

            @Override
            public void close() {}
          },
          Bed.CLOCK);
  private final Bed bed = new Bed(process);

  @AfterEach
  void close() throws InterruptedException {
    bed.close();
  }

  @Test
  void continuesSampledW3cWithASpanForEachAttempt() {
    RequestHead head = Bed.head("/", "traceparent", "00-" + TRACE + "-" + SPAN + "-01");
    ExchangeRecord exchange = start(head, Bed.tracing(0));

    exchange.attemptStarted(1, head, Bed.endpoint());
    String first = head.headers().get("traceparent");
    exchange.attemptAnswered(503);
    exchange.attemptStarted(2, head, Bed.endpoint());
    String second = head.headers().get("traceparent");
    exchange.attemptAnswered(200);
    exchange.finish(new Outcome.Answered(200));

    assertThat(first).matches("00-" + TRACE + "-[0-9a-f]{16}-01").doesNotContain(SPAN);
    assertThat(second).matches("00-" + TRACE + "-[0-9a-f]{16}-01").isNotEqualTo(first);
    assertThat(spans)
        .extracting(FinishedSpan::kind)
        .containsExactly(
            FinishedSpan.Kind.CLIENT, FinishedSpan.Kind.CLIENT, FinishedSpan.Kind.SERVER);
    FinishedSpan server = spans.getLast();
    assertThat(server.parentSpan()).isEqualTo(Long.parseUnsignedLong(SPAN, 16));
    assertThat(spans.get(0).parentSpan()).isEqualTo(server.span());
    assertThat(second).contains(hex(spans.get(1).span()));
    assertThat(spans.get(0).failure()).isNotNull();
    assertThat(spans.get(1).failure()).isNull();
  }

  @Test
  void aTraceThatTheCallerDoesNotWantRecordedKeepsItsHeaders() {
    String sent = "00-" + TRACE + "-" + SPAN + "-00";
    RequestHead head = Bed.head("/", "traceparent", sent, "tracestate", "a=1,b=2");
    pass(head, Bed.tracing(100));
    assertThat(head.headers().get("traceparent")).isEqualTo(sent);
    assertThat(head.headers().get("tracestate")).isEqualTo("a=1,b=2");
    assertThat(spans).isEmpty();
  }

  @Test
  void versionsToComeAreReadAsFarAsTheyAreKnown() {
    RequestHead head = Bed.head("/", "traceparent", "cc-" + TRACE + "-" + SPAN + "-01-what");
    pass(head, Bed.tracing(0));
    assertThat(head.headers().get("traceparent")).startsWith("00-" + TRACE + "-").hasSize(55);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"
      })
  void whatIsNotATraceparentBeginsANewTraceWithoutState(String sent) {
    RequestHead head = Bed.head("/", "traceparent", sent, "tracestate", "a=1");
    pass(head, Bed.tracing(100));
    assertThat(head.headers().get("traceparent"))
        .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-01")
        .doesNotContain(TRACE);
    assertThat(head.headers().get("tracestate")).isNull();
    assertThat(spans.getLast().parentSpan()).isZero();
  }

  @Test
  void whatTheMeshChoseForATraceThatBeginsHereGoesOnWithoutOthersState() {
    RequestHead head = Bed.head("/", "tracestate", "a=1", "tracestate", "b=2, outrigger=t:0123");
    pass(head, Bed.tracing(0));
    assertThat(head.headers().all(dev.outrigger.proxy.message.HeaderName.TRACESTATE))
        .containsExactly("outrigger=t:0123");
  }

  @Test
  void twoTraceparentsAreNone() {
    String sent = "00-" + TRACE + "-" + SPAN + "-01";
    RequestHead head = Bed.head("/", "traceparent", sent, "traceparent", sent);
    pass(head, Bed.tracing(0));
    assertThat(head.headers().all(dev.outrigger.proxy.message.HeaderName.TRACEPARENT)).hasSize(1);
    assertThat(head.headers().get("traceparent")).doesNotContain(TRACE).endsWith("-00");
  }

  @Test
  void continuesB3InOneHeaderAndAddsW3c() {
    RequestHead head = Bed.head("/", "b3", TRACE + "-" + SPAN + "-1-05e3ac9a4f6e3b90");
    pass(head, Bed.tracing(0));
    String server = hex(spans.getLast().span());
    String attempt = hex(spans.getFirst().span());
    assertThat(head.headers().get("b3")).isEqualTo(TRACE + "-" + attempt + "-1-" + server);
    assertThat(head.headers().get("traceparent")).isEqualTo("00-" + TRACE + "-" + attempt + "-01");
  }

  @Test
  void continuesB3InManyHeadersWithAShortTraceId() {
    RequestHead head =
        Bed.head("/", "X-B3-TraceId", "a3ce929d0e0e4736", "X-B3-SpanId", SPAN, "X-B3-Sampled", "1");
    pass(head, Bed.tracing(0));
    Headers out = head.headers();
    assertThat(out.get("x-b3-traceid")).isEqualTo("a3ce929d0e0e4736");
    assertThat(out.get("x-b3-spanid")).isEqualTo(hex(spans.getFirst().span()));
    assertThat(out.get("x-b3-parentspanid")).isEqualTo(hex(spans.getLast().span()));
    assertThat(out.get("traceparent")).startsWith("00-0000000000000000a3ce929d0e0e4736-");
  }

  @Test
  void aB3CallerMayLeaveTheDecisionToUs() {
    RequestHead head = Bed.head("/", "b3", TRACE + "-" + SPAN);
    pass(head, Bed.tracing(100));
    assertThat(head.headers().get("b3")).contains("-1-");
    assertThat(spans).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"})
  void aB3CallerMaySayNo(String sent) {
    RequestHead head = Bed.head("/", "b3", sent);
    pass(head, Bed.tracing(100));
    assertThat(spans).isEmpty();
  }

  @Test
  void w3cWinsOverB3() {
    RequestHead head =
        Bed.head(
            "/",
            "b3",
            "11111111111111111111111111111111-2222222222222222-0",
            "traceparent",
            "00-" + TRACE + "-" + SPAN + "-01");
    pass(head, Bed.tracing(0));
    assertThat(head.headers().get("b3")).startsWith(TRACE);
    assertThat(spans).hasSize(2);
  }

  @Test
  void withoutTracingNoHeaderIsTouched() {
    RequestHead head = Bed.head("/", "traceparent", "nonsense", "tracestate", "a=1", "b3", "x");
    pass(head, TracingConfig.OFF);
    assertThat(head.headers().get("traceparent")).isEqualTo("nonsense");
    assertThat(head.headers().get("tracestate")).isEqualTo("a=1");
    assertThat(head.headers().get("b3")).isEqualTo("x");
  }

  @Test
  void aRequestIdIsMadeWhereThereIsNoneAndKeptWhereThereIs() {
    RequestHead without = Bed.head("/");
    ExchangeRecord made = start(without, TracingConfig.OFF);
    assertThat(made.requestId())
        .matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
        .isEqualTo(without.headers().get("x-request-id"));
    assertThat(start(Bed.head("/", "x-request-id", "mine"), TracingConfig.OFF).requestId())
        .isEqualTo("mine");
  }

  @Test
  void theEnvironmentsSamplerWins() {
    Sampling never = Sampling.of(Map.of("OTEL_TRACES_SAMPLER", "always_off"));
    assertThat(never.decide(TraceContext.Decision.SAMPLED, 1, 100)).isFalse();
    Sampling half =
        Sampling.of(
            Map.of("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5"));
    assertThat(half.decide(TraceContext.Decision.DEFERRED, 1, 0)).isTrue();
    assertThat(half.decide(TraceContext.Decision.DEFERRED, Long.MAX_VALUE, 100)).isFalse();
  }

  private ExchangeRecord start(RequestHead head, TracingConfig tracing) {
    return bed.telemetry.startExchange(head, Bed.facts(), Bed.config(tracing, AccessLogConfig.OFF));
  }

  private void pass(RequestHead head, TracingConfig tracing) {
    ExchangeRecord exchange = start(head, tracing);
    exchange.attemptStarted(1, head, Bed.endpoint());
    exchange.attemptAnswered(200);
    exchange.finish(new Outcome.Answered(200));
  }

  private static String hex(long value) {
    return String.format("%016x", value);
  }
}
