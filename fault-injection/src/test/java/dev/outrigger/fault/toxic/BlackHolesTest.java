package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Stall and partition: nothing comes out while they last; they differ in what happens then. */
final class BlackHolesTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final ToxicContract.Collector out = new ToxicContract.Collector();
  private final ToxicChain chain = new ToxicChain(out);
  private int closes;

  private void attach(Toxic toxic) {
    chain.attach(
        "a",
        toxic,
        new ToxicContext(
            channel.eventLoop(),
            1,
            new ToxicContext.ConnectionEnd() {
              @Override
              public void close() {
                closes++;
              }

              @Override
              public void reset() {
                throw new AssertionError("nobody asked for a reset");
              }
            }));
  }

  private static ByteBuf chunk(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  private void advance(long millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  @Test
  void stallSwallowsAndClosesWhatLostBytesWhenItEnds() {
    attach(new StallToxic(Duration.ZERO));
    ByteBuf lost = chunk("x");
    chain.onChunk(lost);
    advance(3_600_000);
    assertThat(out.text).isEmpty();
    assertThat(lost.refCnt()).isZero();
    assertThat(closes).isZero();
    chain.detach("a");
    assertThat(closes).isEqualTo(1);
    assertThat(out.text).isEmpty();
  }

  @Test
  void stallThatMetNoByteLeavesTheConnectionAlone() {
    attach(new StallToxic(Duration.ofMinutes(2)));
    advance(1_000);
    chain.detach("a");
    chain.onChunk(chunk("x"));
    advance(3_600_000);
    assertThat(out.text).hasToString("x");
    assertThat(closes).isZero();
    out.release();
  }

  @Test
  void stallWithATimeoutClosesWhenItHasPassedWhetherOrNotBytesCome() {
    attach(new StallToxic(Duration.ofSeconds(2)));
    advance(1_500);
    chain.onChunk(chunk("x"));
    assertThat(closes).isZero();
    advance(500);
    assertThat(closes).isEqualTo(1);
  }

  @Test
  void partitionHoldsEverythingAndLosesNothing() {
    attach(new PartitionToxic());
    chain.onChunk(chunk("ab"));
    chain.onChunk(chunk("c"));
    chain.onEnd();
    advance(3_600_000);
    assertThat(out.text).isEmpty();
    assertThat(chain.heldBytes()).isEqualTo(3);
    chain.detach("a");
    assertThat(out.text).hasToString("abc|");
    assertThat(closes).isZero();
    out.release();
  }

  @Test
  void whatIsHeldIsReleasedWithTheConnection() {
    attach(new PartitionToxic());
    ByteBuf held = chunk("ab");
    chain.onChunk(held);
    chain.discard();
    assertThat(held.refCnt()).isZero();
  }
}
