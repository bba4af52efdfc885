package dev.outrigger.proxy.xds.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.AccessLogConfig.Log;
import dev.outrigger.proxy.config.AccessLogConfig.Target;
import dev.outrigger.proxy.config.LogFilter;
import dev.outrigger.proxy.config.LogFilter.Comparison;
import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.config.LogFormat.Member;
import dev.outrigger.proxy.config.LogFormat.Node;
import dev.outrigger.proxy.config.LogFormat.Piece;
import dev.outrigger.proxy.config.LogOperator;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.file.v3.FileAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StderrAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What xDS says of access logs. */
final class AccessLogDecoderTest {
  private static final JsonFormat.Parser PARSER =
      JsonFormat.parser()
          .usingTypeRegistry(
              JsonFormat.TypeRegistry.newBuilder()
                  .add(FileAccessLog.getDescriptor())
                  .add(StdoutAccessLog.getDescriptor())
                  .add(StderrAccessLog.getDescriptor())
                  .build());

  private static AccessLogConfig decode(
      @Nullable Duration interval, boolean atStart, String... logs) throws Exception {
    List<AccessLog> read = new ArrayList<>();
    for (String log : logs) {
      AccessLog.Builder builder = AccessLog.newBuilder();
      PARSER.merge(log.replace('\'', '"'), builder);
      read.add(builder.build());
    }
    return AccessLogDecoder.decode(
        read,
        interval == null
            ? null
            : com.google.protobuf.Duration.newBuilder()
                .setSeconds(interval.toSeconds())
                .setNanos(interval.toNanosPart())
                .build(),
        atStart,
        Scope.of("type", "listener", DecodeContext.strict("type", "listener")));
  }

  private static Log one(String log) throws Exception {
    return decode(null, false, log).logs().getFirst();
  }

  private static String logger(String kind, String fields) {
    String type = kind.equals("File") ? "file.v3.FileAccessLog" : "stream.v3." + kind + "AccessLog";
    return "{'typed_config': {'@type': 'type.googleapis.com/envoy.extensions.access_loggers."
        + type
        + "'"
        + fields
        + "}}";
  }

  private static Log file(String fields) throws Exception {
    return one(logger("File", ", 'path': '/a.log'" + fields));
  }

  private static LogFilter filter(String filter) throws Exception {
    String log = logger("Stdout", "");
    return one(log.substring(0, log.length() - 1) + ", 'filter': {" + filter + "}}").filter();
  }

  private static Piece value(LogOperator operator) {
    return new Piece.Value(operator, "", "", 0);
  }

  @ParameterizedTest
  @CsvSource({"Stdout,", "Stderr,", "File,/dev/stdout", "File,/dev/stderr", "File,/a.log"})
  void aLogGoesWhereItIsToldInOurOwnFormat(String kind, @Nullable String path) throws Exception {
    Log log = one(logger(kind, path == null ? "" : ", 'path': '" + path + "'"));
    assertThat(log.target())
        .isEqualTo(
            kind.equals("Stdout") || "/dev/stdout".equals(path)
                ? new Target.StandardOutput()
                : kind.equals("Stderr") || "/dev/stderr".equals(path)
                    ? new Target.StandardError()
                    : new Target.File("/a.log"));
    assertThat(log.format()).isEqualTo(new LogFormat.Standard());
    assertThat(log.filter()).isEqualTo(new LogFilter.All());
  }

  @Test
  void textIsTheSameWhicheverFieldItStandsIn() throws Exception {
    LogFormat expected =
        new LogFormat.Text(
            List.of(
                value(LogOperator.RESPONSE_CODE),
                new Piece.Literal(" "),
                new Piece.Value(LogOperator.REQ, "x-a", ":path", 9)),
            false);
    String text = "'%RESPONSE_CODE% %REQ(X-A?:PATH):9%\\n'";
    assertThat(file(", 'format': " + text).format()).isEqualTo(expected);
    assertThat(file(", 'log_format': {'text_format': " + text + "}").format()).isEqualTo(expected);
    String source = ", 'log_format': {'text_format_source': {'inline_string': " + text + "}";
    assertThat(file(source + "}").format()).isEqualTo(expected);
    assertThat(one(logger("Stdout", source + "}")).format()).isEqualTo(expected);
    assertThat(one(logger("Stderr", source + ", 'omit_empty_values': true}")).format())
        .isEqualTo(new LogFormat.Text(((LogFormat.Text) expected).pieces(), true));
  }

