package dev.outrigger.proxy.http.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Exception;

/** Header blocks as bytes: refused, or fields that go on well-formed. */
public final class HpackFuzz {
  private static final int MAX_BYTES = 8192;
  private static final int MAX_FIELDS = 100;

  private HpackFuzz() {}

  /** The input is a header block (RFC 7541). */
  public static void fuzzerTestOneInput(byte[] input) {
    try {
      decode(input);
    } catch (Http2Exception _) {
      return; // refused
    }
    Http2FieldsFuzz.judge(
        () -> {
          try {
            return decode(input);
          } catch (Http2Exception e) {
            throw new AssertionError("the same block is accepted, then refused", e);
          }
        });
  }

  private static Http2Fields decode(byte[] input) throws Http2Exception {
    ByteBuf block = Unpooled.wrappedBuffer(input);
    try {
      return new HpackReader(MAX_BYTES, MAX_FIELDS).read(1, block);
    } finally {
      block.release();
    }
  }
}
