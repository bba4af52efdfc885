package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class OwnWritesTest {
  private static final String KEY = "shop/slow";
  private final OwnWrites writes = new OwnWrites();

  @Test
  void whatWasNotWrittenHereIsAsItIsShown() {
    assertThat(writes.isPast(KEY, "a", 1)).isFalse();
    assertThat(writes.isPastEnd(KEY, "a")).isFalse();
  }

  @Test
  void olderVersionsArePassedOverUntilOursOrALaterOneIsShown() {
    writes.wrote(KEY, "a", 20);
    assertThat(writes.isPast(KEY, "a", 10)).isTrue();
    assertThat(writes.isPast("shop/other", "a", 10)).isFalse();
    assertThat(writes.waiting()).containsExactly(KEY);
    assertThat(writes.isPast(KEY, "a", 20)).isFalse();
    assertThat(writes.waiting()).isEmpty();
    writes.wrote(KEY, "a", 30);
    assertThat(writes.isPast(KEY, "a", 31)).isFalse();
    assertThat(writes.waiting()).isEmpty();
  }

  @Test
  void theEndOfAnObjectBeforeOursIsPassedOverAndThatOfOursIsNot() {
    writes.wrote(KEY, "b", 20);
    assertThat(writes.isPast(KEY, "a", 10)).isTrue();
    assertThat(writes.isPastEnd(KEY, "a")).isTrue();
    assertThat(writes.isPast(KEY, "b", 20)).isFalse();
    writes.wrote(KEY, "b", 25);
    assertThat(writes.isPastEnd(KEY, "b")).as("somebody deleted ours").isFalse();
    assertThat(writes.waiting()).isEmpty();
  }

  @Test
  void whatWeDeletedDoesNotComeBackAndAnotherOfItsNameDoes() {
    writes.deleted(KEY, "a");
    assertThat(writes.isPast(KEY, "a", 40)).as("a status that was written before").isTrue();
    assertThat(writes.isPastEnd(KEY, "a")).isFalse();
    assertThat(writes.waiting()).isEmpty();
    writes.deleted(KEY, "a");
    assertThat(writes.isPast(KEY, "b", 50)).isFalse();
    assertThat(writes.waiting()).isEmpty();
  }
}
