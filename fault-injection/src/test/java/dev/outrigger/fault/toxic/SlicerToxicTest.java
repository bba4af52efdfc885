package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class SlicerToxicTest extends ToxicContract {
  private Toxic toxic = new SlicerToxic(2, 1, Duration.ofMillis(5));

  @Override
  Toxic toxic() {
    return toxic;
  }

  @Test
  void piecesHaveTheirSizeAndTheirPause() {
    toxic = new SlicerToxic(10, 3, Duration.ofMillis(5));
    attach("a");
    String sent = "0123456789".repeat(100);
    chain.onChunk(chunk(sent));
    chain.onEnd();
    assertThat(out.chunks).hasSize(1);
    advance(5);
    assertThat(out.chunks).hasSize(2);
    for (int i = 0; i < 200; i++) {
      advance(5);
    }
    assertThat(out.text).hasToString(sent + "|");
    assertThat(out.chunks.subList(0, out.chunks.size() - 1))
        .allSatisfy(piece -> assertThat(piece.readableBytes()).isBetween(7, 13))
        .anySatisfy(piece -> assertThat(piece.readableBytes()).isLessThan(10))
        .anySatisfy(piece -> assertThat(piece.readableBytes()).isGreaterThan(10));
    assertThat(out.chunks.size()).isBetween(90, 111);
    out.release();
  }

  @Test
  void withoutAPauseAllPiecesGoAtOnce() {
    toxic = new SlicerToxic(1, 0, Duration.ZERO);
    attach("a");
    chain.onChunk(chunk("abc"));
    chain.onEnd();
    assertThat(out.text).hasToString("abc|");
    assertThat(out.chunks).hasSize(3);
    out.release();
  }
}
