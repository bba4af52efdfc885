package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.AccessLogConfig.Log;
import dev.outrigger.proxy.config.LogFilter;
import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is logged of exchanges and connections that last. */
final class LastingLogsTest {
  @TempDir Path folder;

  private final ProxyTelemetry process =
      ProxyTelemetry.startWith(Sampling.CONFIGURED, null, Bed.CLOCK);
  private final Bed bed = new Bed(process);

  @AfterEach
  void close() throws InterruptedException {
    bed.close();
  }

  private AccessLogConfig log(LogFilter filter, int seconds, boolean atStart) {
    return new AccessLogConfig(
        List.of(
            new Log(
                new AccessLogConfig.Target.File(folder.resolve("log").toString()),
                new LogFormat.Standard(),
                filter)),
        Duration.ofSeconds(seconds),
        atStart);
  }

  private ExchangeRecord start(AccessLogConfig log) {
    return bed.telemetry.startExchange(
        Bed.head("/stream"), Bed.facts(), Bed.config(TracingConfig.OFF, log));
  }

  private void pass(int seconds) {
    for (int i = 0; i < 2 * seconds; i++) {
      bed.channel.advanceTimeBy(500, TimeUnit.MILLISECONDS);
      bed.channel.runScheduledPendingTasks();
    }
  }

  /** The lines, once there are so many: the kind of each, and a number of it. */
  private List<String> lines(int count, String member) throws Exception {
    pass(1); // lines are handed over from time to time
    Path file = folder.resolve("log");
    await().until(() -> Files.exists(file) && Files.readAllLines(file).size() >= count);
    List<String> read = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      Struct.Builder json = Struct.newBuilder();
      JsonFormat.parser().merge(line, json);
      String kind =
          json.containsFields("record") ? json.getFieldsOrThrow("record").getStringValue() : "end";
      String value =
          json.containsFields(member)
              ? Long.toString((long) json.getFieldsOrThrow(member).getNumberValue())
              : "-";
      read.add(kind + " " + value);
    }
    return read;
  }

  @Test
  void anExchangeThatLastsIsLoggedAtItsStartFromTimeToTimeAndAtItsEnd() throws Exception {
    ExchangeRecord record = start(log(new LogFilter.All(), 10, true));
    pass(9);
    record.responseStarted(new ResponseHead(200, HttpVersion.HTTP_2, new Headers()));
    record.responseBytes(100);
    pass(2);
    record.responseBytes(23);
    pass(10);
    record.responseBytes(1);
    record.finish(new Outcome.Answered(200));
    pass(60);
    assertThat(lines(4, "bytes_sent"))
        .containsExactly("start 0", "interval 100", "interval 123", "end 124");
    assertThat(lines(4, "status"))
        .containsExactly("start 0", "interval 200", "interval 200", "end 200");
  }

  @Test
  void withoutAnIntervalOnlyTheEndIsLogged() throws Exception {
    ExchangeRecord record = start(log(new LogFilter.All(), 0, false));
    pass(600);
    record.finish(new Outcome.Answered(204));
    assertThat(lines(1, "status")).containsExactly("end 204");
  }

  @Test
  void manyThatLastAreLoggedEachInItsOwnTime() throws Exception {
    AccessLogConfig log = log(new LogFilter.All(), 10, false);
    List<ExchangeRecord> all = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      all.add(start(log));
      pass(2);
    }
    pass(4); // and one more: 15, 13, 11, 9 and 7 seconds after each began
    assertThat(lines(3, "status")).hasSize(3).allMatch(line -> line.startsWith("interval"));
    all.forEach(record -> record.finish(new Outcome.Answered(200)));
    pass(100);
    assertThat(lines(8, "status")).hasSize(8);
  }

  @Test
  void aFilterAppliesToWhatIsKnownSoFar() throws Exception {
    LogFilter slow = new LogFilter.Slow(LogFilter.Comparison.AT_LEAST, 15_000);
    ExchangeRecord record = start(log(slow, 10, true));
    pass(25);
    record.finish(new Outcome.Answered(200));
    assertThat(lines(2, "status")).containsExactly("interval 0", "end 200");
  }

  @Test
  void aConnectionThatLastsIsLoggedToo() throws Exception {
    ConnectionRecord record =
        bed.telemetry.startConnection(
            Bed.facts(),
            new NetworkFilter.Tcp(
                "t", List.of(), Duration.ZERO, 1, log(new LogFilter.All(), 10, true)));
    record.connected(Bed.cluster(), Bed.endpoint());
    record.received(5);
    pass(11);
    record.received(7);
    record.finish(null);
    assertThat(lines(3, "bytes_received")).containsExactly("start 0", "interval 5", "end 12");
  }
}
