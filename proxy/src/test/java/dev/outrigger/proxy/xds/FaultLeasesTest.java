package dev.outrigger.proxy.xds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.Abort;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.LatencyToxic;
import dev.outrigger.api.chaos.v1.Match;
import dev.outrigger.api.chaos.v1.Place;
import dev.outrigger.api.chaos.v1.StringMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class FaultLeasesTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration LEASE = Duration.ofSeconds(5);

  private Duration set = Duration.ZERO;
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<FaultPlan> published = new ArrayList<>();
  private final List<Long> deadlines = new ArrayList<>();
  private final List<FaultPlan> observed = new ArrayList<>();
  private final FaultLeases leases =
      new FaultLeases(
          channel.eventLoop(),
          () -> START.plusNanos(ticker.nanoTime()).plus(set),
          (plan, deadline) -> {
            published.add(plan);
            deadlines.add(deadline);
          },
          deadlines::add,
          observed::add);

  @Test
  void whatOnlyObservesIsNeverInThePlanThatActs() throws Exception {
    leases.onFault("e/f", rule().setObserveOnly(true).build(), LEASE);
    assertThat(leases.plan().isEmpty()).isTrue();
    assertThat(observed).singleElement().satisfies(plan -> assertThat(plan.rules()).hasSize(1));
    leases.onFault("e/f", rule().build(), LEASE);
    assertThat(leases.plan().rules()).hasSize(1);
    assertThat(observed.getLast().isEmpty()).isTrue();
  }

  @Test
  void whatWasGivenUpStaysSoUntilTheControlPlaneHasTakenItBack() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    leases.giveUp("e");
    assertThat(leases.plan().isEmpty()).isTrue();
    leases.onHeartbeat("e/f", LEASE);
    leases.onFault("e/f", rule().build(), LEASE);
    assertThat(leases.plan().isEmpty()).isTrue();
    assertThat(leases.givenUp()).containsExactly("e");
    leases.onRemoved("e/f");
    leases.onFault("e/f", rule().build(), LEASE);
    assertThat(leases.plan().rules()).hasSize(1);
  }

  @Test
  void whatIsMeasuredIsToldAsOftenAsAnyFaultAsksFor() throws Exception {
    assertThat(leases.reportPeriod()).hasMillis(500);
    leases.onFault(
        "e/slow", rule().setFault("slow").setReportPeriod(Durations.fromSeconds(1)).build(), LEASE);
    assertThat(leases.reportPeriod()).hasSeconds(1);
    leases.onHeartbeat("e/slow", LEASE);
    assertThat(leases.reportPeriod()).hasSeconds(1);
    leases.onFault("guarded/f", rule().setExperiment("guarded").build(), LEASE);
    assertThat(leases.reportPeriod()).hasMillis(500);
    leases.onRemoved("guarded/f");
    assertThat(leases.reportPeriod()).hasSeconds(1);
  }

  @Test
  void aPeriodOutOfBoundsIsRefused() {
    for (long millis : new long[] {-1000, 0, 99, 10_001}) {
      FaultRule wrong = rule().setReportPeriod(Durations.fromMillis(millis)).build();
      assertThatThrownBy(() -> leases.onFault("e/f", wrong, LEASE))
          .isInstanceOf(InvalidResourceException.class)
          .hasMessageContaining("report_period");
    }
    assertThat(leases.isActive()).isFalse();
    FaultRule endless =
        rule()
            .setReportPeriod(
                com.google.protobuf.Duration.newBuilder().setSeconds(Long.MAX_VALUE).setNanos(-1))
            .build();
    assertThatThrownBy(() -> leases.onFault("e/f", endless, LEASE))
        .isInstanceOf(InvalidResourceException.class);
    FaultRule overflowing =
        rule()
            .setReportPeriod(
                com.google.protobuf.Duration.newBuilder()
                    .setSeconds(Long.MAX_VALUE)
                    .setNanos(1_999_999_999))
            .build();
    assertThatThrownBy(() -> leases.onFault("e/f", overflowing, LEASE))
        .isInstanceOf(InvalidResourceException.class);
  }

  @Test
  void faultEndsByItselfWithoutAHeartbeat() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    advance(4_999);
    assertThat(leases.plan().rules()).hasSize(1);
    advance(1);
    assertThat(leases.plan()).isSameAs(FaultPlan.NONE);
    assertThat(published).hasSize(2);
  }

  @Test
  void heartbeatsKeepItAndPublishNothing() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    for (int beat = 0; beat < 20; beat++) {
      advance(1_700);
      leases.onHeartbeat("e/f", LEASE);
    }
    assertThat(leases.plan().rules()).hasSize(1);
    assertThat(published).hasSize(1);
    advance(5_000);
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  @Test
  void whatIsToldTogetherIsOneChange() throws Exception {
    leases.together(
        () -> {
          tell("f");
          tell("g");
          assertThat(published).isEmpty();
        });
    assertThat(published).hasSize(1);
    assertThat(leases.plan().rules()).hasSize(2);
    deadlines.clear();
    advance(1_000);
    leases.together(
        () -> {
          leases.onHeartbeat("e/f", LEASE);
          leases.onHeartbeat("e/g", LEASE);
        });
    assertThat(published).hasSize(1);
    assertThat(deadlines).hasSize(1);
    leases.together(
        () -> {
          leases.onRemoved("e/f");
          leases.onRemoved("e/g");
        });
    assertThat(published).hasSize(2);
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  /** Also in the midst of a response: what waits for the old one must not go on waiting. */
  @Test
  void whatHasPassedEndsBeforeItActsAgain() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    ticker.advance(5_001, TimeUnit.MILLISECONDS); // The loop stood still: no timer ran.
    leases.together(
        () -> {
          assertThat(leases.onHeartbeat("e/f", LEASE)).isFalse();
          tell("f");
        });
    assertThat(published).extracting(plan -> plan.rules().size()).containsExactly(1, 0, 1);
  }

  private void tell(String name) {
    try {
      leases.onFault("e/" + name, rule().setFault(name).build(), LEASE);
    } catch (InvalidResourceException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void noHeartbeatReachesBeyondTheAbsoluteEnd() throws Exception {
    leases.onFault("e/f", rule().setNotAfter(at(8)).build(), LEASE);
    advance(4_000);
    leases.onHeartbeat("e/f", LEASE);
    advance(3_999);
    assertThat(leases.plan().isEmpty()).isFalse();
    leases.onHeartbeat("e/f", LEASE);
    advance(1);
    assertThat(leases.plan().isEmpty()).isTrue();
    leases.onHeartbeat("e/f", LEASE);
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  @Test
  void aWallClockThatIsSetBackMovesNoEnd() throws Exception {
    leases.onFault("e/f", rule().setNotAfter(at(8)).build(), LEASE);
    set = Duration.ofHours(-1);
    advance(4_000);
    leases.onHeartbeat("e/f", LEASE);
    leases.onFault("e/f", rule().setNotAfter(at(8)).build(), LEASE);
    advance(3_999);
    assertThat(leases.plan().isEmpty()).isFalse();
    advance(1);
    assertThat(leases.plan().isEmpty()).isTrue();
    leases.onFault("e/f", rule().setNotAfter(at(8)).build(), LEASE);
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  @Test
  void aRenewalThatComesAfterTheLeaseRevivesNothingThoughNobodyEndedItYet() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    // As after standing still: what was read from the network comes before the timer.
    ticker.advance(5_001, TimeUnit.MILLISECONDS);
    assertThat(leases.onHeartbeat("e/f", LEASE)).isFalse();
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  @Test
  void workersAreToldWhenTheFirstLeaseEndsAndWhenItEndsLater() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    leases.onFault("e/g", rule().setFault("g").build(), LEASE.multipliedBy(2));
    advance(1_000);
    leases.onHeartbeat("e/f", LEASE);
    assertThat(deadlines.stream().map(at -> at / 1_000_000))
        .containsExactly(5_250L, 5_250L, 6_250L);
  }

  @Test
  void removalEndsItAtOnceAndOthersStay() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    leases.onFault("e/g", rule().setFault("g").build(), LEASE);
    leases.onRemoved("e/f");
    assertThat(leases.plan().rules()).singleElement().matches(one -> one.name().equals("g"));
  }

  @Test
  void refusalNamesTheFieldAndLeavesTheOlderOneToItsLease() throws Exception {
    leases.onFault("e/f", rule().build(), LEASE);
    refused("abort.http_status", rule().setAbort(Abort.newBuilder().setHttpStatus(99)));
    refused("chance_ppm", rule().setChancePpm(2_000_000));
    refused("place", rule().clearPlace());
    refused("place", rule().setPlace(Place.CONNECTION));
    refused("not_after", rule().clearNotAfter());
    refused("does nothing", rule().clearAbort());
    refused("named after", rule().setFault("other"));
    refused("latency_toxic.latency", rule().setLatencyToxic(LatencyToxic.newBuilder()));
    refused(
        "match.paths[0].regex",
        rule()
            .setMatch(Match.newBuilder().addPaths(StringMatch.newBuilder().setRegex("(unclosed"))));
    assertThat(leases.plan().rules()).hasSize(1);
    advance(5_000);
    assertThat(leases.plan().isEmpty()).isTrue();
  }

  private void refused(String part, FaultRule.Builder rule) {
    assertThatThrownBy(() -> leases.onFault("e/f", rule.build(), LEASE))
        .isInstanceOf(InvalidResourceException.class)
        .hasMessageContaining(part);
  }

  private void advance(long millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  private static FaultRule.Builder rule() {
    return FaultRule.newBuilder()
        .setExperiment("e")
        .setFault("f")
        .setPlace(Place.REQUEST)
        .setChancePpm(200_000)
        .setNotAfter(at(3600))
        .setAbort(Abort.newBuilder().setHttpStatus(503));
  }

  private static Timestamp at(long seconds) {
    return Timestamp.newBuilder().setSeconds(START.plusSeconds(seconds).getEpochSecond()).build();
  }
}
