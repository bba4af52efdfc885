package dev.outrigger.proxy.http.codec;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;

/** Reads header blocks into {@link Http2Fields}. */
final class Http2FieldsDecoder extends DefaultHttp2HeadersDecoder {
  private static final int MAX_RESIZES = 8;

  private final int maxFields;
  private int resizes; // of the block read last

  Http2FieldsDecoder(int maxBytes, int maxFields) {
    super(false, maxBytes);
    this.maxFields = maxFields;
  }

  @Override
  protected Http2Headers newHeaders() {
    return new Http2Fields(maxFields);
  }

  @Override
  public Http2Headers decodeHeaders(int streamId, ByteBuf block) throws Http2Exception {
    if (resizedLate(block) || resizes > MAX_RESIZES) {
      throw Http2Exception.connectionError(
          Http2Error.COMPRESSION_ERROR, "the table is resized after a field or too often");
    }
    return super.decodeHeaders(streamId, block);
  }

  /** Whether the block read last changed the size of the table more often than anyone needs. */
  boolean resizedTooOften() {
    return resizes > MAX_RESIZES;
  }

  /**
   * Whether a size update comes after a field (RFC 7541, section 4.2), which Netty lets pass. Reads
   * nothing but lengths; what is cut off is left to the decoder to find.
   */
  private boolean resizedLate(ByteBuf block) {
    resizes = 0;
    int at = block.readerIndex();
    int end = block.writerIndex();
    boolean field = false;
    while (at < end) {
      int b = block.getUnsignedByte(at);
      if ((b & 0xe0) == 0x20) {
        if (field) {
          return true;
        }
        if (++resizes > MAX_RESIZES) {
          return false;
        }
        at = skipNumber(block, at, end, 5);
        continue;
      }
      field = true;
      if ((b & 0x80) != 0) {
        at = skipNumber(block, at, end, 7);
        continue;
      }
      int bits = (b & 0x40) != 0 ? 6 : 4;
      boolean named = (b & ((1 << bits) - 1)) != 0;
      at = skipNumber(block, at, end, bits);
      if (!named) {
        at = skipText(block, at, end);
      }
      at = skipText(block, at, end);
    }
    return false;
  }

  private static int skipNumber(ByteBuf block, int at, int end, int bits) {
    int mask = (1 << bits) - 1;
    if ((block.getUnsignedByte(at) & mask) != mask) {
      return at + 1;
    }
    int i = at + 1;
    while (i < end && (block.getByte(i) & 0x80) != 0) {
      i++;
    }
    return i + 1;
  }

  private static int skipText(ByteBuf block, int at, int end) {
    if (at >= end) {
      return end;
    }
    int first = block.getUnsignedByte(at) & 0x7f;
    if (first < 0x7f) {
      return Math.min(end, at + 1 + first);
    }
    long length = 0x7f;
    int i = at + 1;
    for (int shift = 0; i < end && shift < 35; shift += 7) {
      int b = block.getUnsignedByte(i++);
      length += (long) (b & 0x7f) << shift;
      if ((b & 0x80) == 0) {
        return (int) Math.min(end, i + length);
      }
    }
    return end;
  }
}
