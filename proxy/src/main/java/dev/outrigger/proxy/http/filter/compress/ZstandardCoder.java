package dev.outrigger.proxy.http.filter.compress;

import com.github.luben.zstd.EndDirective;
import com.github.luben.zstd.ZstdCompressCtx;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** Makes one answer a Zstandard frame (RFC 8878). */
final class ZstandardCoder implements Coder {
  /** A window of 1 MiB, whatever the level: browsers take 8 MiB (RFC 9659), but memory is ours. */
  private static final int WINDOW_LOG = 20;

  private static final int STEP = 8 * 1024;
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final ZstdCompressCtx context;
  private final ByteBufAllocator alloc;
  private boolean unflushed;

  ZstandardCoder(Coding.Zstandard coding, ByteBufAllocator alloc) {
    this.alloc = alloc;
    context =
        new ZstdCompressCtx()
            .setLevel(coding.level())
            .setWindowLog(WINDOW_LOG)
            .setChecksum(coding.checksum());
  }

  @Override
  public ByteBuf onBody(ByteBuf bytes) {
    if (!bytes.isDirect() && bytes.isReadable()) {
      ByteBuf direct = alloc.directBuffer(bytes.readableBytes()).writeBytes(bytes);
      bytes.release();
      return onBody(direct);
    }
    try {
      if (!bytes.isReadable()) {
        return Unpooled.EMPTY_BUFFER;
      }
      unflushed = true;
      ByteBuf out = alloc.directBuffer(STEP);
      for (ByteBuffer part : bytes.nioBuffers()) {
        while (part.hasRemaining()) {
          step(part, EndDirective.CONTINUE, out);
        }
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
    return all(EndDirective.FLUSH);
  }

  @Override
  public ByteBuf onEnd() {
    return all(EndDirective.END);
  }

  private ByteBuf all(EndDirective directive) {
    ByteBuf out = alloc.directBuffer(STEP);
    while (!step(NOTHING.duplicate(), directive, out)) {
      // There was more than fitted.
    }
    return out;
  }

  private boolean step(ByteBuffer in, EndDirective directive, ByteBuf out) {
    out.ensureWritable(STEP);
    ByteBuffer room = out.nioBuffer(out.writerIndex(), out.writableBytes());
    boolean done = context.compressDirectByteBufferStream(room, in, directive);
    out.writerIndex(out.writerIndex() + room.position());
    return done;
  }

  @Override
  public void close() {
    context.close();
  }
}
