package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class LimitToxicTest extends ToxicContract {
  private Toxic toxic = new LimitToxic(1_000_000);

  @Override
  Toxic toxic() {
    return toxic;
  }

  @Test
  void closesWithTheLastByteToTheByte() {
    for (int limit = 0; limit <= 9; limit++) {
      toxic = new LimitToxic(limit);
      ToxicChain one = new ToxicChain(out);
      int before = closes;
      out.text.setLength(0);
      one.attach("a", toxic, context());
      for (String part : new String[] {"abc", "d", "efgh", "ij"}) {
        assertThat(closes - before)
            .isEqualTo(out.text.length() >= limit && (limit > 0 || !part.equals("abc")) ? 1 : 0);
        one.onChunk(chunk(part));
      }
      assertThat(out.text).hasToString("abcdefghij".substring(0, limit));
      assertThat(closes - before).isEqualTo(1);
    }
    out.release();
  }
}
