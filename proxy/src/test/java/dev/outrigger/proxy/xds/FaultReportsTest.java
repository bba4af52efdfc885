package dev.outrigger.proxy.xds;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.Abort;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Place;
import dev.outrigger.proxy.telemetry.FaultReadings;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When what is measured for experiments is taken. */
final class FaultReportsTest {
  private static final Duration LEASE = Duration.ofSeconds(10);

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<Long> taken = new ArrayList<>();
  private FaultLeases leases;
  private FaultReports reports;

  @BeforeEach
  void start() {
    leases =
        new FaultLeases(
            channel.eventLoop(),
            () -> Instant.EPOCH,
            (plan, deadline) -> reports.onFaults(),
            deadline -> {},
            plan -> {});
    reports =
        new FaultReports(
            new ConfigLoop(channel.eventLoop()),
            () -> null,
            Node.getDefaultInstance(),
            leases,
            executor -> {
              taken.add(TimeUnit.NANOSECONDS.toMillis(ticker.nanoTime()));
              return CompletableFuture.completedFuture(
                  new FaultReadings.Taken(Map.of(), Map.of(), Map.of()));
            });
  }

  private void advance(long millis) {
    for (long i = 0; i < millis; i += 100) {
      ticker.advance(100, TimeUnit.MILLISECONDS);
      channel.runScheduledPendingTasks();
      channel.runPendingTasks();
    }
  }

  private void hold(String experiment, FaultRule.Builder rule) throws Exception {
    leases.onFault(experiment + "/f", rule.setExperiment(experiment).build(), LEASE);
  }

  private static FaultRule.Builder rule() {
    return FaultRule.newBuilder()
        .setFault("f")
        .setPlace(Place.REQUEST)
        .setChancePpm(1000)
        .setNotAfter(Timestamp.newBuilder().setSeconds(3600))
        .setAbort(Abort.newBuilder().setHttpStatus(503));
  }

  private static FaultRule.Builder unhurried() {
    return rule().setReportPeriod(Durations.fromSeconds(1));
  }

  @Test
  void itMeasuresAsOftenAsWhatIsHeldAsksForAndOnceMoreAfterIt() throws Exception {
    advance(3_000);
    assertThat(taken).isEmpty();
    hold("quick", rule());
    advance(1_100);
    assertThat(taken).containsExactly(3_500L, 4_000L);
    leases.onRemoved("quick/f");
    advance(3_000);
    assertThat(taken).containsExactly(3_500L, 4_000L, 4_500L);
    hold("slow", unhurried());
    advance(2_000);
    assertThat(taken).endsWith(4_500L, 8_100L, 9_100L);
  }

  @Test
  void aGuardThatComesIsNotKeptWaitingByAnExperimentWithoutOne() throws Exception {
    hold("slow", unhurried());
    advance(1_100);
    assertThat(taken).containsExactly(1_000L);
    hold("guarded", rule());
    advance(1_000);
    assertThat(taken).containsExactly(1_000L, 1_600L, 2_100L);
  }

  @Test
  void whatComesLateInAPeriodDoesNotPutItOff() throws Exception {
    hold("slow", unhurried());
    advance(800);
    hold("guarded", rule());
    hold("another", rule());
    advance(200);
    assertThat(taken).containsExactly(1_000L);
  }
}
