package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Resets a live connection. Unlike Toxiproxy's {@code reset_peer} it waits for no byte and reaches
 * connections that were open before.
 *
 * @param after counted from the moment when the toxic reaches the connection, whether or not bytes
 *     flow
 */
public record ResetPeerToxic(Duration after) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    Future<?> timer =
        context
            .executor()
            .schedule(context.connection()::reset, after.toNanos(), TimeUnit.NANOSECONDS);
    return new Flow(timer);
  }

  private record Flow(Future<?> timer) implements ToxicFlow {
    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      out.chunk(chunk);
    }

    @Override
    public void detach(ChunkSink out) {
      timer.cancel(false);
    }

    @Override
    public void discard() {
      timer.cancel(false);
    }
  }
}
