package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class BandwidthToxicTest extends ToxicContract {
  private Toxic toxic = new BandwidthToxic(100);

  @Override
  Toxic toxic() {
    return toxic;
  }

  @Test
  void passesTheRateAndNoMoreHoweverMuchComesAtOnce() {
    toxic = new BandwidthToxic(1_000);
    attach("a");
    chain.onChunk(chunk("0123456789".repeat(1_000)));
    assertThat(out.text).isEmpty();
    for (int second = 1; second <= 10; second++) {
      for (int step = 0; step < 100; step++) {
        advance(10);
      }
      assertThat(out.text.length()).isBetween(second * 1_000 - 20, second * 1_000);
    }
    assertThat(chain.heldBytes()).isEqualTo(10_000 - out.text.length());
    advance(20);
    assertThat(out.text.length()).isEqualTo(10_000);
    out.release();
  }

  @Test
  void makesUpForATimerThatIsLate() {
    toxic = new BandwidthToxic(1_000);
    attach("a");
    chain.onChunk(chunk("0123456789".repeat(100)));
    advance(730);
    assertThat(out.text.length()).isBetween(710, 730);
    advance(270);
    assertThat(out.text.length()).isEqualTo(1_000);
    out.release();
  }

  @Test
  void anIdleLineSavesNothingUp() {
    toxic = new BandwidthToxic(1_000);
    attach("a");
    advance(60_000);
    chain.onChunk(chunk("0123456789".repeat(100)));
    advance(500);
    assertThat(out.text.length()).isBetween(480, 500);
    chain.discard();
    out.release();
  }

  @Test
  void aByteOfASlowLineTakesItsTime() {
    toxic = new BandwidthToxic(1);
    attach("a");
    chain.onChunk(chunk("xy"));
    advance(999);
    assertThat(out.text).isEmpty();
    advance(1);
    assertThat(out.text).hasToString("x");
    advance(1_000);
    assertThat(out.text).hasToString("xy");
    out.release();
  }
}
