package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes heads and the lines around chunks. A head is put together in an array that is used again
 * and again, then copied once. Confined to its worker's event loop; one is enough for a worker.
 */
public final class Http1HeadWriter {
  private static final int KEPT_BYTES = 16 * 1024;
  private static final byte[] HTTP_1_1 = ascii("HTTP/1.1 ");
  private static final byte[] REQUEST_END = ascii(" HTTP/1.1\r\n");
  private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
  private static final byte[] CLOSE = ascii("connection: close\r\n");
  private static final byte[] KEEP_ALIVE = ascii("connection: keep-alive\r\n");
  private static final byte[] LAST_CHUNK = ascii("0\r\n");
  private static final byte[] HEX = ascii("0123456789abcdef");

  private byte[] out = new byte[1024];
  private int used;

  /** What the head says about the connection, besides what its headers hold. */
  public enum ConnectionWord {
    NONE,
    CLOSE,
    KEEP_ALIVE
  }

  /**
   * A request head, always HTTP/1.1.
   *
   * @param chunked whether a chunked body follows
   */
  public ByteBuf request(
      RequestHead head, boolean chunked, NameCase names, ByteBufAllocator alloc) {
    used = 0;
    put(head.method());
    put(' ');
    put(head.path());
    put(REQUEST_END);
    int begin = used;
    fields(head.headers());
    if (chunked) {
      put(CHUNKED);
    }
    rename(begin, names);
    putLineEnd();
    return take(alloc);
  }

  /** A response head, always HTTP/1.1. */
  public ByteBuf response(
      ResponseHead head,
      boolean chunked,
      ConnectionWord word,
      NameCase names,
      ByteBufAllocator alloc) {
    used = 0;
    put(HTTP_1_1);
    int status = head.status();
    put((byte) ('0' + status / 100));
    put((byte) ('0' + status / 10 % 10));
    put((byte) ('0' + status % 10));
    put(' ');
    put(ReasonPhrases.of(status));
    putLineEnd();
    int begin = used;
    fields(head.headers());
    if (chunked) {
      put(CHUNKED);
    }
    switch (word) {
      case NONE -> {}
      case CLOSE -> put(CLOSE);
      case KEEP_ALIVE -> put(KEEP_ALIVE);
    }
    rename(begin, names);
    putLineEnd();
    return take(alloc);
  }

  /** What stands before a chunk's data: the end of the chunk before it, and the size. */
  public ByteBuf chunkStart(int size, boolean first, ByteBufAllocator alloc) {
    ByteBuf line = alloc.directBuffer(12);
    if (!first) {
      line.writeByte('\r').writeByte('\n');
    }
    int shift = (31 - Integer.numberOfLeadingZeros(size)) & ~3;
    for (; shift >= 0; shift -= 4) {
      line.writeByte(HEX[size >>> shift & 15]);
    }
    return line.writeByte('\r').writeByte('\n');
  }

  /** What stands after the last chunk's data. */
  public ByteBuf chunksEnd(
      boolean first, @Nullable Headers trailers, NameCase names, ByteBufAllocator alloc) {
    used = 0;
    if (!first) {
      putLineEnd();
    }
    put(LAST_CHUNK);
    int begin = used;
    if (trailers != null) {
      fields(trailers);
    }
    rename(begin, names);
    putLineEnd();
    return take(alloc);
  }

  /** Writes the names of the fields from there on as they should be. */
  private void rename(int begin, NameCase names) {
    if (names == NameCase.AS_WRITTEN) {
      return;
    }
    boolean inName = true;
    boolean wordBegins = true;
    for (int i = begin; i < used; i++) {
      byte b = out[i];
      if (!inName) {
        inName = b == '\n';
        wordBegins = true;
      } else if (b == ':') {
        inName = false;
      } else {
        boolean letter = (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
        if (letter) {
          out[i] = (byte) (wordBegins ? b & ~0x20 : b | 0x20);
        }
        wordBegins = !letter && (b < '0' || b > '9');
      }
    }
  }

  private void fields(Headers headers) {
    byte[] array = headers.array();
    int size = headers.size();
    int i = 0;
    while (i < size) {
      int from = headers.nameOffset(i);
      int nameEnd = from + headers.nameLength(i);
      int value = headers.valueOffset(i);
      int end = value + headers.valueLength(i);
      if (asReceived(array, nameEnd, value)) {
        // Fields that still lie as they came are copied in one go.
        int next = i + 1;
        while (next < size && headers.nameOffset(next) == end + 2) {
          int nextValue = headers.valueOffset(next);
          if (!asReceived(array, headers.nameOffset(next) + headers.nameLength(next), nextValue)
              || array[end] != '\r') {
            break;
          }
          end = nextValue + headers.valueLength(next);
          next++;
        }
        put(array, from, end - from);
        i = next;
      } else {
        put(array, from, nameEnd - from);
        put(':');
        put(' ');
        put(array, value, end - value);
        i++;
      }
      putLineEnd();
    }
  }

  private static boolean asReceived(byte[] array, int nameEnd, int value) {
    return value == nameEnd + 2 && array[nameEnd] == ':' && array[nameEnd + 1] == ' ';
  }

  private ByteBuf take(ByteBufAllocator alloc) {
    ByteBuf buffer = alloc.directBuffer(used).writeBytes(out, 0, used);
    if (out.length > KEPT_BYTES) {
      out = new byte[1024];
    }
    return buffer;
  }

  private void put(byte[] more) {
    put(more, 0, more.length);
  }

  private void put(byte[] array, int offset, int length) {
    ensure(length);
    System.arraycopy(array, offset, out, used, length);
    used += length;
  }

  // Copies Latin-1 text without an array of its own.
  @SuppressWarnings("deprecation")
  private void put(String text) {
    int length = text.length();
    ensure(length);
    text.getBytes(0, length, out, used);
    used += length;
  }

  private void put(char c) {
    put((byte) c);
  }

  private void put(byte b) {
    ensure(1);
    out[used++] = b;
  }

  private void putLineEnd() {
    ensure(2);
    out[used++] = '\r';
    out[used++] = '\n';
  }

  private void ensure(int more) {
    if (used + more > out.length) {
      out = Arrays.copyOf(out, Math.max(out.length * 2, used + more));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
