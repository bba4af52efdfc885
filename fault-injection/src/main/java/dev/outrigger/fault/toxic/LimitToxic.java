package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;

/**
 * Passes exactly so many bytes and closes the connection with the last of them. Toxiproxy's {@code
 * limit_data}; the bytes are counted from the moment when the toxic reaches the connection.
 *
 * @param bytes zero closes it in place of the first byte
 */
public record LimitToxic(long bytes) implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(bytes, context.connection());
  }

  /** What has passed counts on. */
  @Override
  public ToxicFlow resume(ToxicFlow interrupted, ToxicContext context) {
    if (interrupted instanceof Flow before) {
      Flow flow = new Flow(bytes, context.connection());
      flow.left -= before.passed;
      flow.passed = before.passed;
      return flow;
    }
    return attach(context);
  }

  private static final class Flow implements ToxicFlow {
    private final ToxicContext.ConnectionEnd connection;
    private long left;
    private long passed;
    private boolean over;

    Flow(long bytes, ToxicContext.ConnectionEnd connection) {
      this.connection = connection;
      this.left = bytes;
    }

    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      int length = chunk.readableBytes();
      if (over) {
        chunk.release();
        return;
      }
      if (length < left || length == 0) {
        left -= length;
        passed += length;
        out.chunk(chunk);
        return;
      }
      over = true;
      if (left > 0) {
        out.chunk(chunk.readRetainedSlice((int) left));
      }
      chunk.release();
      connection.close();
    }
  }
}
