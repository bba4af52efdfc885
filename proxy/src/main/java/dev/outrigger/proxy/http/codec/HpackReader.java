package dev.outrigger.proxy.http.codec;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersDecoder;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;

/**
 * Reads header blocks (RFC 7541) straight into {@link Http2Fields}: a field of a table was checked
 * when it got there, and is copied as it is. Confined to its connection's event loop.
 *
 * <p>It is also what Netty's reader of frames hands its blocks to, in one table with those that
 * come by {@link #read}.
 */
final class HpackReader implements Http2HeadersDecoder, Http2HeadersDecoder.Configuration {
  private static final int MAX_RESIZES = 8;
  private static final int KEPT = 64 * 1024;

  /** The block that a thread reads, and a string of it that was coded. */
  private static final class Scratch {
    private byte[] block = new byte[1024];
    private byte[] decoded = new byte[1024];
  }

  private static final Scratch NONE = new Scratch();
  private static final FastThreadLocal<Scratch> SCRATCH =
      new FastThreadLocal<>() {
        @Override
        protected Scratch initialValue() {
          return new Scratch();
        }
      };

  /** What Netty's reader of frames carries from here to its listener. */
  static final class Carried extends DefaultHttp2Headers {
    private final Http2Fields fields;

    private Carried(Http2Fields fields) {
      super(false, 2);
      this.fields = fields;
    }

    Http2Fields fields() {
      return fields;
    }
  }

  private final int maxBytes;
  private final int maxFields;
  private final HpackTable table = new HpackTable();
  private int resizes; // of the block read last

  // The block that is read, and the string that was read last.
  private Scratch scratch = NONE;
  private byte[] block = NONE.block;
  private int at;
  private int end;
  private byte[] text = NONE.block;
  private int textAt;
  private int textLength;

  /**
   * Makes one.
   *
   * @param maxBytes of a head's fields, each counting for 32 more (RFC 9113, section 6.5.2)
   * @param maxFields of a head
   */
  HpackReader(int maxBytes, int maxFields) {
    this.maxBytes = maxBytes;
    this.maxFields = maxFields;
  }

  /** Whether the block read last changed the size of the table more often than anyone needs. */
  boolean resizedTooOften() {
    return resizes > MAX_RESIZES;
  }

  /** Reads a block that is all there is in a buffer. */
  Http2Fields read(int stream, ByteBuf in) throws Http2Exception {
    return read(stream, in, in.readableBytes());
  }

  /**
   * Reads a whole block, which is what follows in a buffer and is skipped whatever it holds.
   *
   * @throws Http2Exception a connection error where it is malformed, a stream error where its
   *     fields are too large
   */
  Http2Fields read(int stream, ByteBuf in, int length) throws Http2Exception {
    scratch = SCRATCH.get();
    block = scratch.block.length >= length ? scratch.block : larger(length);
    in.readBytes(block, 0, length);
    at = 0;
    end = length;
    resizes = 0;
    Http2Fields fields = new Http2Fields(maxFields, length);
    boolean any = false;
    long bytes = 0;
    while (at < end) {
      int first = block[at];
      if (first < 0) { // an indexed field
        HpackField field = field(number(7));
        bytes += field.size();
        if (bytes <= maxBytes) {
          fields.add(field);
        }
        any = true;
      } else if ((first & 0xe0) == 0x20) {
        resize(any);
      } else {
        boolean added = (first & 0x40) != 0;
        bytes += literal(fields, added, maxBytes - bytes);
        any = true;
      }
    }
    if (bytes > maxBytes) {
      Http2CodecUtil.headerListSizeExceeded(stream, maxBytes, true);
    }
    return fields;
  }

  private byte[] larger(int length) {
    byte[] made = new byte[length];
    if (length <= KEPT) {
      scratch.block = made;
    }
    return made;
  }

  /** Reads a literal into the fields while there is room, and returns what it counts for. */
  private int literal(Http2Fields fields, boolean added, long room) throws Http2Exception {
    int index = number(added ? 6 : 4);
    FieldName name;
    if (index == 0) {
      text();
      name = new FieldName(Arrays.copyOfRange(text, textAt, textAt + textLength));
    } else {
      name = field(index).name();
    }
    text();
    int size = HpackField.size(name.length(), textLength);
    if (added) {
      HpackField field =
          new HpackField(name, Arrays.copyOfRange(text, textAt, textAt + textLength));
      table.add(field);
      if (size <= room) {
        fields.add(field);
      }
    } else if (size <= room) {
      fields.add(name, text, textAt, textLength);
    }
    return size;
  }

  private HpackField field(int index) throws Http2Exception {
    HpackField field = table.get(index);
    if (field == null) {
      throw malformed("an index has no field");
    }
    return field;
  }

  private void resize(boolean late) throws Http2Exception {
    resizes++;
    if (late || resizedTooOften()) {
      throw malformed("the table is resized after a field or too often");
    }
    int size = number(5);
    if (size > HpackTable.SIZE) {
      throw malformed("the table is made larger than allowed");
    }
    table.resize(size);
  }

  /** An integer (RFC 7541, section 5.1); not negative. */
  private int number(int bits) throws Http2Exception {
    int mask = (1 << bits) - 1;
    int value = block[at++] & mask;
    if (value < mask) {
      return value;
    }
    long sum = value;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at == end) {
        throw malformed("a number is cut off");
      }
      byte b = block[at++];
      sum += (long) (b & 0x7f) << shift;
      if (sum > Integer.MAX_VALUE) {
        break;
      }
      if (b >= 0) {
        return (int) sum;
      }
    }
    throw malformed("a number is too large");
  }

  /** A string (RFC 7541, section 5.2), which then lies in {@link #text}. */
  private void text() throws Http2Exception {
    if (at == end) {
      throw malformed("a string is cut off");
    }
    boolean coded = block[at] < 0;
    int length = number(7);
    if (length > end - at) {
      throw malformed("a string is cut off");
    }
    if (coded) {
      int most = HuffmanReader.mostOf(length);
      byte[] to = scratch.decoded;
      if (to.length < most) {
        to = new byte[most];
        if (most <= KEPT) {
          scratch.decoded = to;
        }
      }
      int count = HuffmanReader.read(block, at, length, to);
      if (count < 0) {
        throw malformed("a string is not coded as it should be");
      }
      text = to;
      textAt = 0;
      textLength = count;
    } else {
      text = block;
      textAt = at;
      textLength = length;
    }
    at += length;
  }

  private static Http2Exception malformed(String why) {
    return Http2Exception.connectionError(Http2Error.COMPRESSION_ERROR, "HPACK: " + why);
  }

  // For Netty's reader of frames.

  @Override
  public Http2Headers decodeHeaders(int stream, ByteBuf in) throws Http2Exception {
    return new Carried(read(stream, in));
  }

  @Override
  public Configuration configuration() {
    return this;
  }

  @Override
  public void maxHeaderTableSize(long max) {
    throw new UnsupportedOperationException("the size of the table is not negotiated");
  }

  @Override
  public long maxHeaderTableSize() {
    return HpackTable.SIZE;
  }

  @Override
  public void maxHeaderListSize(long max, long goAwayMax) {
    throw new UnsupportedOperationException("the size of heads is not negotiated");
  }

  @Override
  public long maxHeaderListSize() {
    return maxBytes;
  }

  @Override
  public long maxHeaderListSizeGoAway() {
    return Http2CodecUtil.calculateMaxHeaderListSizeGoAway(maxBytes);
  }
}
