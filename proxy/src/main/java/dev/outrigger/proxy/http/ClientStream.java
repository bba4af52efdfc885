package dev.outrigger.proxy.http;

import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of one exchange: where its answer goes, whatever protocol the client speaks.
 */
interface ClientStream {
  /** The request's body is awaited now. */
  void handlerReady();

  /** An interim answer (1xx, not 101). */
  void interim(ResponseHead head);

  /**
   * The head of the answer. Where its body is a tunnel, both ways are bytes from here on; its
   * status is then 101, or 200 after CONNECT.
   */
  void head(ResponseHead head, BodyKind body);

  /** Body bytes; takes ownership. */
  void body(ByteBuf bytes);

  /** Of a tunnel: nothing more will be sent, but what the client sends is still taken. */
  void halfEnd();

  /** The answer is whole. */
  void end(@Nullable Headers trailers);

  /** The answer cannot be completed: break it off so that the client sees that it is not whole. */
  void breakOff();

  /** Breaks the connection off without a word, so that the client sees a reset. */
  void reset();

  void flush();

  boolean writable();

  /** Holds back the request's body. */
  FlowGate requestGate();

  /** Whether the request has come to its end. */
  boolean requestWhole();

  /** The client has used up its patience: a connection that carries one exchange at a time ends. */
  void noneAfter();

  /** Wakes the exchange by then, or earlier. */
  void wakeBy(long deadlineNanos);
}
