package dev.outrigger.proxy.http.filter.grpcweb;

import dev.outrigger.proxy.http.AnswerTransform;
import dev.outrigger.proxy.message.Headers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Puts trailers behind the messages of an answer, as a frame of their own, and makes text of all
 * where that is asked for. Text is padded wherever what came so far is sent.
 */
final class ToWeb implements AnswerTransform {
  private static final int TRAILERS = 0x80;
  private static final Base64.Encoder TO_TEXT = Base64.getEncoder();

  private final boolean text;
  private final ByteBufAllocator alloc;
  private final byte[] rest = new byte[2]; // of a group of three bytes
  private int resting;
  private ByteBuf last = Unpooled.EMPTY_BUFFER;

  ToWeb(boolean text, ByteBufAllocator alloc) {
    this.text = text;
    this.alloc = alloc;
  }

  @Override
  public ByteBuf onBody(ByteBuf bytes) {
    return text ? encoded(bytes, false) : bytes;
  }

  @Override
  public ByteBuf onFlush() {
    return text && resting > 0 ? encoded(Unpooled.EMPTY_BUFFER, true) : Unpooled.EMPTY_BUFFER;
  }

  @Override
  public @Nullable Headers onTrailers(@Nullable Headers trailers) {
    if (trailers != null) {
      StringBuilder lines = new StringBuilder(64);
      for (int i = 0; i < trailers.size(); i++) {
        lines
            .append(trailers.nameAt(i).toLowerCase(Locale.ROOT))
            .append(':')
            .append(trailers.valueAt(i))
            .append("\r\n");
      }
      byte[] bytes = lines.toString().getBytes(StandardCharsets.ISO_8859_1);
      last =
          Unpooled.buffer(5 + bytes.length)
              .writeByte(TRAILERS)
              .writeInt(bytes.length)
              .writeBytes(bytes);
    }
    return null;
  }

  @Override
  public ByteBuf onEnd() {
    return text ? encoded(last, true) : last;
  }

  /** Takes ownership; leaves less than a group of three bytes behind, or nothing at all. */
  private ByteBuf encoded(ByteBuf bytes, boolean all) {
    try {
      int length = resting + bytes.readableBytes();
      int now = all ? length : length - length % 3;
      if (now == 0) {
        bytes.readBytes(rest, resting, length - resting);
        resting = length;
        return Unpooled.EMPTY_BUFFER;
      }
      byte[] raw = new byte[now];
      System.arraycopy(rest, 0, raw, 0, resting);
      bytes.readBytes(raw, resting, now - resting);
      resting = length - now;
      bytes.readBytes(rest, 0, resting);
      byte[] encoded = TO_TEXT.encode(raw);
      return alloc.buffer(encoded.length).writeBytes(encoded);
    } finally {
      bytes.release();
    }
  }
}
