package dev.outrigger.e2e.harness;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A TCP server that does what the first line of a connection says:
 *
 * <ul>
 *   <li>{@code echo}: sends back what comes;
 *   <li>{@code send N}: sends N bytes of the {@link KnownBytes} and closes;
 *   <li>{@code take N KEY}: reads N bytes of it, says {@code ok} or where the first wrong one was,
 *       and closes;
 *   <li>{@code both KEY}: sends the pattern until its client ends, reads it meanwhile;
 *   <li>{@code count KEY}: reads until the end.
 * </ul>
 *
 * What is read under a key is told by {@link #taken}.
 */
public final class ByteServer implements AutoCloseable {
  private static final int CHUNK = 64 * 1024;

  private final ServerSocket server = new ServerSocket(0, 1024, InetAddress.getByName("127.0.0.1"));
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Map<String, Taken> taken = new ConcurrentHashMap<>();

  /**
   * What came on a connection.
   *
   * @param end how it ended; empty while it goes on
   */
  public record Taken(long bytes, long wrongAt, String end) {}

  /** Starts it on a free port. */
  public ByteServer() throws IOException {
    Thread.ofVirtual().start(this::accept);
  }

  public int port() {
    return server.getLocalPort();
  }

  /** What came under a key; nothing where it did not. */
  public Taken taken(String key) {
    return taken.getOrDefault(key, new Taken(0, -1, ""));
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        // Closed.
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream(), CHUNK);
      OutputStream out = socket.getOutputStream();
      String[] words = line(in).split(" ", -1);
      switch (words[0]) {
        case "echo" -> echo(in, out);
        case "send" -> send(out, Long.parseLong(words[1]));
        case "take" -> {
          long wrong = take(words[2], in, Long.parseLong(words[1]));
          out.write((wrong < 0 ? "ok\n" : "wrong at " + wrong + "\n").getBytes());
        }
        case "both" -> {
          Thread.ofVirtual().start(() -> sendOn(out));
          var _ = take(words[1], in, Long.MAX_VALUE);
        }
        case "count" -> {
          var _ = take(words[1], in, Long.MAX_VALUE);
        }
        default -> throw new IOException(words[0]);
      }
    } catch (IOException | RuntimeException e) {
      // What faults are for.
    } finally {
      open.remove(socket);
    }
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0 || line.length() > 100) {
        throw new IOException("no line");
      }
      line.append((char) next);
    }
    return line.toString();
  }

  private static void echo(InputStream in, OutputStream out) throws IOException {
    byte[] buffer = new byte[CHUNK];
    for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
      out.write(buffer, 0, length);
    }
  }

  /** Sends so much of the pattern. */
  public static void send(OutputStream out, long count) throws IOException {
    byte[] buffer = new byte[CHUNK];
    for (long sent = 0; sent < count; ) {
      int length = (int) Math.min(CHUNK, count - sent);
      KnownBytes.fill(sent, buffer, length);
      out.write(buffer, 0, length);
      sent += length;
    }
  }

  private static void sendOn(OutputStream out) {
    try {
      send(out, Long.MAX_VALUE);
    } catch (IOException e) {
      // The client has gone.
    }
  }

  private long take(String key, InputStream in, long count) throws IOException {
    byte[] buffer = new byte[CHUNK];
    long read = 0;
    long wrong = -1;
    String end = "";
    taken.put(key, new Taken(0, -1, ""));
    try {
      while (read < count) {
        int length = in.read(buffer, 0, (int) Math.min(CHUNK, count - read));
        if (length < 0) {
          end = "end";
          break;
        }
        wrong = wrong < 0 ? KnownBytes.wrongAt(read, buffer, length) : wrong;
        read += length;
        taken.put(key, new Taken(read, wrong, ""));
      }
    } catch (SocketException e) {
      end = String.valueOf(e.getMessage());
      throw e;
    } finally {
      taken.put(key, new Taken(read, wrong, end.isEmpty() ? "all" : end));
    }
    return wrong;
  }

  /** A connection of which the first line has been sent. */
  public static Socket call(int port, String line) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(60_000);
    socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
