package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.upstream.UpstreamStream;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * What has come of a request's body, kept while it may have to be sent (again). Beyond its bound it
 * asks for no more, or lets go: then the body is not sent twice.
 */
final class Replay {
  private final int maxBytes;
  private @Nullable ArrayDeque<ByteBuf> pieces;
  private long size;
  private boolean complete = true;

  /**
   * @param maxBytes how much is kept; 0 keeps only what no endpoint was chosen for yet
   */
  Replay(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Keeps a piece; takes ownership. */
  void add(ByteBuf bytes) {
    if (pieces == null) {
      pieces = new ArrayDeque<>(4);
    }
    pieces.addLast(bytes);
    size += bytes.readableBytes();
  }

  /** Whether it holds as much as it should. */
  boolean full() {
    return size >= maxBytes;
  }

  /** Whether all that came so far is here. */
  boolean complete() {
    return complete;
  }

  /** Sends all that is here, and keeps it. */
  void sendTo(UpstreamStream stream) {
    if (pieces != null) {
      for (ByteBuf piece : pieces) {
        stream.body(piece.retainedDuplicate());
      }
    }
  }

  /** Lets go of all; the body cannot be sent again. */
  void drop() {
    complete = size == 0 && complete;
    release();
  }

  /** A piece was sent without being kept. */
  void passed() {
    complete = false;
  }

  private void release() {
    if (pieces != null) {
      for (ByteBuf piece : pieces) {
        piece.release();
      }
      pieces = null;
    }
    size = 0;
  }
}
