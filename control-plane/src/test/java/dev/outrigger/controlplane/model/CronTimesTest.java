package dev.outrigger.controlplane.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class CronTimesTest {
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  @Test
  void goesByTheClocksOfItsZoneInSummerAndInWinter() {
    CronTimes ten = new CronTimes("0 10 * * 1-5", BERLIN);
    assertThat(ten.after(at("2026-01-05T00:00:00Z"))).contains(at("2026-01-05T09:00:00Z"));
    assertThat(ten.after(at("2026-07-06T00:00:00Z"))).contains(at("2026-07-06T08:00:00Z"));
    assertThat(ten.after(at("2026-01-09T12:00:00Z"))).contains(at("2026-01-12T09:00:00Z"));
  }

  @Test
  void aTimeThatItsClocksLeapOverDoesNotComeAndOneTheyShowTwiceComesOnce() {
    CronTimes night = new CronTimes("30 2 * * *", BERLIN);
    List<Instant> spring = times(night, at("2026-03-28T12:00:00Z"), at("2026-03-30T12:00:00Z"));
    assertThat(spring).containsExactly(at("2026-03-30T00:30:00Z"));
    List<Instant> autumn = times(night, at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"));
    assertThat(autumn).hasSize(2);
    assertThat(autumn.getLast()).isEqualTo(at("2026-10-26T01:30:00Z"));
  }

  @Test
  void theLastTimeIncludesThisVeryMoment() {
    CronTimes hourly = new CronTimes("0 * * * *", ZoneId.of("UTC"));
    assertThat(hourly.atOrBefore(at("2026-01-01T05:00:00Z"))).contains(at("2026-01-01T05:00:00Z"));
    assertThat(hourly.atOrBefore(at("2026-01-01T05:00:00.700Z")))
        .contains(at("2026-01-01T05:00:00Z"));
    assertThat(hourly.atOrBefore(at("2026-01-01T04:59:58Z"))).contains(at("2026-01-01T04:00:00Z"));
  }

  @Test
  void whatIsNoCronExpressionIsRefused() {
    for (String bad :
        new String[] {"", "* * * *", "61 * * * *", "0 0 1 1 1 1", "hello", "*/0 * * * *"}) {
      assertThatThrownBy(() -> new CronTimes(bad, BERLIN))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static List<Instant> times(CronTimes times, Instant from, Instant until) {
    List<Instant> found = new ArrayList<>();
    Optional<Instant> next = times.after(from);
    while (next.isPresent() && next.get().isBefore(until)) {
      found.add(next.get());
      next = times.after(next.get());
    }
    return found;
  }

  private static Instant at(String text) {
    return Instant.parse(text);
  }
}
