package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Http2Wire.Frame;
import dev.outrigger.e2e.strict.Vector.Field;
import dev.outrigger.e2e.strict.Vector.Step;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Speaks HTTP/2 without TLS. */
final class Http2Origin extends Origin {
  private final ServerSocket server;

  private static final class Request {
    private final List<Field> head;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private boolean answered;

    Request(List<Field> head) {
      this.head = head;
    }

    String field(String name) {
      List<String> values = Http2Judge.all(head, name);
      return values.isEmpty() ? "" : values.getFirst();
    }
  }

  Http2Origin() throws IOException {
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
      Http2Wire wire = new Http2Wire(socket);
      wire.readExactly(Http2Wire.PREFACE.length);
      wire.send(Http2Wire.SETTINGS, 0, 0, new byte[0]);
      Map<Integer, Request> open = new HashMap<>();
      for (Frame frame = wire.read(); frame != null; frame = wire.read()) {
        String fault = take(frame, open);
        Request request = open.get(frame.stream());
        if (fault != null) {
          sawMalformed(fault);
          return;
        }
        if (request == null) {
          continue;
        }
        if (!request.answered && answersEarly(request.field(":path"))) {
          request.answered = true;
          answer(wire, frame.stream(), request, null);
        }
        if (frame.ends()) {
          open.remove(frame.stream());
          if (!Http2Judge.isLong(request.head, request.body.size())) {
            sawMalformed("content-length lies");
            return;
          }
          sawWhole(
              request.field(":method")
                  + " "
                  + request.field(":path")
                  + " HTTP/2 "
                  + request.body.toString(StandardCharsets.ISO_8859_1));
          if (!request.answered) {
            Vector script = scriptFor(request.field(":path"));
            answer(wire, frame.stream(), request, script);
            if (script != null && script.is("close")) {
              return;
            }
          }
        }
      }
    } catch (IOException e) {
      // The proxy went away.
    }
  }

  private static @Nullable String take(Frame frame, Map<Integer, Request> open) {
    Request request = open.get(frame.stream());
    switch (frame.type()) {
      case Http2Wire.HEADERS -> {
        if (request == null) {
          open.put(frame.stream(), new Request(frame.fields()));
          return Http2Judge.requestFault(frame.fields());
        }
        return Http2Judge.trailerFault(frame.fields());
      }
      case Http2Wire.DATA -> {
        if (request != null) {
          request.body.writeBytes(frame.payload());
        }
      }
      case Http2Wire.RST_STREAM -> open.remove(frame.stream());
      default -> {}
    }
    return null;
  }

  private static void answer(Http2Wire wire, int stream, Request request, @Nullable Vector script)
      throws IOException {
    if (script == null) {
      byte[] body = ("seen " + request.field(":path")).getBytes(StandardCharsets.ISO_8859_1);
      boolean none = request.field(":method").equals("HEAD");
      wire.head(stream, none, List.of(new Field(":status", "200")));
      if (!none) {
        wire.send(Http2Wire.DATA, Http2Wire.END_STREAM, stream, body);
      }
      return;
    }
    for (Step step : script.steps()) {
      switch (step) {
        case Step.Head head -> wire.head(stream, head.end(), head.fields());
        case Step.Body body ->
            wire.send(Http2Wire.DATA, body.end() ? Http2Wire.END_STREAM : 0, stream, body.bytes());
        case Step.Reset _ -> wire.send(Http2Wire.RST_STREAM, 0, stream, new byte[] {0, 0, 0, 2});
        case Step.Wait _ -> {}
        case Step.Bytes _ -> throw new IllegalStateException("HTTP/1");
      }
    }
  }
}
