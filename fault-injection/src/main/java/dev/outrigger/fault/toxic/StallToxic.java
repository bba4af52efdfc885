package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A black hole: swallows bytes and the end. Toxiproxy's {@code timeout}, with two differences: the
 * time is counted from the moment when the toxic reaches the connection and not from the last byte,
 * and a connection that lost nothing goes on when the toxic is removed. One that lost something is
 * closed, since what would follow makes no sense without it.
 *
 * @param timeout closes the connection after so long; zero never
 */
public record StallToxic(Duration timeout) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(
        context,
        timeout.isZero()
            ? null
            : context
                .executor()
                .schedule(context.connection()::close, timeout.toNanos(), TimeUnit.NANOSECONDS));
  }

  private static final class Flow implements ToxicFlow {
    private final ToxicContext context;
    private final @Nullable Future<?> timer;
    private boolean lost;

    Flow(ToxicContext context, @Nullable Future<?> timer) {
      this.context = context;
      this.timer = timer;
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      lost |= chunk.isReadable();
      chunk.release();
    }

    @Override
    public void onEnd(ChunkSink out) {
      lost = true;
    }

    @Override
    public void detach(ChunkSink out) {
      discard();
      if (lost) {
        context.connection().close();
      }
    }

    @Override
    public void discard() {
      if (timer != null) {
        timer.cancel(false);
      }
    }
  }
}