  @Test
  void jsonIsTheSameWhicheverFieldItStandsIn() throws Exception {
    Node words = new Node.Words(List.of(value(LogOperator.DURATION)));
    LogFormat expected =
        new LogFormat.Json(new Node.Members(List.of(new Member("d", words))), false);
    String json = "{'d': '%DURATION%'}";
    assertThat(file(", 'json_format': " + json).format()).isEqualTo(expected);
    assertThat(file(", 'typed_json_format': " + json).format()).isEqualTo(expected);
    assertThat(file(", 'log_format': {'json_format': " + json + "}").format()).isEqualTo(expected);
  }

  @Test
  void jsonKeepsItsShapeItsTypesAndWhereAskedTheOrderOfNames() throws Exception {
    String json =
        "{'z': 1, 'y': 1.5, 'x': true, 'w': null, 'b': {'l': ['%PROTOCOL%', 2]}, 'a': 'text'}";
    LogFormat.Json sorted =
        (LogFormat.Json)
            file(", 'log_format': {'omit_empty_values': true,"
                    + " 'json_format_options': {'sort_properties': true}, 'json_format': "
                    + json
                    + "}")
                .format();
    assertThat(sorted.omitEmpty()).isTrue();
    assertThat(sorted.root().members())
        .containsExactly(
            new Member("a", new Node.Words(List.of(new Piece.Literal("text")))),
            new Member(
                "b",
                new Node.Members(
                    List.of(
                        new Member(
                            "l",
                            new Node.Items(
                                List.of(
                                    new Node.Words(List.of(value(LogOperator.PROTOCOL))),
                                    new Node.Constant("2"))))))),
            new Member("w", new Node.Constant("null")),
            new Member("x", new Node.Constant("true")),
            new Member("y", new Node.Constant("1.5")),
            new Member("z", new Node.Constant("1")));
  }

  @Test
  void eachFilterIsReadAsItIsSaid() throws Exception {
    String bound = "'value': {'default_value': 500, 'runtime_key': 'k'}";
    assertThat(filter("'status_code_filter': {'comparison': {'op': 'GE', " + bound + "}}"))
        .isEqualTo(new LogFilter.Status(Comparison.AT_LEAST, 500));
    assertThat(filter("'status_code_filter': {'comparison': {'op': 'EQ', " + bound + "}}"))
        .isEqualTo(new LogFilter.Status(Comparison.EQUAL, 500));
    assertThat(filter("'duration_filter': {'comparison': {'op': 'LE', " + bound + "}}"))
        .isEqualTo(new LogFilter.Slow(Comparison.AT_MOST, 500));
    assertThat(filter("'not_health_check_filter': {}")).isEqualTo(new LogFilter.NotHealthCheck());
    assertThat(filter("'traceable_filter': {}")).isEqualTo(new LogFilter.Traced());
    assertThat(filter("'response_flag_filter': {'flags': ['UF', 'NR', 'LH']}"))
        .isEqualTo(new LogFilter.Flags(Set.of("UF", "NR", "LH")));
    assertThat(filter("'response_flag_filter': {}")).isEqualTo(new LogFilter.Flags(Set.of()));
    assertThat(filter("'grpc_status_filter': {'statuses': ['NOT_FOUND', 'OK'], 'exclude': true}"))
        .isEqualTo(new LogFilter.GrpcStatus(Set.of(5, 0), true));
    assertThat(filter("'header_filter': {'header': {'name': 'X-A', 'present_match': true}}"))
        .isInstanceOfSatisfying(
            LogFilter.Header.class, header -> assertThat(header.match().name()).isEqualTo("x-a"));
  }

