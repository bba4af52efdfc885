package dev.outrigger.fault.toxic;

import dev.outrigger.fault.FaultDecider;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Cuts bytes into small pieces, each written by itself. Toxiproxy's {@code slicer}, whose delay is
 * in microseconds.
 *
 * @param averageSize at least 1
 * @param sizeVariation a piece has that many bytes more or less; below {@code averageSize}
 * @param delay between the beginnings of two pieces
 */
public record SlicerToxic(int averageSize, int sizeVariation, Duration delay) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(this, context);
  }

  private static final class Flow implements ToxicFlow {
    private final SlicerToxic toxic;
    private final EventExecutor executor;
    private final long roll;
    private final HeldChunks held = new HeldChunks();
    private long slices;
    private @Nullable Future<?> timer;

    Flow(SlicerToxic toxic, ToxicContext context) {
      this.toxic = toxic;
      this.executor = context.executor();
      this.roll = context.roll();
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      held.add(chunk);
      if (timer == null) {
        slice(out);
      }
    }

    @Override
    public void onEnd(ChunkSink out) {
      held.end();
      if (timer == null) {
        held.releaseEnd(out);
      }
    }

    @Override
    public void detach(ChunkSink out) {
      stopTimer();
      held.releaseAll(out);
    }

    @Override
    public void discard() {
      stopTimer();
      held.discard();
    }

    @Override
    public long heldBytes() {
      return held.bytes();
    }

    private void slice(ChunkSink out) {
      while (held.bytes() > 0) {
        // A piece never has bytes of two chunks: that would make larger what came small.
        held.release(Math.min(size(), Math.max(1, held.firstLength())), out);
        if (!toxic.delay.isZero()) {
          timer =
              executor.schedule(() -> onTimer(out), toxic.delay.toNanos(), TimeUnit.NANOSECONDS);
          return;
        }
      }
      held.releaseAll(out);
    }

    private void onTimer(ChunkSink out) {
      timer = null;
      slice(out);
    }

    private int size() {
      long range = 2L * toxic.sizeVariation + 1;
      long draw = FaultDecider.draw(roll, slices++);
      return (int)
          (toxic.averageSize - toxic.sizeVariation + Math.unsignedMultiplyHigh(draw, range));
    }

    private void stopTimer() {
      if (timer != null) {
        timer.cancel(false);
        timer = null;
      }
    }
  }
}
