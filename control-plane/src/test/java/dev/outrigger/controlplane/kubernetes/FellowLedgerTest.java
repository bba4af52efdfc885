package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FellowLedgerTest {
  private static final Duration LASTS = Duration.ofSeconds(15);
  private long nanos = -50; // Monotonic time may be negative.
  private final FellowLedger ledger = new FellowLedger("cp-1", LASTS, () -> nanos);
  private final Map<String, String> entries = new HashMap<>();
  private int times;

  private void pass(long millis) {
    nanos += Duration.ofMillis(millis).toNanos();
  }

  private void speaks(String replica) {
    entries.put(
        replica, FellowLedger.entry("time " + times++, Acknowledgements.unknown(replica).toJson()));
    ledger.onEntries(entries);
  }

  private List<String> living() {
    return ledger.living().stream().map(Acknowledgements::replica).toList();
  }

  @Test
  void oneThatRenewsItsEntryLivesAndOneThatDoesNotIsNotCounted() {
    speaks("cp-2");
    speaks("cp-3");
    pass(14_000);
    speaks("cp-2");
    assertThat(living()).containsExactly("cp-2", "cp-3");
    pass(1_000);
    assertThat(living()).containsExactly("cp-2");
    speaks("cp-3");
    assertThat(living()).as("it was frozen").containsExactly("cp-2", "cp-3");
  }

  @Test
  void anEntryThatIsTakenOutIsNotCounted() {
    speaks("cp-2");
    entries.clear();
    ledger.onEntries(entries);
    assertThat(living()).isEmpty();
  }

  @Test
  void whatWeSaidOurselvesIsNotAnothersWord() {
    speaks("cp-1");
    assertThat(living()).isEmpty();
  }

  @Test
  void entriesOfTheDeadCanGoLaterThanTheyCount() {
    speaks("cp-2");
    pass(15_000);
    assertThat(living()).isEmpty();
    assertThat(ledger.gone()).isEmpty();
    pass(15_000);
    assertThat(ledger.gone()).containsExactly("cp-2");
  }

  @Test
  void whoBeginsToLeadCountsAllWhoMayHaveBeenUnheard() {
    speaks("cp-2");
    pass(60_000);
    ledger.freshen();
    assertThat(living()).containsExactly("cp-2");
    assertThat(ledger.gone()).isEmpty();
    pass(15_000);
    assertThat(living()).isEmpty();
  }

  @Test
  void oneOfAnotherVersionLivesAndHasNothing() {
    entries.put("cp-9", FellowLedger.entry("now", "{\"format\": 2}"));
    entries.put("cp-8", "what?");
    ledger.onEntries(entries);

    assertThat(ledger.living())
        .containsExactly(Acknowledgements.unknown("cp-8"), Acknowledgements.unknown("cp-9"));
  }

  @Test
  void thousandsOfChangesAreOneWriteASecond() {
    int writes = 0;
    for (int i = 0; i < 1_000; i++) {
      String said = "proxies: " + i;
      if (ledger.isDue(said)) {
        ledger.onSpeak(said);
        writes++;
      }
      pass(10);
    }
    assertThat(writes).isEqualTo(10);
  }

  @Test
  void theSameIsSaidAgainOnlyToRenewTheEntry() {
    assertThat(ledger.isDue("a")).isTrue();
    ledger.onSpeak("a");
    pass(4_999);
    assertThat(ledger.isDue("a")).isFalse();
    pass(1);
    assertThat(ledger.isDue("a")).isTrue();
  }

  @Test
  void whatCouldNotBeSaidIsTriedAgainAtTheSamePace() {
    ledger.onSpeak("a");
    ledger.onUnheard();
    assertThat(ledger.isDue("a")).isFalse();
    pass(1_000);
    assertThat(ledger.isDue("a")).isTrue();
  }
}
