package dev.outrigger.proxy.http;

import io.netty.buffer.ByteBuf;

/** Changes the bytes of one answer's body on their way to the client. */
public interface AnswerTransform {
  /** Takes ownership of the bytes; returns what can be sent so far, perhaps nothing. */
  ByteBuf onBody(ByteBuf bytes);

  /** What is held back and can be sent now that no more comes for a while; perhaps nothing. */
  ByteBuf onFlush();

  /** The rest. */
  ByteBuf onEnd();

  /** What the body becomes of what it was. */
  default BodyKind becomes(BodyKind before) {
    return BodyKind.STREAM;
  }

  /**
   * Whether the end must wait for what is still held back.
   *
   * @param end to be run when that is sent; it asks again
   */
  default boolean delaysEnd(Runnable end) {
    return false;
  }

  /** Whether so much is held back that the endpoint should send no more for now. */
  default boolean full() {
    return false;
  }
}
