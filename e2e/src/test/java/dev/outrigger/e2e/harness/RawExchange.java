package dev.outrigger.e2e.harness;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.net.SocketFactory;

/** Sends bytes, well formed or not, and writes down what comes back as lines to compare. */
public final class RawExchange {
  private static final int SILENCE_MILLIS = 8_000;

  /** What differs from one run to the next, or names the program that answered. */
  private static final Pattern IGNORED =
      Pattern.compile(
          "(date|server|x-request-id|traceparent|tracestate|x-envoy-[^:]*|x-outrigger-[^:]*):.*");

  /** For a client on loopback Envoy writes the address that the machine has on its network. */
  private static final Pattern OWN_ADDRESS = Pattern.compile("^(x-forwarded-for: .*?)[^ ,]+$");

  private RawExchange() {}

  /**
   * What came back.
   *
   * @param lines of each answer its status, headers in order of their names, and body; at the end
   *     what became of the connection
   * @param ownWords whether an answer is one of our proxy's errors
   */
  public record Heard(List<String> lines, boolean ownWords) {
    public Heard {
      lines = List.copyOf(lines);
    }
  }

  /**
   * One connection's conversation.
   *
   * @param first bytes sent at once
   * @param afterContinue bytes sent once an interim 100 has come, empty for none
   * @param answers how many final answers to read
   * @param head whether they have no body, as those to HEAD
   */
  public static Heard of(
      SocketFactory sockets,
      int port,
      byte[] first,
      byte[] afterContinue,
      int answers,
      boolean head)
      throws IOException {
    List<String> lines = new ArrayList<>();
    boolean own = false;
    try (Socket socket = sockets.createSocket(InetAddress.getByName("localhost"), port)) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(SILENCE_MILLIS);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      try {
        try {
          send(socket, first);
        } catch (IOException e) {
          // Refused half way; its answer may be there all the same.
        }
        for (int i = 0; i < answers; i++) {
          own |= answer(socket, in, afterContinue, head, lines);
        }
        String end =
            lines.contains("status 101")
                ? "hello"
                : "GET /probe HTTP/1.1\r\nhost: shop.example\r\n\r\n";
        send(socket, end.getBytes(StandardCharsets.US_ASCII));
        lines.add(in.read() < 0 ? "then closed" : "then open");
      } catch (SocketTimeoutException e) {
        lines.add("then silent");
      } catch (IOException e) {
        lines.add("then closed");
      }
    }
    return new Heard(lines, own);
  }

  private static void send(Socket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  private static boolean answer(
      Socket socket, InputStream in, byte[] afterContinue, boolean head, List<String> lines)
      throws IOException {
    String start = line(in);
    lines.add("status " + start.substring(9, Math.min(12, start.length())));
    int status = Integer.parseInt(start.substring(9, 12));
    List<String> headers = new ArrayList<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.add(
          line.substring(0, colon).toLowerCase(Locale.ROOT)
              + ": "
              + line.substring(colon + 1).strip());
    }
    boolean own = headers.stream().anyMatch(header -> header.startsWith("x-outrigger-error:"));
    boolean echo = headers.contains("x-from: upstream"); // as long as what it repeats
    headers.stream()
        .filter(header -> !(echo && header.startsWith("content-length:")))
        .filter(header -> !IGNORED.matcher(header).matches())
        .sorted()
        .forEach(lines::add);
    if (status == 100) {
      send(socket, afterContinue);
      return answer(socket, in, new byte[0], head, lines) || own;
    }
    if (head || status == 101 || status == 204 || status == 304) {
      return own;
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try {
      body(in, headers, body, lines);
    } catch (EOFException e) {
      lines.add("cut");
    } finally {
      String text = body.toString(StandardCharsets.ISO_8859_1);
      text.lines()
          .map(line -> "| " + OWN_ADDRESS.matcher(line).replaceFirst("$1self"))
          .forEach(lines::add);
    }
    return own;
  }

  private static void body(
      InputStream in, List<String> headers, ByteArrayOutputStream body, List<String> lines)
      throws IOException {
    if (headers.contains("transfer-encoding: chunked")) {
      while (true) {
        int size = Integer.parseInt(line(in), 16);
        exactly(in, size, body);
        if (size == 0) {
          break;
        }
        line(in);
      }
      for (String line = line(in); !line.isEmpty(); line = line(in)) {
        lines.add("trailer " + line);
      }
      return;
    }
    for (String header : headers) {
      if (header.startsWith("content-length: ")) {
        exactly(in, Integer.parseInt(header.substring(16)), body);
        return;
      }
    }
    in.transferTo(body);
  }

  private static void exactly(InputStream in, int count, ByteArrayOutputStream body)
      throws IOException {
    byte[] bytes = in.readNBytes(count);
    body.write(bytes);
    if (bytes.length < count) {
      throw new EOFException();
    }
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException();
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }
}
