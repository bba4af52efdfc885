package dev.outrigger.proxy.http.filter.compress;

import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Makes one answer a gzip member (RFC 1952). */
final class GzipCoder implements Coder {
  private static final byte[] HEADER = {0x1f, (byte) 0x8b, Deflater.DEFLATED, 0, 0, 0, 0, 0, 0, -1};
  private static final byte[] NOTHING = {};
  private static final int STEP = 8 * 1024;

  private final Deflaters pool;
  private final Deflater deflater;
  private final ByteBufAllocator alloc;
  private final CRC32 checksum = new CRC32();
  private long length;
  private boolean begun;
  private boolean unflushed;

  GzipCoder(Coding.Gzip coding, Deflaters pool, ByteBufAllocator alloc) {
    this.pool = pool;
    this.deflater = pool.take(coding.level(), coding.strategy());
    this.alloc = alloc;
  }

  @Override
  public ByteBuf onBody(ByteBuf bytes) {
    try {
      if (!bytes.isReadable()) {
        return Unpooled.EMPTY_BUFFER;
      }
      length += bytes.readableBytes();
      unflushed = true;
      ByteBuf out = begin(bytes.readableBytes() / 2 + STEP);
      for (ByteBuffer part : bytes.nioBuffers()) {
        checksum.update(part.duplicate());
        deflater.setInput(part);
        drain(out, Deflater.NO_FLUSH);
      }
      deflater.setInput(NOTHING); // it must not hold what is given back below
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
    ByteBuf out = begin(STEP);
    drain(out, Deflater.SYNC_FLUSH);
    return out;
  }

  @Override
  public ByteBuf onEnd() {
    ByteBuf out = begin(STEP);
    deflater.finish();
    drain(out, Deflater.NO_FLUSH);
    return out.writeIntLE((int) checksum.getValue()).writeIntLE((int) length);
  }

  @Override
  public void close() {
    pool.giveBack(deflater);
  }

  private ByteBuf begin(int size) {
    ByteBuf out = alloc.directBuffer(size);
    if (!begun) {
      begun = true;
      out.writeBytes(HEADER);
    }
    return out;
  }

  private void drain(ByteBuf out, int flush) {
    while (true) {
      out.ensureWritable(STEP);
      ByteBuffer room = out.nioBuffer(out.writerIndex(), out.writableBytes());
      int made = deflater.deflate(room, flush);
      out.writerIndex(out.writerIndex() + made);
      if (made < room.limit() && (deflater.finished() || deflater.needsInput())) {
        return;
      }
      if (made == 0) {
        return;
      }
    }
  }
}
