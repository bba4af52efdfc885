package dev.outrigger.proxy.http.filter.compress;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.aayushatharva.brotli4j.encoder.Encoder;
import com.aayushatharva.brotli4j.encoder.EncoderJNI;
import com.aayushatharva.brotli4j.encoder.EncoderJNI.Operation;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** Makes one answer a Brotli stream (RFC 7932). */
final class BrotliCoder implements Coder {
  private static final int STEP = 8 * 1024;

  static {
    Brotli4jLoader.ensureAvailability();
  }

  private final EncoderJNI.Wrapper encoder;
  private final ByteBufAllocator alloc;
  private boolean unflushed;

  BrotliCoder(Coding.Brotli coding, ByteBufAllocator alloc) {
    this.alloc = alloc;
    try {
      encoder =
          new EncoderJNI.Wrapper(STEP, coding.quality(), coding.windowBits(), Encoder.Mode.GENERIC);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public ByteBuf onBody(ByteBuf bytes) {
    try {
      if (!bytes.isReadable()) {
        return Unpooled.EMPTY_BUFFER;
      }
      unflushed = true;
      ByteBuf out = alloc.directBuffer();
      while (bytes.isReadable()) {
        ByteBuffer in = encoder.getInputBuffer();
        in.clear().limit(Math.min(in.capacity(), bytes.readableBytes()));
        int length = in.limit();
        bytes.readBytes(in);
        run(Operation.PROCESS, length, out);
      }
      return out;
    } finally {
      bytes.release();
    }
  }

  @Override
  public ByteBuf onFlush() {
    if (!unflushed) {
      return Unpooled.EMPTY_BUFFER;
    }
    unflushed = false;
    return run(Operation.FLUSH, 0, alloc.directBuffer());
  }

  @Override
  public ByteBuf onEnd() {
    return run(Operation.FINISH, 0, alloc.directBuffer());
  }

  private ByteBuf run(Operation operation, int length, ByteBuf out) {
    encoder.push(operation, length);
    while (true) {
      if (!encoder.isSuccess()) {
        out.release();
        throw new IllegalStateException("Brotli failed");
      }
      if (encoder.hasMoreOutput()) {
        out.writeBytes(encoder.pull());
      } else if (encoder.hasRemainingInput()) {
        encoder.push(operation, 0);
      } else {
        return out;
      }
    }
  }

  @Override
  public void close() {
    encoder.destroy();
  }
}
