package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Passes bytes, and the end later. Toxiproxy's {@code slow_close}.
 *
 * @param delay from when the end came
 */
public record SlowCloseToxic(Duration delay) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(delay, context.executor());
  }

  private static final class Flow implements ToxicFlow {
    private final Duration delay;
    private final EventExecutor executor;
    private @Nullable Future<?> timer;

    Flow(Duration delay, EventExecutor executor) {
      this.delay = delay;
      this.executor = executor;
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      out.chunk(chunk);
    }

    @Override
    public void onEnd(ChunkSink out) {
      timer =
          executor.schedule(
              () -> {
                timer = null;
                out.end();
              },
              delay.toNanos(),
              TimeUnit.NANOSECONDS);
    }

    @Override
    public void detach(ChunkSink out) {
      if (timer != null) {
        discard();
        out.end();
      }
    }

    @Override
    public void discard() {
      if (timer != null) {
        timer.cancel(false);
        timer = null;
      }
    }
  }
}
