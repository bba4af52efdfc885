package dev.outrigger.e2e.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One keep-alive HTTP/1.1 connection that sends just the bytes it is told. For one thread. */
public final class PlainClient implements AutoCloseable {
  private static final int TIMEOUT_MILLIS = 15_000;

  private final Socket socket;
  private final InputStream in;

  public PlainClient(InetSocketAddress address) throws IOException {
    socket = new Socket();
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    socket.connect(address, TIMEOUT_MILLIS);
    in = new BufferedInputStream(socket.getInputStream());
  }

  public PlainClient(int loopbackPort) throws IOException {
    this(new InetSocketAddress("127.0.0.1", loopbackPort));
  }

  /**
   * An answer.
   *
   * @param headers names in lower case; of repeated ones the values joined by a comma
   * @param keepsAlive false if the server said or showed that it closes
   */
  public record Answer(int status, Map<String, String> headers, byte[] body, boolean keepsAlive) {
    public Answer {
      headers = Map.copyOf(headers);
    }

    public @Nullable String header(String name) {
      return headers.get(name);
    }

    public String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  /** A GET with further header lines, each without its line end. */
  public Answer get(String host, String path, String... headers) throws IOException {
    return request("GET", host, path, null, headers);
  }

  public Answer request(
      String method, String host, String path, byte @Nullable [] body, String... headers)
      throws IOException {
    StringBuilder head =
        new StringBuilder(method).append(' ').append(path).append(" HTTP/1.1\r\nhost: ");
    head.append(host).append("\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    if (body != null) {
      head.append("content-length: ").append(body.length).append("\r\n");
    }
    send(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    if (body != null) {
      send(body);
    }
    return answer(method.equals("HEAD"));
  }

  /** Sends bytes as they are. */
  public void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** Says that nothing more comes from here. */
  public void sendEnd() throws IOException {
    socket.shutdownOutput();
  }

  /** Reads a whole answer, interim ones skipped. */
  public Answer answer(boolean withoutBody) throws IOException {
    while (true) {
      String first = line();
      int status = Integer.parseInt(first.substring(9, 12));
      boolean keepsAlive = first.startsWith("HTTP/1.1");
      Map<String, String> headers = new LinkedHashMap<>();
      for (String line = line(); !line.isEmpty(); line = line()) {
        int colon = line.indexOf(':');
        headers.merge(
            line.substring(0, colon).toLowerCase(Locale.ROOT),
            line.substring(colon + 1).strip(),
            (a, b) -> a + ", " + b);
      }
      if (status >= 100 && status < 200 && status != 101) {
        continue;
      }
      String connection = headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT);
      keepsAlive = keepsAlive ? !connection.contains("close") : connection.contains("keep-alive");
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      if (withoutBody || status == 204 || status == 304 || status == 101) {
        return new Answer(status, headers, body.toByteArray(), keepsAlive);
      }
      if (headers.getOrDefault("transfer-encoding", "").contains("chunked")) {
        chunks(body);
      } else if (headers.containsKey("content-length")) {
        body.write(exactly(Integer.parseInt(headers.getOrDefault("content-length", ""))));
      } else {
        body.write(in.readAllBytes());
        keepsAlive = false;
      }
      return new Answer(status, headers, body.toByteArray(), keepsAlive);
    }
  }

  private void chunks(ByteArrayOutputStream body) throws IOException {
    while (true) {
      int size = Integer.parseInt(line().split(";", 2)[0].strip(), 16);
      if (size == 0) {
        while (!line().isEmpty()) {
          // Trailers.
        }
        return;
      }
      body.write(exactly(size));
      line();
    }
  }

  private byte[] exactly(int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw new EOFException("the body ended after " + bytes.length + " of " + count);
    }
    return bytes;
  }

  /** What comes after the answers: a tunnel's bytes, or -1 where the server closed. */
  public InputStream raw() {
    return in;
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException("closed after '" + line.toString(StandardCharsets.ISO_8859_1) + "'");
      }
      if (next == '\n') {
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
      }
      line.write(next);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
