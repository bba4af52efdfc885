package dev.outrigger.proxy.http;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** Changes the bytes of one request's body on their way to the endpoint. */
public interface RequestTransform {
  /** Takes ownership of the bytes; returns what can go on, or null where they make no sense. */
  @Nullable ByteBuf onBody(ByteBuf bytes);

  /** Whether nothing is missing at the end. */
  boolean complete();
}
