package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;

/**
 * A toxic at work on one direction of one connection. Confined to the connection's event loop. The
 * sink is the same at every call.
 */
public interface ToxicFlow {

  /** Bytes have come; the flow owns the chunk and hands it on, now or later. */
  void onChunk(ByteBuf chunk, ChunkSink out);

  /** No more bytes will come. */
  default void onEnd(ChunkSink out) {
    out.end();
  }

  /** The toxic is over: hands on everything that is held, in order, and stops its timers. */
  default void detach(ChunkSink out) {}

  /**
   * The toxic goes on with other settings, in another flow: hands on everything that is held and
   * stops its timers.
   */
  default void interrupt(ChunkSink out) {
    detach(out);
  }

  /** The connection is gone: releases everything that is held and stops its timers. */
  default void discard() {}

  /** Bytes that came and were not handed on yet. */
  default long heldBytes() {
    return 0;
  }
}
