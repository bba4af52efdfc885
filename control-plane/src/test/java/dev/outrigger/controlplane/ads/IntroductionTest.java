package dev.outrigger.controlplane.ads;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IntroductionTest {
  private static final int MUCH = Introduction.LITTLE;

  private final EmbeddedChannel time = new EmbeddedChannel();
  private final Turns turns = new Turns(2);
  private final List<String> read = new ArrayList<>();

  @BeforeEach
  void stopTheClock() {
    time.freezeTime();
  }

  private Introduction stream(String name) {
    Introduction stream = new Introduction(turns, time.eventLoop(), () -> read.add(name));
    stream.begin();
    return stream;
  }

  private void pass(int quiets) {
    for (int i = 0; i < quiets; i++) {
      time.advanceTimeBy(Introduction.QUIET.toNanos(), TimeUnit.NANOSECONDS);
      time.runPendingTasks();
      time.runPendingTasks(); // What a timer handed over.
    }
  }

  @Test
  void onlyAFewAreReadAtOnce() {
    Introduction first = stream("first");
    stream("second");
    stream("third");
    assertThat(read).containsExactly("first", "second");

    first.onRequest(MUCH);
    pass(1);
    first.onRequest(MUCH);
    pass(1);
    assertThat(read).containsExactly("first", "second");

    pass(1);
    assertThat(read).containsExactly("first", "second", "third");
  }

  @Test
  void whoHasLittleToTellGivesItsTurnBackAtOnce() {
    Introduction first = stream("first");
    stream("second");
    stream("third");
    stream("fourth");
    assertThat(turns.waiting()).isEqualTo(2);
    first.onRequest(Introduction.LITTLE - 1);
    first.onRequest(MUCH);
    time.runPendingTasks();
    assertThat(read).containsExactly("first", "second", "third");
    pass(1);
    assertThat(read).containsExactly("first", "second", "third");
  }

  @Test
  void whoSaysNothingKeepsNobodyWaitingForLong() {
    stream("silent");
    stream("silent too");
    stream("third");
    pass(Introduction.PATIENCE - 1);
    assertThat(read).doesNotContain("third");
    pass(1);
    assertThat(read).contains("third");
  }

  @Test
  void norDoesWhoNeverStops() {
    Introduction talker = stream("talker");
    Introduction other = stream("other talker");
    stream("third");
    for (int i = 0; i < Introduction.LONGEST; i++) {
      assertThat(read).doesNotContain("third");
      talker.onRequest(MUCH);
      other.onRequest(MUCH);
      pass(1);
    }
    assertThat(read).contains("third");
  }

  @Test
  void whoIsGoneLeavesItsTurn() {
    Introduction first = stream("first");
    stream("second");
    Introduction third = stream("third");
    stream("fourth");
    third.end();
    first.end();
    time.runPendingTasks();
    assertThat(read).containsExactly("first", "second", "fourth");
  }

  @Test
  void aTurnThatComesTooLateIsGivenBack() {
    Introduction first = stream("first");
    stream("second");
    Introduction third = stream("third");
    stream("fourth");
    first.end(); // The turn is the third's, which has not been told yet.
    third.end();
    time.runPendingTasks();
    assertThat(read).containsExactly("first", "second", "fourth");
  }

  @Test
  void onceItIsOverNothingIsGivenBackTwice() {
    Introduction first = stream("first");
    stream("second");
    pass(Introduction.PATIENCE);
    first.end();
    first.end();
    List.of("third", "fourth", "fifth").forEach(this::stream);
    assertThat(read).containsExactly("first", "second", "third", "fourth");
  }
}