  @ParameterizedTest
  @CsvSource({
    "25,HUNDRED,25",
    "1,TEN_THOUSAND,0.01",
    "1,MILLION,0.0001",
    "0,HUNDRED,0",
    "900,HUNDRED,100"
  })
  void aShareIsAPercentageOfWhateverItIsSaidOf(long numerator, String of, double percent)
      throws Exception {
    String share = "{'numerator': " + numerator + ", 'denominator': '" + of + "'}";
    assertThat(filter("'runtime_filter': {'runtime_key': 'k', 'percent_sampled': " + share + "}"))
        .isEqualTo(new LogFilter.Sampled(percent, false));
    assertThat(
            filter(
                "'runtime_filter': {'runtime_key': 'k', 'use_independent_randomness': true,"
                    + " 'percent_sampled': "
                    + share
                    + "}"))
        .isEqualTo(new LogFilter.Sampled(percent, true));
  }

  @Test
  void filtersAreJoined() throws Exception {
    String two = "[{'traceable_filter': {}}, {'not_health_check_filter': {}}]";
    List<LogFilter> read = List.of(new LogFilter.Traced(), new LogFilter.NotHealthCheck());
    assertThat(filter("'and_filter': {'filters': " + two + "}")).isEqualTo(new LogFilter.And(read));
    assertThat(
            filter(
                "'or_filter': {'filters': [{'and_filter': {'filters': "
                    + two
                    + "}}, {'traceable_filter': {}}]}"))
        .isEqualTo(new LogFilter.Or(List.of(new LogFilter.And(read), new LogFilter.Traced())));
  }

  @Test
  void lastingExchangesAreLoggedAsOftenAsIsSaid() throws Exception {
    String log = logger("Stdout", "");
    assertThat(decode(Duration.ofSeconds(5), true, log))
        .satisfies(config -> assertThat(config.interval()).hasSeconds(5))
        .satisfies(config -> assertThat(config.atStart()).isTrue());
    assertThat(decode(null, false, log).interval()).isZero();
    assertThat(decode(Duration.ofSeconds(5), true)).isEqualTo(AccessLogConfig.OFF);
  }

  private static void assertRefused(Decoding decoding, String path, String... reasons) {
    assertThatThrownBy(decoding::run)
        .isInstanceOfSatisfying(
            InvalidResourceException.class,
            refused -> assertThat(refused).hasMessageContaining(path))
        .hasMessageContainingAll(reasons);
  }

  private interface Decoding {
    void run() throws Exception;
  }

  @Test
  void whatIsWrongIsSaidWithItsPath() {
    assertRefused(
        () -> file(", 'format': '%RESPONSE_CODES%'"),
        "access_log[0].typed_config.format",
        "RESPONSE_CODES",
        "RESPONSE_CODE");
    assertRefused(() -> file(", 'log_format': {}"), "typed_config.log_format", "text_format");
    assertRefused(
        () -> file(", 'log_format': {'json_format': {'a': {'b': ['%NO%']}}}"),
        "typed_config.log_format.json_format.a.b.[0]",
        "NO");
    assertRefused(() -> one(logger("File", "")), "typed_config.path", "required");
    assertRefused(
        () -> filter("'response_flag_filter': {'flags': ['UF', 'UFO']}"),
        "access_log[0].filter.response_flag_filter.flags[1]",
        "UFO",
        "UF");
    assertRefused(
        () -> filter("'and_filter': {'filters': [{'traceable_filter': {}}]}"),
        "filter.and_filter.filters",
        "at least two");
    assertRefused(() -> filter(""), "access_log[0].filter", "status_code_filter");
    assertRefused(
        () -> decode(Duration.ofNanos(10), false, logger("Stdout", "")),
        "access_log_flush_interval",
        "1 ms");
    assertRefused(
        () ->
            decode(
                null, false, Collections.nCopies(17, logger("Stdout", "")).toArray(String[]::new)),
        "access_log",
        "at most 16");
  }

  @Test
  void nestingIsBounded() {
    String deep = "'traceable_filter': {}";
    for (int i = 0; i < 9; i++) {
      deep = "'or_filter': {'filters': [{" + deep + "}, {'traceable_filter': {}}]}";
    }
    String filter = deep;
    assertRefused(() -> filter(filter), "filters[0]", "nested");
    String json = "{'a': ".repeat(10) + "'b'" + "}".repeat(10);
    assertRefused(() -> file(", 'json_format': " + json), "json_format.a.a", "nested");
  }
}
