package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;

/** Where a flow puts its bytes. */
public interface ChunkSink {

  /** Takes over the chunk. */
  void chunk(ByteBuf chunk);

  /** After the last chunk; once. */
  void end();
}
