package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.config.LogFilter;
import dev.outrigger.proxy.config.LogFilter.Comparison;
import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.config.LogFormat.Member;
import dev.outrigger.proxy.config.LogFormat.Node;
import dev.outrigger.proxy.config.LogFormatException;
import dev.outrigger.proxy.config.LogFormatParser;
import dev.outrigger.proxy.config.LogOperator;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.config.TimePattern;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ResponseFlag;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Formats and filters of access logs. */
final class AccessLogsTest {
  private final LogLine line = new LogLine(16);

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "[%START_TIME%] ~ [2026-11-21T03:04:05.678Z]",
        "%START_TIME(%s.%3f)% ~ 1795230245.678",
        "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% ~ GET /a?b=1 HTTP/1.1",
        "%REQ(:AUTHORITY)% %REQ(:SCHEME)% ~ shop.example http",
        "%REQ(X-LONG):3%|%REQ(X-LONG)% ~ abc|abcdef",
        "%REQ(NO)% %REQ(NO?X-LONG)% ~ - abcdef",
        "%RESP(Server)% %RESP(NO)% ~ nginx -",
        "%TRAILER(x-sum)% ~ 17",
        "%RESPONSE_CODE% %RESPONSE_FLAGS% ~ 503 UF,DI,URX",
        "%RESPONSE_FLAGS_LONG% ~ UpstreamConnectionFailure,DelayInjected,UpstreamRetryLimitExceeded",
        "%RESPONSE_CODE_DETAILS% ~ upstream_reset_before_response_started{x}",
        "%BYTES_RECEIVED%/%BYTES_SENT% ~ 12/3456",
        "%DURATION% %REQUEST_DURATION% ~ 1234 -",
        "%RESPONSE_DURATION% %RESPONSE_TX_DURATION% ~ 1000 234",
        "%UPSTREAM_HOST% %UPSTREAM_CLUSTER% ~ 10.9.8.7:8080 outbound|80|cart",
        "%UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_REMOTE_PORT% ~ [::1]:999 8080",
        "%UPSTREAM_REQUEST_ATTEMPT_COUNT% ~ 3",
        "%UPSTREAM_TRANSPORT_FAILURE_REASON% ~ certificate expired",
        "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% ~ 10.1.2.3:4567 10.1.2.3",
        "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT% ~ 127.0.0.1:15006 15006",
        "%REQUESTED_SERVER_NAME% %DOWNSTREAM_PEER_URI_SAN% ~ - -",
        "%TRACE_ID% %STREAM_ID% ~ 000000000000000100000000000000ff id-1",
        "%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER% ~ NotFound NOT_FOUND 5",
        "%ROUTE_NAME% %ACCESS_LOG_TYPE% ~ r-1 DownstreamEnd",
        "%OUTRIGGER_CODE%: %OUTRIGGER_DETAIL% ~ connect_refused: connecting to 10.9.8.7:8080 failed: no",
        "%OUTRIGGER_FAULT_EXPERIMENT%/%OUTRIGGER_FAULT% %OUTRIGGER_WORKLOAD% %OUTRIGGER_LISTENER% ~ exp/slow cart-0 inbound",
        "%CONNECTION_TERMINATION_DETAILS% ~ -",
      })
  void anOperatorWritesItsValue(String format, String expected) throws Exception {
    assertThat(text(format, false, entry())).isEqualTo(expected);
  }

  @Test
  void everyOperatorLeavesADashOfAnEmptyEntryAndIsNeverWrongInJson() throws Exception {
    for (LogOperator operator : LogOperator.values()) {
      String format =
          "%" + operator + (operator.argument() == LogOperator.Argument.HEADER ? "(x)%" : "%");
      LogEntry empty = new LogEntry();
      assertThat(text(format, false, empty)).as(format).isNotEmpty();
      Struct json = json(object("a", format), false, empty);
      assertThat(json.containsFields("a")).as(format).isTrue();
    }
  }

  @Test
  void aValueThatIsNotThereLeavesNothingWhereAsked() throws Exception {
    assertThat(text("<%REQ(NO)%>", true, entry())).isEqualTo("<>");
  }

  @Test
  void whatPeersSendEndsNoLineAndLeavesNoQuotes() throws Exception {
    LogEntry entry = entry();
    Objects.requireNonNull(entry.head).headers().add("x-odd", "a\u0001\"b\\\u00e9\u0085");

    assertThat(text("%REQ(X-ODD)%", false, entry)).isEqualTo("a\\x01\"b\\\u00e9\\x85");
    Struct json = json(object("odd", "<%REQ(X-ODD)%\">"), false, entry);
    assertThat(json.getFieldsOrThrow("odd").getStringValue())
        .isEqualTo("<a\u0001\"b\\\u00e9\u0085\">");
  }

  @Test
  void jsonKeepsTypesOrderAndNesting() throws Exception {
    Node.Members inner = object("path", "%REQ(:PATH)%", "none", "%REQ(NO)%");
    Node.Members root =
        new Node.Members(
            List.of(
                new Member("status", words("%RESPONSE_CODE%")),
                new Member("took", words("%DURATION% ms")),
                new Member("absent", words("%REQUEST_DURATION%")),
                new Member("version", new Node.Constant("2")),
                new Member("req\"uest", inner),
                new Member("list", new Node.Items(List.of(words("%PROTOCOL%"), inner)))));

    assertThat(write(new LogFormat.Json(root, false), entry()))
        .isEqualTo(
            "{\"status\":503,\"took\":\"1234 ms\",\"absent\":null,\"version\":2,"
                + "\"req\\\"uest\":{\"path\":\"/a?b=1\",\"none\":null},"
                + "\"list\":[\"HTTP/1.1\",{\"path\":\"/a?b=1\",\"none\":null}]}");
    assertThat(write(new LogFormat.Json(root, true), entry()))
        .isEqualTo(
            "{\"status\":503,\"took\":\"1234 ms\",\"version\":2,"
                + "\"req\\\"uest\":{\"path\":\"/a?b=1\"},"
                + "\"list\":[\"HTTP/1.1\",{\"path\":\"/a?b=1\"}]}");
  }

  @SuppressWarnings("MisusedDayOfYear") // %j is just that
  @Test
  void timesAreThoseOfTheCalendar() {
    TimeText ours = new TimeText(TimePattern.of("%Y-%m-%d %H:%M:%S %j %e %a %A %b %B %y %I %p"));
    DateTimeFormatter theirs =
        DateTimeFormatter.ofPattern(
                "uuuu-MM-dd HH:mm:ss DDD ppd EEE EEEE MMM MMMM uu hh a", Locale.US)
            .withZone(ZoneOffset.UTC);
    SplittableRandom random = new SplittableRandom(11);
    for (int i = 0; i < 20_000; i++) {
      Instant time = Instant.ofEpochSecond(random.nextLong(-62_135_596_800L, 253_402_300_800L));
      line.clear();
      ours.write(line, time.toEpochMilli());
      assertThat(written()).isEqualTo(theirs.format(time).replaceFirst(" {2}(\\d) ", "  $1 "));
    }
  }

  @Test
  void filtersCompareStatusAndTime() {
    assertThat(passes(new LogFilter.Status(Comparison.AT_LEAST, 500))).isTrue();
    assertThat(passes(new LogFilter.Status(Comparison.AT_MOST, 502))).isFalse();
    assertThat(passes(new LogFilter.Status(Comparison.EQUAL, 503))).isTrue();
    assertThat(passes(new LogFilter.Slow(Comparison.AT_LEAST, 1234))).isTrue();
    assertThat(passes(new LogFilter.Slow(Comparison.AT_LEAST, 1235))).isFalse();
  }

  @Test
  void filtersLookAtFlagsHeadersAndGrpc() {
    assertThat(passes(new LogFilter.Flags(Set.of()))).isTrue();
    assertThat(passes(new LogFilter.Flags(Set.of("URX", "NR")))).isTrue();
    assertThat(passes(new LogFilter.Flags(Set.of("NR")))).isFalse();
    assertThat(LogTest.of(new LogFilter.Flags(Set.of()), random()).passes(new LogEntry()))
        .isFalse();
    assertThat(passes(new LogFilter.GrpcStatus(Set.of(5), false))).isTrue();
    assertThat(passes(new LogFilter.GrpcStatus(Set.of(5), true))).isFalse();
    assertThat(
            passes(
                new LogFilter.Header(
                    new HeaderMatch("x-long", new ValueMatch.Prefix("abc"), false))))
        .isTrue();
    assertThat(passes(new LogFilter.Traced())).isFalse();
  }

  @Test
  void filtersAreJoined() {
    LogFilter yes = new LogFilter.All();
    LogFilter no = new LogFilter.Status(Comparison.EQUAL, 1);
    assertThat(passes(new LogFilter.And(List.of(yes, no)))).isFalse();
    assertThat(passes(new LogFilter.And(List.of(yes, yes)))).isTrue();
    assertThat(passes(new LogFilter.Or(List.of(no, yes)))).isTrue();
    assertThat(passes(new LogFilter.Or(List.of(no, no)))).isFalse();
  }

  @Test
  void probesOfHealthCheckersAreToldByTheirAgent() {
    LogEntry probe = entry();
    probe.head = Bed.head("/", "user-agent", "kube-probe/1.34");
    assertThat(LogTest.of(new LogFilter.NotHealthCheck(), random()).passes(probe)).isFalse();
    assertThat(passes(new LogFilter.NotHealthCheck())).isTrue();
  }

  @Test
  void aShareIsDrawnByTheRequestSoThatEachProxyDrawsTheSame() {
    LogTest one = LogTest.of(new LogFilter.Sampled(10, false), random());
    LogTest other = LogTest.of(new LogFilter.Sampled(10, false), new SplittableRandom(5));
    int taken = 0;
    for (int i = 0; i < 20_000; i++) {
      LogEntry entry = new LogEntry();
      entry.requestId = "id-" + i;
      boolean logged = one.passes(entry);
      assertThat(other.passes(entry)).isEqualTo(logged);
      taken += logged ? 1 : 0;
    }
    assertThat(taken).isBetween(1800, 2200);
    LogTest independent = LogTest.of(new LogFilter.Sampled(10, true), random());
    long drawn = IntStream.range(0, 20_000).filter(_ -> independent.passes(entry())).count();
    assertThat(drawn).isBetween(1800L, 2200L);
    assertThat(passes(new LogFilter.Sampled(0, false))).isFalse();
    assertThat(passes(new LogFilter.Sampled(100, false))).isTrue();
  }

  private static boolean passes(LogFilter filter) {
    return LogTest.of(filter, random()).passes(entry());
  }

  private static SplittableRandom random() {
    return new SplittableRandom(3);
  }

  private String text(String format, boolean omitEmpty, LogEntry entry) throws Exception {
    return write(new LogFormat.Text(LogFormatParser.parse(format), omitEmpty), entry);
  }

  private Struct json(Node.Members root, boolean omitEmpty, LogEntry entry) throws Exception {
    Struct.Builder builder = Struct.newBuilder();
    JsonFormat.parser().merge(write(new LogFormat.Json(root, omitEmpty), entry), builder);
    return builder.build();
  }

  private String write(LogFormat format, LogEntry entry) {
    line.clear();
    LogText.of(format, new LogValues()).write(line, entry);
    return written();
  }

  private String written() {
    return new String(line.bytes(), 0, line.length(), StandardCharsets.UTF_8);
  }

  private static Node.Words words(String format) throws LogFormatException {
    return new Node.Words(LogFormatParser.parse(format));
  }

  private static Node.Members object(String... members) throws LogFormatException {
    Member[] made = new Member[members.length / 2];
    for (int i = 0; i < made.length; i++) {
      made[i] = new Member(members[2 * i], words(members[2 * i + 1]));
    }
    return new Node.Members(Arrays.asList(made));
  }

  private static LogEntry entry() {
    RequestHead head = Bed.head("/rewritten", "x-long", "abcdef");
    Headers response = new Headers();
    response.add("server", "nginx");
    Headers trailers = new Headers();
    trailers.add("x-sum", "17");
    trailers.add("grpc-status", "5");
    LogEntry entry = new LogEntry();
    entry.facts = Bed.facts();
    entry.client = ClientText.of(Bed.facts());
    entry.head = head;
    entry.method = "GET";
    entry.path = "/a?b=1";
    entry.authority = "shop.example";
    entry.response = response;
    entry.trailers = trailers;
    entry.cluster = Bed.cluster();
    entry.endpoint = Bed.endpoint();
    entry.upstreamLocal = new InetSocketAddress("::1", 999);
    entry.error = new ProxyError.ConnectRefused("10.9.8.7:8080", "no");
    entry.code = "connect_refused";
    entry.details = "upstream_reset_before_response_started{x}";
    entry.transportFailure = "certificate expired";
    entry.route = "r-1";
    entry.requestId = "id-1";
    entry.experiment = "exp";
    entry.fault = "slow";
    entry.cause = ResponseFlag.UF;
    entry.delayed = true;
    entry.retriesUsedUp = true;
    entry.flags = ResponseFlag.text(ResponseFlag.UF, true, true);
    entry.traced = true;
    entry.traceHigh = 1;
    entry.traceLow = 255;
    entry.startMillis = Bed.NOW.toEpochMilli();
    entry.bytesReceived = 12;
    entry.bytesSent = 3456;
    entry.status = 503;
    entry.attempts = 3;
    entry.duration = 1_234_567_890;
    entry.answered = 1_000_000_000;
    return entry;
  }
}
