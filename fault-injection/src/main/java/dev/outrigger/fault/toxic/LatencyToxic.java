package dev.outrigger.fault.toxic;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.Spread;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Bytes arrive later. The wait counts from each chunk's arrival and not from the release of the one
 * before, so the throughput stays; the order stays too. Toxiproxy's {@code latency}, with more
 * distributions.
 *
 * @param length drawn for each chunk
 */
public record LatencyToxic(Spread length) implements Toxic {
  /** Where so many wait, a timer for each would cost more than the bytes. */
  private static final int MANY = 16;

  /** How much later than it might go a chunk goes with those behind it. */
  private static final long TOGETHER_NANOS = 500_000;

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(this, context);
  }

  /** Null bytes stand for the end. */
  private record Held(@Nullable ByteBuf chunk, int length, long releaseAt) {}

  private static final class Flow implements ToxicFlow {
    private final LatencyToxic toxic;
    private final EventExecutor executor;
    private final long roll;
    private final Deque<Held> held = new ArrayDeque<>();
    private long chunks;
    private long heldBytes;
    private long lastRelease;
    private @Nullable Future<?> timer;

    Flow(LatencyToxic toxic, ToxicContext context) {
      this.toxic = toxic;
      this.executor = context.executor();
      this.roll = context.roll();
      this.lastRelease = executor.ticker().nanoTime();
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      int length = chunk.readableBytes();
      heldBytes += length;
      held.addLast(new Held(chunk, length, releaseTime()));
      arm(out);
    }

    @Override
    public void onEnd(ChunkSink out) {
      held.addLast(new Held(null, 0, releaseTime()));
      arm(out);
    }

    @Override
    public void detach(ChunkSink out) {
      stopTimer();
      while (!held.isEmpty()) {
        release(out);
      }
    }

    @Override
    public void discard() {
      stopTimer();
      for (Held one : held) {
        if (one.chunk() != null) {
          one.chunk().release();
        }
      }
      held.clear();
      heldBytes = 0;
    }

    @Override
    public long heldBytes() {
      return heldBytes;
    }

    /** Never before the chunk ahead: jitter does not change the order. */
    private long releaseTime() {
      long wait = toxic.length.nanos(FaultDecider.draw(roll, chunks++));
      long wanted = executor.ticker().nanoTime() + wait;
      lastRelease = wanted - lastRelease > 0 ? wanted : lastRelease;
      return lastRelease;
    }

    private void arm(ChunkSink out) {
      arm(out, 0);
    }

    private void arm(ChunkSink out, long least) {
      Held first = held.peekFirst();
      if (timer == null && first != null) {
        long wait = Math.max(least, first.releaseAt() - executor.ticker().nanoTime());
        timer = executor.schedule(() -> onTimer(out), wait, TimeUnit.NANOSECONDS);
      }
    }

    private void onTimer(ChunkSink out) {
      long now = executor.ticker().nanoTime();
      for (Held first = held.peekFirst();
          first != null && first.releaseAt() - now <= 0;
          first = held.peekFirst()) {
        release(out);
      }
      // Only now: what a release brings in must not arm a second timer.
      timer = null;
      arm(out, held.size() > MANY ? TOGETHER_NANOS : 0);
    }

    private void release(ChunkSink out) {
      Held first = held.removeFirst();
      heldBytes -= first.length();
      if (first.chunk() == null) {
        out.end();
      } else {
        out.chunk(first.chunk());
      }
    }

    private void stopTimer() {
      if (timer != null) {
        timer.cancel(false);
        timer = null;
      }
    }
  }
}
