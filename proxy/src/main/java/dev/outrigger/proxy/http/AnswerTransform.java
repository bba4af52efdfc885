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
}
