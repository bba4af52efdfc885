package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.toxic.BandwidthToxic;
import dev.outrigger.fault.toxic.ChunkSink;
import dev.outrigger.fault.toxic.ToxicContext;
import dev.outrigger.fault.toxic.ToxicFlow;
import dev.outrigger.proxy.http.AnswerTransform;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * The body of one answer at a rate of its own: other streams of the connection go on. What is held
 * is bounded, since the endpoint is not read beyond it. Confined to its worker's event loop.
 */
@WorkerConfined
final class PacedAnswer implements AnswerTransform, ChunkSink {
  private static final long MAX_HELD_BYTES = 64 * 1024;

  private final Exchange exchange;
  private final @Nullable AnswerTransform before;
  private final ToxicFlow line;
  private @Nullable Runnable end;
  private boolean ended;
  private boolean released;

  PacedAnswer(Exchange exchange, Worker worker, long bytesPerSecond) {
    this.exchange = exchange;
    this.before = exchange.answerTransform();
    this.line =
        new BandwidthToxic(bytesPerSecond)
            .attach(new ToxicContext(worker.loop(), 0, NoConnection.INSTANCE));
  }

  /** An answer is not a connection: a rate ends none. */
  private enum NoConnection implements ToxicContext.ConnectionEnd {
    INSTANCE;

    @Override
    public void close() {}

    @Override
    public void reset() {}
  }

  @Override
  public BodyKind becomes(BodyKind kind) {
    return before == null ? kind : before.becomes(kind);
  }

  @Override
  public ByteBuf onBody(ByteBuf bytes) {
    if (released) {
      return before == null ? bytes : before.onBody(bytes);
    }
    line.onChunk(before == null ? bytes : before.onBody(bytes), this);
    return Unpooled.EMPTY_BUFFER;
  }

  @Override
  public ByteBuf onFlush() {
    if (released) {
      return before == null ? Unpooled.EMPTY_BUFFER : before.onFlush();
    }
    if (before != null) {
      line.onChunk(before.onFlush(), this);
    }
    return Unpooled.EMPTY_BUFFER;
  }

  @Override
  public @Nullable Headers onTrailers(@Nullable Headers trailers) {
    return before == null ? trailers : before.onTrailers(trailers);
  }

  @Override
  public ByteBuf onEnd() {
    return released && before != null ? before.onEnd() : Unpooled.EMPTY_BUFFER;
  }

  @Override
  public boolean delaysEnd(Runnable then) {
    if (ended || released) {
      return false;
    }
    end = then;
    if (before != null) {
      line.onChunk(before.onEnd(), this);
    }
    line.onEnd(this);
    return true;
  }

  @Override
  public boolean full() {
    return line.heldBytes() > MAX_HELD_BYTES;
  }

  @Override
  public void chunk(ByteBuf chunk) {
    exchange.sendHeld(chunk);
  }

  @Override
  public void end() {
    ended = true;
    Runnable then = end;
    end = null;
    if (then != null) {
      then.run();
    }
  }

  /** The rate is over, and the exchange is not: what is held goes on at once. */
  void release() {
    if (!released && !ended) {
      released = true;
      line.detach(this);
    }
  }

  /** The exchange is over. */
  void discard() {
    end = null;
    line.discard();
  }
}
