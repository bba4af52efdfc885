package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Bytes pass no faster. They come in steps of up to 20 ms, each when the last of its bytes would
 * have come over such a line; a timer that is late is made up for. Toxiproxy's {@code bandwidth},
 * whose rate is in KB/s.
 *
 * @param bytesPerSecond at least 1
 */
public record BandwidthToxic(long bytesPerSecond) implements Toxic {
  private static final long STEPS_PER_SECOND = 50;
  private static final double SECOND = 1e9;

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(bytesPerSecond, context.executor());
  }

  private static final class Flow implements ToxicFlow {
    private final long rate;
    private final EventExecutor executor;
    private final HeldChunks held = new HeldChunks();
    private long start;
    private long passed; // since start
    private @Nullable Future<?> timer;

    Flow(long rate, EventExecutor executor) {
      this.rate = rate;
      this.executor = executor;
      this.start = executor.ticker().nanoTime();
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      if (held.isEmpty() && due(0) - executor.ticker().nanoTime() <= 0) {
        // The line was idle: what it could have carried meanwhile is not saved up.
        start = executor.ticker().nanoTime();
        passed = 0;
      }
      held.add(chunk);
      arm(out);
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

    /** When that many more bytes may have passed. */
    private long due(long bytes) {
      return start + (long) Math.ceil((passed + bytes) * SECOND / rate);
    }

    private void arm(ChunkSink out) {
      if (timer == null && held.bytes() > 0) {
        long step = Math.clamp(held.bytes(), 1, Math.max(1, rate / STEPS_PER_SECOND));
        long wait = Math.max(0, due(step) - executor.ticker().nanoTime());
        timer = executor.schedule(() -> onTimer(out), wait, TimeUnit.NANOSECONDS);
      }
    }

    private void onTimer(ChunkSink out) {
      long elapsed = executor.ticker().nanoTime() - start;
      long allowed = (long) (elapsed * (rate / SECOND)) - passed;
      long now = Math.min(held.bytes(), allowed);
      passed += now;
      while (passed > rate) {
        passed -= rate;
        start += (long) SECOND;
      }
      held.release(now, out);
      // Only now: what a release brings in must not arm a second timer.
      timer = null;
      if (held.bytes() > 0) {
        arm(out);
      } else {
        held.releaseAll(out);
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
