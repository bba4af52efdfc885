package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.kubernetes.EventLog.Write;
import dev.outrigger.controlplane.kubernetes.Occurrence.Regarding;
import dev.outrigger.controlplane.kubernetes.Occurrence.Weight;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EventLogTest {
  private static final Instant START = Instant.parse("2026-11-21T12:00:00Z");

  private final EventLog log = new EventLog();

  private static Occurrence of(String object, String note) {
    return new Occurrence(
        new Regarding("v1", "HTTPRoute", "shop", object, "uid-" + object),
        Weight.WARNING,
        "Invalid",
        "Refused",
        note,
        "");
  }

  private List<Write> due(Duration after) {
    return log.due(START.plus(after));
  }

  @Test
  void theSameWordsAreOneEventThatCounts() {
    log.tell(of("a", "no"), START);
    Write first = due(Duration.ZERO).getFirst();
    log.tell(of("a", "no"), START.plusSeconds(5));
    log.tell(of("a", "no"), START.plusSeconds(6));
    log.tell(of("a", "never"), START.plusSeconds(6));

    List<Write> later = due(Duration.ofSeconds(6));
    assertThat(first.count()).isEqualTo(1);
    assertThat(later).extracting(Write::count).containsExactly(3, 1);
    assertThat(later.getFirst().name()).isEqualTo(first.name());
    assertThat(later.getFirst().first()).isEqualTo(START);
    assertThat(later.getFirst().last()).isEqualTo(START.plusSeconds(6));
    assertThat(later.getLast().name()).isNotEqualTo(first.name());
  }

  @Test
  void whatWasNotWrittenYetIsCreatedHoweverOftenItHappened() {
    log.tell(of("a", "no"), START);
    log.tell(of("a", "no"), START);

    assertThat(due(Duration.ZERO)).extracting(Write::count).containsExactly(1);
  }

  @Test
  void oneObjectCannotTakeTheTurnOfTheOthers() {
    for (int i = 0; i < 100; i++) {
      log.tell(of("noisy", "no " + i), START);
    }
    log.tell(of("quiet", "no"), START);

    List<Write> due = due(Duration.ZERO);
    assertThat(due).hasSize(11);
    assertThat(due.getLast().occurrence().regarding().name()).isEqualTo("quiet");
    assertThat(log.dropped()).isEqualTo(90);
    log.tell(of("noisy", "once more"), START);
    assertThat(due(Duration.ofSeconds(31))).as("one token is back").hasSize(1);
  }

  @Test
  void manyObjectsWaitForTheirTurn() {
    for (int i = 0; i < 60; i++) {
      log.tell(of("o" + i, "no"), START);
    }

    assertThat(due(Duration.ZERO)).hasSize(50);
    assertThat(due(Duration.ofMillis(499))).isEmpty();
    assertThat(due(Duration.ofSeconds(2))).hasSize(4);
    assertThat(due(Duration.ofHours(1))).hasSize(6);
    assertThat(log.dropped()).isZero();
  }

  @Test
  void anotherReplicaCallsTheSameEventTheSame() {
    assertThat(of("a", "no").event()).isEqualTo(of("a", "no").event()).startsWith("a.");
    assertThat(of("a", "no").event()).isNotEqualTo(of("a", "yes").event());
    assertThat(of("a".repeat(253), "no").event()).hasSizeLessThanOrEqualTo(253);
  }
}
