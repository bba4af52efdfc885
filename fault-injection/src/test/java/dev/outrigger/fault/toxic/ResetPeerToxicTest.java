package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ResetPeerToxicTest extends ToxicContract {
  @Override
  Toxic toxic() {
    return new ResetPeerToxic(Duration.ofSeconds(1));
  }

  @Test
  void resetsWithoutWaitingForBytes() {
    attach("a");
    advance(999);
    assertThat(resets).isZero();
    advance(1);
    assertThat(resets).isEqualTo(1);
  }

  @Test
  void doesNotResetOnceItIsOver() {
    attach("a");
    chain.detach("a");
    advance(10_000);
    assertThat(resets).isZero();
  }
}
