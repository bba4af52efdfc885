package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class SlowCloseToxicTest extends ToxicContract {
  @Override
  Toxic toxic() {
    return new SlowCloseToxic(Duration.ofSeconds(1));
  }

  @Test
  void onlyTheEndIsLate() {
    attach("a");
    chain.onChunk(chunk("x"));
    assertThat(out.text).hasToString("x");
    chain.onEnd();
    advance(999);
    assertThat(out.text).hasToString("x");
    advance(1);
    assertThat(out.text).hasToString("x|");
    out.release();
  }
}
