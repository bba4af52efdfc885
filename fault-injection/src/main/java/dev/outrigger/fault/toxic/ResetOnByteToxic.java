package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Toxiproxy's {@code reset_peer}: swallows bytes, and resets the connection a while after the first
 * of them or the end. Unlike there it is a reset (RST) on connections that were open before, too.
 * {@link ResetPeerToxic} waits for nothing.
 *
 * @param after from the first byte or the end
 */
public record ResetOnByteToxic(Duration after) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(after.toNanos(), context);
  }

  private static final class Flow implements ToxicFlow {
    private final long after;
    private final ToxicContext context;
    private @Nullable Future<?> timer;

    Flow(long after, ToxicContext context) {
      this.after = after;
      this.context = context;
    }

    private void arm() {
      if (timer == null) {
        timer =
            context.executor().schedule(context.connection()::reset, after, TimeUnit.NANOSECONDS);
      }
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      chunk.release();
      arm();
    }

    @Override
    public void onEnd(ChunkSink out) {
      arm();
    }

    /** Swallowed bytes are missing from what would follow: such a connection is still reset. */
    @Override
    public void interrupt(ChunkSink out) {}

    @Override
    public void detach(ChunkSink out) {}

    @Override
    public void discard() {
      Future<?> waiting = timer;
      if (waiting != null) {
        waiting.cancel(false);
      }
    }
  }
}
