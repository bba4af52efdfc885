package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

final class StateDiskTest {
  private final List<String> done = new CopyOnWriteArrayList<>();
  private final CountDownLatch answers = new CountDownLatch(1);

  private void hang() throws IOException {
    try {
      answers.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void doesWhatIsAskedInOrderAndGivesResultsAndFailures() throws IOException {
    StateDisk disk = new StateDisk();
    disk.soon(() -> done.add("one"), e -> done.add("failed"));
    disk.soon(
        () -> {
          throw new IOException("full");
        },
        e -> done.add(e.getMessage()));
    assertThat(disk.now(() -> "two")).isEqualTo("two");
    assertThat(done).containsExactly("one", "full");
    assertThatThrownBy(
            () ->
                disk.now(
                    () -> {
                      throw new IOException("full");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("full");
    assertThat(disk.settle()).isTrue();
  }

  @Test
  void nobodyWaitsForADiskThatHangsAndWhatCameTooLateIsNotDone() throws IOException {
    StateDisk disk = new StateDisk(Duration.ofMillis(20));
    disk.soon(this::hang, e -> done.add("failed"));
    assertThatThrownBy(() -> disk.now(() -> done.add("late")))
        .hasMessage("the disk did not answer for 20 ms");
    // Others learn at once that somebody has waited in vain.
    assertThatThrownBy(() -> disk.now(() -> done.add("later")))
        .hasMessage("the disk does not answer");
    disk.soon(() -> done.add("soon"), e -> done.add("failed"));
    assertThat(disk.settle()).isFalse();
    answers.countDown();
    while (!disk.settle()) {
      Thread.onSpinWait();
    }
    assertThat(done).containsExactly("soon");
  }

  @Test
  void whatWasDoneTooLateIsTakenBack() throws IOException {
    StateDisk disk = new StateDisk(Duration.ofMillis(20));
    assertThatThrownBy(
            () ->
                disk.now(
                    () -> {
                      hang();
                      return done.add("late");
                    },
                    () -> done.add("undone")))
        .isInstanceOf(IOException.class);
    answers.countDown();
    while (!disk.settle()) {
      Thread.onSpinWait();
    }
    assertThat(done).containsExactly("late", "undone");
  }
}
