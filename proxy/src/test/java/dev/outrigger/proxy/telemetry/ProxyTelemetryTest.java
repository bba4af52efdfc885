package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.Workers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProxyTelemetryTest {
  private static final AccessLogConfig OFF = AccessLogConfig.OFF;

  @TempDir Path folder;

  private final ProxyTelemetry process =
      ProxyTelemetry.startWith(Sampling.CONFIGURED, null, Bed.CLOCK);
  private final Bed bed = new Bed(process);

  @AfterEach
  void close() throws InterruptedException {
    bed.close();
  }

  @Test
  void anExchangeIsCountedByServiceStatusAndCause() {
    ExchangeRecord good = start("/", OFF);
    good.routed("r", Bed.cluster());
    good.finish(new Outcome.Answered(200));
    ExchangeRecord lost = start("/", OFF);
    lost.finish(new Outcome.Failed(new ProxyError.NoRoute("shop.example", "/"), false));
    ExchangeRecord broken = start("/", OFF);
    broken.routed("r", Bed.cluster());
    broken.faultApplied("exp-1", "abort", ExchangeRecord.FaultKind.ABORT);
    broken.finish(new Outcome.Failed(new ProxyError.FaultInjected("exp-1", 503, null), false));

    assertThat(scrape())
        .contains(
            "# TYPE outrigger_requests_total counter\n"
                + "outrigger_requests_total{reporter=\"destination\",listener=\"inbound\","
                + "destination_service=\"cart.shop\",source_principal=\"unknown\","
                + "response_code=\"200\",response_flags=\"-\",code=\"\",fault=\"\"} 1\n"
                + "outrigger_requests_total{reporter=\"destination\",listener=\"inbound\","
                + "destination_service=\"cart.shop\",source_principal=\"unknown\","
                + "response_code=\"503\",response_flags=\"FI\",code=\"fault_injected\","
                + "fault=\"exp-1\"} 1\n"
                + "outrigger_requests_total{reporter=\"destination\",listener=\"inbound\","
                + "destination_service=\"unknown\",source_principal=\"unknown\","
                + "response_code=\"404\",response_flags=\"NR\",code=\"no_route\",fault=\"\"} 1\n")
        .contains(
            "outrigger_request_duration_seconds_count{reporter=\"destination\","
                + "destination_service=\"cart.shop\"} 2\n");
  }

  @Test
  void attemptsAfterTheFirstAreCountedByCluster() {
    ExchangeRecord retried = start("/", OFF);
    retried.routed("r", Bed.cluster());
    for (int attempt = 1; attempt <= 3; attempt++) {
      retried.attemptStarted(attempt, Bed.head("/"), Bed.endpoint());
    }
    retried.finish(new Outcome.Answered(200));
    ExchangeRecord once = start("/", OFF);
    once.routed("r", Bed.cluster());
    once.attemptStarted(1, Bed.head("/"), Bed.endpoint());
    once.finish(new Outcome.Answered(200));

    assertThat(scrape())
        .contains("outrigger_upstream_retries_total{cluster=\"outbound|80|cart\"} 2");
  }

  @Test
  void whatEndpointsDoWrongIsCountedByClusterAndKindAndBounded() {
    bed.telemetry.upstreamFlooded("c", "ping");
    bed.telemetry.upstreamViolated("c", "malformed");
    bed.telemetry.upstreamViolated("c", "malformed");
    for (int i = 0; i < 1000; i++) {
      bed.telemetry.upstreamViolated("many" + i, "too_large");
    }
    bed.telemetry.upstreamViolated("c", "malformed");
    assertThat(scrape())
        .contains("outrigger_upstream_floods_total{cluster=\"c\",kind=\"ping\"} 1\n")
        .contains("outrigger_upstream_protocol_errors_total{cluster=\"c\",kind=\"malformed\"} 3\n")
        .contains(
            "outrigger_upstream_protocol_errors_total{cluster=\"other\",kind=\"too_large\"} 501\n");
  }

  @Test
  void usedUpRetriesAreFlaggedBesideTheCause() {
    ExchangeRecord answered = start("/", OFF);
    answered.retriesUsedUp();
    answered.finish(new Outcome.Answered(503));
    ExchangeRecord failed = start("/", OFF);
    failed.retriesUsedUp();
    failed.finish(new Outcome.Failed(new ProxyError.FaultInjected("exp-1", 503, null), true));
    assertThat(scrape())
        .contains("response_code=\"503\",response_flags=\"URX\",code=\"\"")
        .contains("response_flags=\"FI,URX\",code=\"fault_injected\"");
  }

  @Test
  void connectionsAreCountedWithTheirBytes() {
    bed.telemetry.connectionOpened("inbound");
    bed.telemetry.detectionTimedOut("in\"b\\ound");
    bed.telemetry.upstreamConnectionOpened("c");
    bed.telemetry.upstreamConnectionOpened("c");
    bed.telemetry.upstreamConnectionClosed("c");
    bed.telemetry.bug("Exchange");
    ConnectionRecord relayed =
        bed.telemetry.startConnection(
            Bed.facts(), new NetworkFilter.Tcp("t", List.of(), Duration.ZERO, 1, OFF));
    relayed.received(10);
    relayed.connected(Bed.cluster(), Bed.endpoint());
    relayed.received(5);
    relayed.sent(7);
    String labels =
        "{reporter=\"destination\",listener=\"inbound\",destination_service=\"cart.shop\","
            + "source_principal=\"unknown\"} ";
    assertThat(scrape())
        .contains("outrigger_tcp_connections_opened_total" + labels + "1\n")
        .contains("outrigger_tcp_received_bytes_total" + labels + "15\n")
        .contains("outrigger_tcp_sent_bytes_total" + labels + "7\n")
        .contains("outrigger_protocol_detection_timeouts_total{listener=\"in\\\"b\\\\ound\"} 1\n")
        .contains("outrigger_upstream_connections{cluster=\"c\"} 1\n")
        .contains("outrigger_bug_total{where=\"Exchange\"} 1\n");
    relayed.finish(null);
    assertThat(scrape())
        .contains("outrigger_tcp_connections_opened_total" + labels + "1\n")
        .contains("source_principal=\"unknown\",response_flags=\"-\",code=\"\",fault=\"\"} 1\n");
  }

  @Test
  void everySampleBelongsToAFamilyThatIsDescribedOnce() {
    start("/", OFF).finish(new Outcome.Answered(200));
    Set<String> types = new HashSet<>();
    Set<String> helps = new HashSet<>();
    Set<String> samples = new HashSet<>();
    scrape()
        .lines()
        .forEach(
            line -> {
              if (line.startsWith("# HELP ")) {
                assertThat(helps.add(line.split(" ", 4)[2])).as(line).isTrue();
              } else if (line.startsWith("# TYPE ")) {
                String[] words = line.split(" ", 4);
                assertThat(types.add(words[2])).as(line).isTrue();
                assertThat(words[2].endsWith("_total"))
                    .as(line)
                    .isEqualTo(words[3].equals("counter"));
              } else {
                assertThat(line)
                    .matches("[a-z_]+(\\{([a-z_]+=\"([^\"\\\\]|\\\\.)*\",?)+})? [0-9.E+-]+");
                assertThat(samples.add(line.substring(0, line.lastIndexOf(' ')))).isTrue();
                String name = line.split("[{ ]", 2)[0];
                assertThat(types).containsAnyOf(name, name.replaceAll("_(bucket|sum|count)$", ""));
              }
            });
    assertThat(helps).isEqualTo(types);
  }

  @Test
  void seriesBeyondTheBoundAreCountedAsOther() {
    WorkerCounters counters = new WorkerCounters();
    LabelSet probe = new LabelSet();
    for (int i = 0; i < SeriesMap.MAX_SERIES + 10; i++) {
      counters.requests.of(probe.fill("source", "l", "s" + i, "p").ended(200, "-", "", ""))[0]++;
    }
    assertThat(counters.requests.all()).hasSize(SeriesMap.MAX_SERIES + 1);
    MetricsText text = new MetricsText();
    ProxyMetrics.tell(text, counters, 0);
    assertThat(text.text())
        .contains("destination_service=\"other\"")
        .contains("outrigger_series_folded_total 10\n");
  }

  @Test
  void durationsAreKnownToSixPercent() {
    DurationHistogram histogram = new DurationHistogram();
    for (long micros = 0; micros < 1L << 30; micros = micros * 5 / 4 + 1) {
      int index = DurationHistogram.indexOf(micros);
      assertThat(DurationHistogram.lowerOf(index)).isLessThanOrEqualTo(micros);
      assertThat(DurationHistogram.lowerOf(index + 1)).isGreaterThan(micros);
    }
    histogram.record(2_000_000);
    histogram.record(40_000_000);
    histogram.record(Long.MAX_VALUE / 2);
    long[] below = histogram.cumulative();
    assertThat(below[3]).isZero();
    assertThat(below[4]).isEqualTo(1);
    assertThat(below[7]).isEqualTo(1);
    assertThat(below[8]).isEqualTo(2);
    assertThat(histogram.count()).isEqualTo(3);
  }

  @Test
  void everyLineOfTheAccessLogIsJsonWhateverThePeerSends() throws Exception {
    Path file = folder.resolve("access.log");
    AccessLogConfig log = AccessLogConfig.to(new AccessLogConfig.Target.File(file.toString()));
    RequestHead head =
        Bed.head("/a\"b\\c\u0001\u00e9\u007f\u0085?q=1", "user-agent", "x\"\\\u0002\u00ff");
    ExchangeRecord odd =
        bed.telemetry.startExchange(head, Bed.facts(), Bed.config(Bed.tracing(0), log));
    odd.routed("route-1", Bed.cluster());
    odd.attemptStarted(1, head, Bed.endpoint());
    odd.requestBytes(3);
    odd.responseStarted(answer(200));
    odd.responseBytes(4);
    odd.finish(new Outcome.Answered(200));
    start("/" + "x".repeat(100_000), log)
        .finish(new Outcome.Failed(new ProxyError.NoHealthyEndpoint("cart", 3, 0), false));
    bed.telemetry
        .startConnection(Bed.facts(), new NetworkFilter.Tcp("t", List.of(), Duration.ZERO, 1, log))
        .finish(new ProxyError.ConnectRefused("10.9.8.7:8080", "refused"));
    bed.channel.advanceTimeBy(1, TimeUnit.SECONDS);
    bed.channel.runScheduledPendingTasks();
    await().until(() -> Files.exists(file) && Files.readAllLines(file).size() == 3);
    List<String> lines = Files.readAllLines(file);

    Struct first = parse(lines.get(0));
    assertThat(first.getFieldsOrThrow("time").getStringValue())
        .isEqualTo("2026-11-21T03:04:05.678Z");
    assertThat(first.getFieldsOrThrow("path").getStringValue())
        .isEqualTo("/a\"b\\c\u0001\u00e9\u007f\u0085?q=1");
    assertThat(first.getFieldsOrThrow("user_agent").getStringValue())
        .isEqualTo("x\"\\\u0002\u00ff");
    assertThat(first.getFieldsOrThrow("status").getNumberValue()).isEqualTo(200);
    assertThat(first.getFieldsOrThrow("bytes_sent").getNumberValue()).isEqualTo(4);
    assertThat(first.getFieldsOrThrow("upstream_host").getStringValue()).isEqualTo("10.9.8.7:8080");
    assertThat(first.getFieldsOrThrow("trace_id").getStringValue()).matches("[0-9a-f]{32}");
    Struct second = parse(lines.get(1));
    assertThat(second.getFieldsOrThrow("path").getStringValue()).hasSize(LogLine.MAX_TEXT);
    assertThat(second.getFieldsOrThrow("code").getStringValue()).isEqualTo("no_healthy_endpoint");
    assertThat(second.getFieldsOrThrow("details").getStringValue())
        .isEqualTo("cluster cart has 3 endpoints, 0 of them healthy");
    assertThat(parse(lines.get(2)).getFieldsOrThrow("protocol").getStringValue()).isEqualTo("TCP");
  }

  @Test
  void whatEndsWithItsWorkerIsLogged() throws Exception {
    Path file = folder.resolve("last.log");
    try (ProxyTelemetry telemetry = ProxyTelemetry.startWith(Sampling.CONFIGURED, null, Bed.CLOCK);
        Workers workers = Workers.start(Transport.NIO, 1, new SplittableRandom(1))) {
      Worker worker = workers.all().getFirst();
      WorkerTelemetry own = telemetry.forWorker(worker);
      worker
          .loop()
          .submit(
              () ->
                  own.startExchange(
                          Bed.head("/last"),
                          Bed.facts(),
                          Bed.config(
                              TracingConfig.OFF,
                              AccessLogConfig.to(new AccessLogConfig.Target.File(file.toString()))))
                      .finish(new Outcome.Answered(200)))
          .sync();
    }
    assertThat(Files.readString(file)).contains("/last");
  }

  @Test
  void aLogToNowhereIsWrittenAndForgotten() {
    AccessLogConfig nowhere = AccessLogConfig.to(new AccessLogConfig.Target.File("/dev/null"));
    for (int i = 0; i < 1000; i++) {
      start("/", nowhere).finish(new Outcome.Answered(200));
    }
    assertThat(scrape()).contains("outrigger_access_log_dropped_lines_total 0\n");
  }

  private static ResponseHead answer(int status) {
    return new ResponseHead(status, HttpVersion.HTTP_1_1, new Headers());
  }

  private ExchangeRecord start(String path, AccessLogConfig log) {
    return bed.telemetry.startExchange(
        Bed.head(path), Bed.facts(), Bed.config(TracingConfig.OFF, log));
  }

  private String scrape() {
    CompletableFuture<String> text = bed.process.prometheus().toCompletableFuture();
    bed.channel.runPendingTasks();
    return text.join();
  }

  private static Struct parse(String line) throws Exception {
    Struct.Builder builder = Struct.newBuilder();
    JsonFormat.parser().merge(line, builder);
    return builder.build();
  }
}
