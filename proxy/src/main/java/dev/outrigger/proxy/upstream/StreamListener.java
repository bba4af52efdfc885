package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The answer's way of one stream, in the order of the calls; the last is onAnswerEnd or onFailure.
 */
public interface StreamListener {
  /** An interim answer (1xx but 101). */
  void onInterim(ResponseHead head);

  /** The answer's head; that of a tunnel has status 101, or 200 after CONNECT. */
  void onHead(ResponseHead head, BodyKind body);

  /** Takes ownership. */
  void onAnswerBody(ByteBuf bytes);

  /**
   * Whole; the stream is no longer the listener's. Of a tunnel only this way is, and the stream is
   * the listener's until it has ended the other.
   */
  void onAnswerEnd(@Nullable Headers trailers);

  /**
   * Broken; the stream is no longer the listener's.
   *
   * @param raced a kept connection ended before a byte of an answer came: the peer may have closed
   *     it as idle just when it was used again
   */
  void onFailure(ProxyError error, boolean raced);

  /** The endpoint can take more, after it could not. */
  void onWritable();

  /** All that was read at once has been handed over. */
  void onAnswerReadComplete();
}
