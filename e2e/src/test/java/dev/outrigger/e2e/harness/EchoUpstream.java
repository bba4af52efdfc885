package dev.outrigger.e2e.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import javax.net.ServerSocketFactory;

/**
 * An upstream on plain sockets that says what it saw, byte for byte where that matters, and that
 * misbehaves on request. The last segment of the path tells what it does:
 *
 * <ul>
 *   <li>{@code status-N}: that status, without a body where the status has none
 *   <li>{@code fails-N-KEY}: 503 to the first N requests of that path, then an echo
 *   <li>{@code hangs}: no answer until the caller goes
 *   <li>{@code chunks}: a chunked answer with a trailer; {@code until-close}: one without a length
 *   <li>{@code resets}, {@code garbage}, {@code cut}: no answer, no HTTP, half a body
 *   <li>{@code hop}: headers for one hop; {@code upgrade}: 101, then all bytes back
 *   <li>anything else: an echo as text
 * </ul>
 */
public final class EchoUpstream implements AutoCloseable {
  private static final Pattern ADDED_BY_PROXIES =
      Pattern.compile("(x-request-id|traceparent|tracestate|x-envoy-[^:]*|x-outrigger-[^:]*):");

  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Map<String, AtomicInteger> failures = new ConcurrentHashMap<>();

  private EchoUpstream(ServerSocket server) {
    this.server = server;
    Thread.ofPlatform().daemon().name("accepts").start(this::accept);
  }

  /** One with a socket of this factory, on a free port of loopback. */
  public static EchoUpstream on(ServerSocketFactory sockets) throws IOException {
    // Whoever finds the queue full tries again after a second, which is no proxy's doing.
    return new EchoUpstream(
        sockets.createServerSocket(0, 4096, InetAddress.getByName("127.0.0.1")));
  }

  public int port() {
    return server.getLocalPort();
  }

  /** Connections that are open now. */
  public int connections() {
    return open.size();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (Closeable _ = socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      while (exchange(in, out)) {
        out.flush();
      }
      out.flush();
    } catch (IOException | RuntimeException e) {
      // The caller went, or spoke no HTTP: the connection ends, which the caller's test sees.
    } finally {
      open.remove(socket);
    }
  }

  private boolean exchange(InputStream in, OutputStream out) throws IOException {
    String first = line(in);
    if (first.isEmpty()) {
      return false;
    }
    List<String> headers = new ArrayList<>();
    String length = "";
    boolean chunked = false;
    boolean expects = false;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
      String value = line.substring(colon + 1).strip();
      headers.add(name + ": " + value);
      length = name.equals("content-length") ? value : length;
      chunked |= name.equals("transfer-encoding");
      expects |= name.equals("expect") && value.equals("100-continue");
    }
    String target = first.split(" ", -1)[1];
    String path = target.split("\\?", 2)[0];
    String what = path.substring(path.lastIndexOf('/') + 1);
    if (what.equals("early")) {
      ascii(out, "HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nearly");
      return false;
    }
    if (expects) {
      ascii(out, "HTTP/1.1 100 Continue\r\n\r\n");
      out.flush();
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if (chunked) {
      chunks(in, body, headers);
    } else if (!length.isEmpty()) {
      body.write(in.readNBytes(Integer.parseInt(length)));
    }
    String echo = echo(first, headers, body.toByteArray());
    boolean head = first.startsWith("HEAD ");
    if (what.startsWith("status-")) {
      int status = Integer.parseInt(what.substring(7));
      boolean empty = status == 204 || status == 304;
      ascii(out, "HTTP/1.1 " + status + " As Asked\r\n");
      ascii(out, empty ? "\r\n" : "content-length: 5\r\n\r\n" + (head ? "" : "asked"));
      return true;
    }
    if (what.startsWith("fails-")) {
      int wanted = Integer.parseInt(what.split("-", -1)[1]);
      if (failures.computeIfAbsent(target, _ -> new AtomicInteger()).incrementAndGet() <= wanted) {
        ascii(out, "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nfail");
        return true;
      }
    }
    return switch (what) {
      case "hangs" -> in.read() >= 0;
      case "resets" -> false;
      case "garbage" -> {
        ascii(out, "this is no HTTP\r\n\r\n");
        yield false;
      }
      case "cut" -> {
        ascii(out, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        yield false;
      }
      case "until-close" -> {
        ascii(out, "HTTP/1.1 200 OK\r\nx-shape: until-close\r\n\r\nall there is");
        yield false;
      }
      case "chunks" -> {
        ascii(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n");
        ascii(out, head ? "" : "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nx-sum: 7\r\n\r\n");
        yield true;
      }
      case "hop" -> {
        ascii(out, "HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n");
        ascii(out, "X-Kept: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n");
        ascii(out, "x-envoy-upstream-service-time: 9\r\ncontent-length: 3\r\n\r\nhop");
        yield true;
      }
      case "upgrade" -> {
        ascii(out, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n");
        ascii(out, "upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n");
        out.flush();
        int next;
        while ((next = in.read()) >= 0) {
          out.write(next);
          out.flush();
        }
        yield false;
      }
      default -> {
        int size = echo.getBytes(StandardCharsets.ISO_8859_1).length;
        ascii(out, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-from: upstream\r\n");
        ascii(out, "x-secret: s\r\ncontent-length: " + size + "\r\n\r\n" + (head ? "" : echo));
        yield true;
      }
    };
  }

  private static String echo(String first, List<String> headers, byte[] body) {
    StringBuilder echo = new StringBuilder(first).append('\n');
    headers.stream()
        .filter(header -> !ADDED_BY_PROXIES.matcher(header).lookingAt())
        .sorted()
        .forEach(header -> echo.append(header).append('\n'));
    String text = new String(body, StandardCharsets.ISO_8859_1);
    return echo.append("body ")
        .append(body.length)
        .append(' ')
        .append(body.length > 100 ? Integer.toHexString(text.hashCode()) : text)
        .append('\n')
        .toString();
  }

  private static void chunks(InputStream in, OutputStream body, List<String> headers)
      throws IOException {
    for (int size = chunk(in); size > 0; size = chunk(in)) {
      body.write(in.readNBytes(size));
      line(in);
    }
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      headers.add("trailer " + line.toLowerCase(Locale.ROOT));
    }
  }

  private static int chunk(InputStream in) throws IOException {
    return Integer.parseInt(line(in).split(";", 2)[0].strip(), 16);
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  private static void ascii(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
