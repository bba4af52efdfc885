package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Step;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Speaks HTTP/1.1, and reads the very bytes. */
final class Http1Origin extends Origin {
  private final ServerSocket server;

  Http1Origin() throws IOException {
    server = new ServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
    Thread.ofVirtual().start(this::accept);
  }

  @Override
  int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  private void accept() {
    while (true) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      byte[] bytes = {};
      byte[] buffer = new byte[16 * 1024];
      boolean answered = false;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        int before = bytes.length;
        bytes = Arrays.copyOf(bytes, before + read);
        System.arraycopy(buffer, 0, bytes, before, read);
        while (bytes.length > 0) {
          Http1Message request = Http1Message.request(bytes, 0);
          if (request.fault() != null) {
            sawMalformed(
                request.fault()
                    + " in "
                    + new String(
                        bytes, 0, Math.min(300, bytes.length), StandardCharsets.ISO_8859_1));
            return;
          }
          if (!answered && request.headWhole() && answersEarly(request.target())) {
            answered = true;
            out.write(usual(request));
          }
          if (!request.whole()) {
            break;
          }
          sawWhole(request.startLine() + " " + request.body());
          bytes = Arrays.copyOfRange(bytes, request.end(), bytes.length);
          if (!answered && !answer(request, out)) {
            return;
          }
          answered = false;
        }
      }
    } catch (IOException e) {
      // The proxy went away.
    }
  }

  /** Whether the connection goes on. */
  private boolean answer(Http1Message request, OutputStream out) throws IOException {
    Vector script = scriptFor(request.target());
    if (script == null) {
      out.write(usual(request));
      return true;
    }
    for (Step step : script.steps()) {
      switch (step) {
        case Step.Bytes sent -> out.write(sent.bytes());
        case Step.Wait _ -> out.flush();
        case Step.Head _, Step.Body _, Step.Reset _ -> throw new IllegalStateException("HTTP/2");
      }
    }
    return !script.is("close");
  }

  private static byte[] usual(Http1Message request) {
    byte[] body = ("seen " + request.target()).getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        ("HTTP/1.1 200 OK\r\ncontent-length: " + body.length + "\r\n\r\n")
            .getBytes(StandardCharsets.ISO_8859_1));
    if (!request.startLine().startsWith("HEAD ")) {
      out.writeBytes(body);
    }
    return out.toByteArray();
  }
}
