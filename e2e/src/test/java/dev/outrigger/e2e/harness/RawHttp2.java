package dev.outrigger.e2e.harness;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One HTTP/2 connection in plain text that sends just the frames it is told, right or wrong, and
 * notes what the server does. It acknowledges nothing and obeys no window. For one thread.
 */
public final class RawHttp2 implements AutoCloseable {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int PRIORITY = 2;
  public static final int RST_STREAM = 3;
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GO_AWAY = 7;
  public static final int WINDOW_UPDATE = 8;
  public static final int CONTINUATION = 9;

  public static final int END_STREAM = 1;
  public static final int END_HEADERS = 4;

  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Socket socket = new Socket();
  private final OutputStream out;
  private final AtomicInteger resets = new AtomicInteger();
  private final AtomicInteger heads = new AtomicInteger();
  private final AtomicInteger dataBytes = new AtomicInteger();
  private volatile int goAway = -1;
  private volatile boolean closed;

  /** One that reads what comes. */
  public static RawHttp2 reading(int port) throws IOException {
    RawHttp2 made = new RawHttp2(port, 256 * 1024);
    Thread.ofVirtual().start(made::read);
    return made;
  }

  /** One that reads nothing, with a small buffer. */
  public static RawHttp2 unread(int port) throws IOException {
    return new RawHttp2(port, 4096);
  }

  private RawHttp2(int port, int receiveBuffer) throws IOException {
    socket.setReceiveBufferSize(receiveBuffer);
    socket.setTcpNoDelay(true);
    socket.connect(new InetSocketAddress("127.0.0.1", port), 15_000);
    out = new BufferedOutputStream(socket.getOutputStream(), 64 * 1024);
    out.write(PREFACE);
  }

  /** The preface's SETTINGS: pairs of id and value. */
  public RawHttp2 settings(int... pairs) throws IOException {
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    for (int i = 0; i < pairs.length; i += 2) {
      payload.write(pairs[i] >> 8);
      payload.write(pairs[i]);
      payload.writeBytes(number(pairs[i + 1]));
    }
    return frame(SETTINGS, 0, 0, payload.toByteArray());
  }

  /** Any frame, as it is. */
  public RawHttp2 frame(int type, int flags, int stream, byte... payload) throws IOException {
    return frame(type, flags, stream, payload.length, payload);
  }

  /** A frame that says another length than what comes. */
  public RawHttp2 frame(int type, int flags, int stream, int length, byte[] payload)
      throws IOException {
    out.write(length >> 16);
    out.write(length >> 8);
    out.write(length);
    out.write(type);
    out.write(flags);
    out.write(number(stream));
    out.write(payload);
    return this;
  }

  public void flush() throws IOException {
    out.flush();
  }

  /** Four bytes. */
  public static byte[] number(int value) {
    return new byte[] {
      (byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value
    };
  }

  /** A header block of a request, without compression. */
  public static byte[] request(String method, String path, String... more) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.writeBytes(field(":method", method));
    block.write(0x86); // :scheme: http
    block.writeBytes(field(":path", path));
    block.writeBytes(field(":authority", "a"));
    for (int i = 0; i < more.length; i += 2) {
      block.writeBytes(field(more[i], more[i + 1]));
    }
    return block.toByteArray();
  }

  /** One field, literal and not to be indexed (RFC 7541, section 6.2.2). */
  public static byte[] field(String name, String value) {
    return field(0x00, name, value);
  }

  /** One field, literal and to be indexed (RFC 7541, section 6.2.1). */
  public static byte[] indexedField(String name, String value) {
    return field(0x40, name, value);
  }

  private static byte[] field(int first, String name, String value) {
    ByteArrayOutputStream field = new ByteArrayOutputStream();
    field.write(first);
    text(field, name);
    text(field, value);
    return field.toByteArray();
  }

  private static void text(ByteArrayOutputStream to, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    if (bytes.length < 127) {
      to.write(bytes.length);
    } else {
      to.write(127);
      int left = bytes.length - 127;
      for (; left >= 128; left >>= 7) {
        to.write((left & 127) | 128);
      }
      to.write(left);
    }
    to.writeBytes(bytes);
  }

  private void read() {
    try {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      while (true) {
        int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        in.readUnsignedByte();
        in.readInt();
        byte[] payload = new byte[length];
        in.readFully(payload);
        switch (type) {
          case DATA -> dataBytes.addAndGet(length);
          case HEADERS -> heads.incrementAndGet();
          case RST_STREAM -> resets.incrementAndGet();
          case GO_AWAY -> goAway = payload[7];
          default -> {}
        }
      }
    } catch (IOException e) {
      closed = true;
    }
  }

  /** The error code of the last GOAWAY, or -1. */
  public int goAway() {
    return goAway;
  }

  /** Whether the server closed the connection. */
  public boolean closed() {
    return closed;
  }

  /** How many streams the server reset. */
  public int resets() {
    return resets.get();
  }

  /** How many heads came. */
  public int heads() {
    return heads.get();
  }

  /** How many bytes of bodies came. */
  public int dataBytes() {
    return dataBytes.get();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
