package dev.outrigger.controlplane.ads;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TurnsTest {
  private static final int MOST = 3;

  private final Turns turns = new Turns(MOST);
  private final List<String> granted = new ArrayList<>();

  private int takeAll() {
    int taken = 0;
    while (turns.take(() -> granted.add("late"), false)) {
      taken++;
    }
    return taken;
  }

  @Test
  void whoHadATurnGoesBeforeThoseWhoHadNone() {
    assertThat(takeAll()).isEqualTo(MOST);
    assertThat(turns.take(() -> granted.add("again"), true)).isFalse();
    assertThat(granted).isEmpty();
    turns.giveBack();
    turns.giveBack();
    assertThat(granted).containsExactly("again", "late");
  }

  @Test
  void whoLeavesIsNotGranted() {
    int all = takeAll();
    Runnable left = () -> granted.add("left");
    assertThat(turns.take(left, true)).isFalse();
    turns.leave(left);
    for (int i = 0; i <= all; i++) {
      turns.giveBack();
    }
    assertThat(granted).containsExactly("late");
    assertThat(turns.take(() -> granted.add("x"), false)).isTrue();
  }
}
