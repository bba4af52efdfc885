package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Field;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Frames of HTTP/2 with any fields in them: nothing that is written is checked. */
final class Http2Wire {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;
  static final int END_STREAM = 1;
  static final int ACK = 1;
  static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final int END_HEADERS = 4;
  private static final int PADDED = 8;
  private static final int PRIORITY = 32;
  private static final int MAX_FRAME = 16_384;
  private static final int MAX_LIST = 1 << 20;

  private final DataInputStream in;
  private final DataOutputStream out;
  private final DefaultHttp2HeadersDecoder decoder =
      new DefaultHttp2HeadersDecoder(false, MAX_LIST);

  /** One frame; HEADERS come whole, as their fields. */
  record Frame(int type, int flags, int stream, byte[] payload, List<Field> fields) {
    boolean ends() {
      return (type == DATA || type == HEADERS) && (flags & END_STREAM) != 0;
    }
  }

  Http2Wire(Socket socket) throws IOException {
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
  }

  byte[] readExactly(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException();
    }
    return bytes;
  }

  void raw(byte[] bytes) throws IOException {
    out.write(bytes);
  }

  synchronized void send(int type, int flags, int stream, byte[] payload) throws IOException {
    out.writeByte(payload.length >> 16);
    out.writeShort(payload.length);
    out.writeByte(type);
    out.writeByte(flags);
    out.writeInt(stream);
    out.write(payload);
    out.flush();
  }

  void head(int stream, boolean end, List<Field> fields) throws IOException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (Field field : fields) {
      block.write(0x10); // never indexed, the name is written out
      text(block, field.name());
      text(block, field.value());
    }
    byte[] bytes = block.toByteArray();
    int at = Math.min(MAX_FRAME, bytes.length);
    int flags = (end ? END_STREAM : 0) | (at == bytes.length ? END_HEADERS : 0);
    send(HEADERS, flags, stream, Arrays.copyOf(bytes, at));
    while (at < bytes.length) {
      int next = Math.min(at + MAX_FRAME, bytes.length);
      send(
          CONTINUATION,
          next == bytes.length ? END_HEADERS : 0,
          stream,
          Arrays.copyOfRange(bytes, at, next));
      at = next;
    }
  }

  private static void text(ByteArrayOutputStream block, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    int left = bytes.length;
    if (left < 127) {
      block.write(left);
    } else {
      block.write(127);
      for (left -= 127; left >= 128; left >>>= 7) {
        block.write(left & 0x7f | 0x80);
      }
      block.write(left);
    }
    block.writeBytes(bytes);
  }

  /** The next frame, or null at the end; SETTINGS and PING are acknowledged, windows given back. */
  @Nullable Frame read() throws IOException {
    while (true) {
      Frame frame = one();
      if (frame == null) {
        return null;
      }
      switch (frame.type()) {
        case SETTINGS, PING -> {
          if ((frame.flags() & ACK) == 0) {
            send(frame.type(), ACK, 0, frame.type() == PING ? frame.payload() : new byte[0]);
          }
        }
        case DATA -> {
          if (frame.payload().length > 0) {
            byte[] more = {0, 0, 0x40, 0};
            send(WINDOW_UPDATE, 0, 0, more);
          }
          return frame;
        }
        case HEADERS, RST_STREAM, GOAWAY -> {
          return frame;
        }
        default -> {} // nothing to see
      }
    }
  }

  private @Nullable Frame one() throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    int length = first << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt() & 0x7fffffff;
    byte[] payload = readExactly(length);
    if (type != HEADERS && type != DATA) {
      return new Frame(type, flags, stream, payload, List.of());
    }
    int from = 0;
    int to = payload.length;
    if ((flags & PADDED) != 0) {
      from = 1;
      to -= payload[0] & 0xff;
    }
    if (type == HEADERS && (flags & PRIORITY) != 0) {
      from += 5;
    }
    payload = Arrays.copyOfRange(payload, from, to);
    if (type == DATA) {
      return new Frame(type, flags, stream, payload, List.of());
    }
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.writeBytes(payload);
    int ended = flags;
    while ((ended & END_HEADERS) == 0) {
      int more = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      in.readUnsignedByte();
      ended = in.readUnsignedByte();
      in.readInt();
      block.writeBytes(readExactly(more));
    }
    return new Frame(type, flags, stream, new byte[0], decode(stream, block.toByteArray()));
  }

  private List<Field> decode(int stream, byte[] block) throws IOException {
    ByteBuf bytes = Unpooled.wrappedBuffer(block);
    List<Field> fields = new ArrayList<>();
    try {
      Http2Headers headers = decoder.decodeHeaders(stream, bytes);
      for (Map.Entry<CharSequence, CharSequence> field : headers) {
        fields.add(new Field(field.getKey().toString(), field.getValue().toString()));
      }
    } catch (Http2Exception e) {
      throw new IOException("no valid HPACK", e);
    }
    return fields;
  }
}
