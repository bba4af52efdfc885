package dev.outrigger.e2e.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An HTTP/1.1 server that says in its body what it has seen: the request line, the headers sorted,
 * and how long the body was. Some paths do more:
 *
 * <ul>
 *   <li>{@code /flaky...} fails with 503 the first time that a path comes;
 *   <li>{@code /silent} never answers;
 *   <li>{@code /trailers} is chunked with a trailer;
 *   <li>{@code /until-close} ends its body by closing;
 *   <li>{@code /upgrade} changes to an echo of bytes.
 * </ul>
 */
public final class EchoServer implements AutoCloseable {
  private final ServerSocket server;
  private final Set<String> seen = ConcurrentHashMap.newKeySet();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  public EchoServer() throws IOException {
    server = new ServerSocket(0, 256, InetAddress.getByName("127.0.0.1"));
    Thread.ofVirtual().start(this::accept);
  }

  public int port() {
    return server.getLocalPort();
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
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      while (exchange(in, out)) {
        // The next one.
      }
    } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
      // The proxy has gone, or passed on what is no HTTP.
    } finally {
      open.remove(socket);
    }
  }

  private boolean exchange(InputStream in, OutputStream out) throws IOException {
    String first = line(in);
    if (first == null) {
      return false;
    }
    Set<String> headers = new TreeSet<>();
    long length = 0;
    boolean chunked = false;
    boolean close = false;
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
      String value = line.substring(colon + 1).strip();
      headers.add(name + ": " + value);
      switch (name) {
        case "content-length" -> length = Long.parseLong(value);
        case "transfer-encoding" -> chunked = value.contains("chunked");
        case "connection" -> close = value.contains("close");
        default -> {}
      }
    }
    String path = first.split(" ", 3)[1];
    if (headers.stream().anyMatch(h -> h.startsWith("expect:"))) {
      out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    List<String> trailers = new ArrayList<>();
    long read = chunked ? chunks(in, trailers) : in.readNBytes((int) length).length;
    if (path.startsWith("/silent")) {
      in.read();
      return false;
    }
    if (path.startsWith("/upgrade")) {
      out.write(
          "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      in.transferTo(out);
      return false;
    }
    String status = "200 OK";
    if (path.startsWith("/flaky") && seen.add(path)) {
      status = "503 Service Unavailable";
    }
    byte[] body =
        (first + "\n" + String.join("\n", headers) + "\nbody: " + read + " " + trailers + "\n")
            .getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder("HTTP/1.1 ").append(status).append("\r\nx-echo: 1\r\n");
    head.append("x-remove: me\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n");
    boolean none = first.startsWith("HEAD ");
    if (path.startsWith("/trailers")) {
      head.append("transfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n");
      head.append(Integer.toHexString(body.length)).append("\r\n");
      out.write(head.toString().getBytes(StandardCharsets.US_ASCII));
      out.write(body);
      out.write("\r\n0\r\nx-sum: 7\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      return true;
    }
    if (path.startsWith("/until-close")) {
      out.write(head.append("connection: close\r\n\r\n").toString().getBytes());
      out.write(body);
      return false;
    }
    head.append("content-length: ").append(body.length).append("\r\n\r\n");
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(head.toString().getBytes(StandardCharsets.US_ASCII));
    if (!none) {
      all.write(body);
    }
    out.write(all.toByteArray());
    return !close;
  }

  private static long chunks(InputStream in, List<String> trailers) throws IOException {
    long read = 0;
    while (true) {
      String size = line(in);
      if (size == null) {
        return read;
      }
      int count = Integer.parseInt(size.split(";", 2)[0].strip(), 16);
      if (count == 0) {
        for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
          trailers.add(line.toLowerCase(Locale.ROOT));
        }
        return read;
      }
      read += in.readNBytes(count).length;
      line(in);
    }
  }

  private static @org.jspecify.annotations.Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        return null;
      }
      line.write(next);
    }
    String text = line.toString(StandardCharsets.ISO_8859_1);
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
