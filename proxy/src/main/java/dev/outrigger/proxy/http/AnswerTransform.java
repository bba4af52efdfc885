package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.Headers;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** Changes the bytes of one answer's body on their way to the client. */
public interface AnswerTransform {
  /** Takes ownership of the bytes; returns what can be sent so far, perhaps nothing. */
  ByteBuf onBody(ByteBuf bytes);

  /** What is held back and can be sent now that no more comes for a while; perhaps nothing. */
  ByteBuf onFlush();

  /**
   * What comes behind the body; called before {@link #onEnd}.
   *
   * @return what goes on as trailers
   */
  default @Nullable Headers onTrailers(@Nullable Headers trailers) {
    return trailers;
  }

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
