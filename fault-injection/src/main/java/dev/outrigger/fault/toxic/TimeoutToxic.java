package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Toxiproxy's {@code timeout}, as it is there: bytes are swallowed, and the connection is closed
 * when none has come for a while, when the end comes, and when the toxic is removed. {@link
 * StallToxic} is the one of our own experiments.
 *
 * @param timeout from the last byte, or from when the toxic reached the connection; zero waits for
 *     ever
 */
public record TimeoutToxic(Duration timeout) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(timeout.toNanos(), context);
  }

  private static final class Flow implements ToxicFlow {
    private final long timeout;
    private final ToxicContext context;
    private @Nullable Future<?> timer;

    Flow(long timeout, ToxicContext context) {
      this.timeout = timeout;
      this.context = context;
      restart();
    }

    private void restart() {
      discard();
      if (timeout > 0) {
        timer =
            context.executor().schedule(context.connection()::close, timeout, TimeUnit.NANOSECONDS);
      }
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      chunk.release();
      restart();
    }

    @Override
    public void onEnd(ChunkSink out) {
      detach(out);
    }

    @Override
    public void interrupt(ChunkSink out) {
      discard();
    }

    @Override
    public void detach(ChunkSink out) {
      discard();
      context.connection().close();
    }

    @Override
    public void discard() {
      Future<?> waiting = timer;
      if (waiting != null) {
        waiting.cancel(false);
        timer = null;
      }
    }
  }
}
