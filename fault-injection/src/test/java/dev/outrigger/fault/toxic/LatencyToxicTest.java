package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.fault.Spread;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class LatencyToxicTest extends ToxicContract {
  private Toxic toxic = uniform(100, 50);

  private static Toxic uniform(long millis, long jitter) {
    return new LatencyToxic(
        new Spread.Uniform(Duration.ofMillis(millis), Duration.ofMillis(jitter)));
  }

  @Override
  Toxic toxic() {
    return toxic;
  }

  @Test
  void keepsThroughput() {
    toxic = uniform(100, 0);
    attach("a");
    int sent = 0;
    // 100 bytes in each of 2,000 milliseconds; a toxic that slept per chunk would pass twenty.
    for (int millis = 0; millis < 2_000; millis++) {
      chain.onChunk(chunk("0123456789".repeat(10)));
      sent += 100;
      advance(1);
    }
    assertThat(out.text.length() / (double) sent).isBetween(0.94, 0.96);
    assertThat(chain.heldBytes()).isEqualTo(sent - out.text.length());
    out.release();
    chain.discard();
  }

  @Test
  void countsFromArrival() {
    toxic = uniform(100, 0);
    attach("a");
    chain.onChunk(chunk("a"));
    advance(30);
    chain.onChunk(chunk("b"));
    advance(69);
    assertThat(out.text).isEmpty();
    advance(1);
    assertThat(out.text).hasToString("a");
    advance(29);
    assertThat(out.text).hasToString("a");
    advance(1);
    assertThat(out.text).hasToString("ab");
    out.release();
  }

  @Test
  void jitterNeverReorders() {
    attach("a");
    StringBuilder sent = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      char letter = (char) ('a' + i % 26);
      sent.append(letter);
      chain.onChunk(chunk(String.valueOf(letter)));
      advance(1);
    }
    advance(150);
    assertThat(out.text).hasToString(sent.toString());
    out.release();
  }
}
