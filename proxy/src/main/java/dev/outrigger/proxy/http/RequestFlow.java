package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.Headers;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** The request way of one exchange after its head, in the order of the calls. */
public interface RequestFlow {
  /** Starts working; called once, right after the handler made this flow. */
  void start();

  /** Takes ownership of the bytes. */
  void onBody(ByteBuf bytes);

  /** The request is complete. */
  void onEnd(@Nullable Headers trailers);

  /** All that was read at once has been handed over: flush. */
  void onReadComplete();

  /** The client's side can take no more of the answer until {@link #onClientWritable}. */
  default void holdAnswer() {}

  /** The client can take more, after it could not. */
  void onClientWritable();

  /** A deadline of the exchange passed, or might have. */
  void onAlarm(long nowNanos);

  /**
   * The exchange is over, well or not: let go of everything. Nothing may be sent to the client any
   * more.
   */
  void onFinish();
}
