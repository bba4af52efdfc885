package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Deque;

/** Bytes that a flow keeps back, in their order, and the end if that came behind them. */
final class HeldChunks {
  private final Deque<ByteBuf> chunks = new ArrayDeque<>();
  private long bytes;
  private boolean ended;

  void add(ByteBuf chunk) {
    bytes += chunk.readableBytes();
    chunks.addLast(chunk);
  }

  void end() {
    ended = true;
  }

  long bytes() {
    return bytes;
  }

  /** Whether there is neither a chunk nor an end. */
  boolean isEmpty() {
    return chunks.isEmpty() && !ended;
  }

  /** Whether an end is all there is. */
  boolean onlyEnd() {
    return chunks.isEmpty() && ended;
  }

  /** How long the first chunk is. */
  int firstLength() {
    ByteBuf first = chunks.peekFirst();
    return first == null ? 0 : first.readableBytes();
  }

  /** Hands on so many bytes, or all if there are less, but not the end. */
  void release(long most, ChunkSink out) {
    long left = most;
    ByteBuf first = chunks.peekFirst();
    while (first != null && (left > 0 || !first.isReadable())) {
      int length = first.readableBytes();
      if (length <= left) {
        chunks.removeFirst();
        bytes -= length;
        left -= length;
        out.chunk(first);
      } else {
        ByteBuf part = first.readRetainedSlice((int) left);
        bytes -= left;
        left = 0;
        out.chunk(part);
      }
      first = chunks.peekFirst();
    }
  }

  /** Hands on the end, if it came and nothing is before it. */
  void releaseEnd(ChunkSink out) {
    if (onlyEnd()) {
      ended = false;
      out.end();
    }
  }

  void releaseAll(ChunkSink out) {
    release(Long.MAX_VALUE, out);
    releaseEnd(out);
  }

  void discard() {
    for (ByteBuf chunk = chunks.pollFirst(); chunk != null; chunk = chunks.pollFirst()) {
      chunk.release();
    }
    bytes = 0;
    ended = false;
  }
}
