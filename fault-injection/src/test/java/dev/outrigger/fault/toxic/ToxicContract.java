package dev.outrigger.fault.toxic;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What holds for every toxic whose purpose is not to drop bytes. */
abstract class ToxicContract {
  final MockTicker ticker = Ticker.newMockTicker();
  final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  final Collector out = new Collector();
  final ToxicChain chain = new ToxicChain(out);
  int resets;
  int closes;

  /** One with settings that make it act. */
  abstract Toxic toxic();

  @Test
  final void keepsEveryByteInOrderWhereverItIsAttachedAndDetached() {
    for (int attachAt = 0; attachAt < 6; attachAt++) {
      for (int detachAt = attachAt; detachAt <= 6; detachAt++) {
        out.text.setLength(0);
        StringBuilder sent = new StringBuilder();
        for (int i = 0; i < 6; i++) {
          if (i == attachAt) {
            attach("a");
            attach("b");
          }
          if (i == detachAt) {
            chain.detach("a");
          }
          sent.append(i);
          chain.onChunk(chunk(String.valueOf(i)));
          advance(7);
        }
        chain.detach("a");
        chain.detach("b");
        assertThat(out.text).hasToString(sent.toString());
        assertThat(chain.isEmpty()).isTrue();
        assertThat(chain.heldBytes()).isZero();
      }
    }
    out.allReleased();
  }

  @Test
  final void endComesOnceAndAfterTheLastByte() {
    attach("a");
    chain.onChunk(chunk("x"));
    chain.onEnd();
    advance(3_600_000);
    assertThat(out.text).hasToString("x|");
    chain.detach("a");
    assertThat(out.text).hasToString("x|");
  }

  @Test
  final void endThatIsHeldComesWithDetach() {
    attach("a");
    chain.onChunk(chunk("x"));
    chain.onEnd();
    chain.detach("a");
    advance(3_600_000);
    assertThat(out.text).hasToString("x|");
  }

  @Test
  final void discardReleasesWhatIsHeldAndStopsTimers() {
    attach("a");
    List<ByteBuf> chunks = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ByteBuf chunk = chunk("x");
      chunks.add(chunk);
      chain.onChunk(chunk);
    }
    chain.discard();
    ByteBuf late = chunk("y");
    chain.onChunk(late);
    int before = resets;
    advance(3_600_000);
    out.release();
    assertThat(chunks).allMatch(chunk -> chunk.refCnt() == 0);
    assertThat(late.refCnt()).isZero();
    assertThat(resets).isEqualTo(before);
  }

  final void attach(String name) {
    chain.attach(name, toxic(), context());
  }

  final ToxicContext context() {
    return new ToxicContext(
        channel.eventLoop(),
        42,
        new ToxicContext.ConnectionEnd() {
          @Override
          public void close() {
            closes++;
            chain.discard();
          }

          @Override
          public void reset() {
            resets++;
          }
        });
  }

  final void advance(long millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  static ByteBuf chunk(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  /** Writes down what comes out; a bar is the end. */
  static final class Collector implements ChunkSink {
    final StringBuilder text = new StringBuilder();
    final List<ByteBuf> chunks = new ArrayList<>();

    @Override
    public void chunk(ByteBuf chunk) {
      text.append(chunk.toString(StandardCharsets.US_ASCII));
      chunks.add(chunk);
    }

    @Override
    public void end() {
      text.append('|');
    }

    void release() {
      chunks.forEach(ByteBuf::release);
      chunks.clear();
    }

    void allReleased() {
      assertThat(chunks).allMatch(chunk -> chunk.refCnt() == 1);
      release();
    }
  }
}
