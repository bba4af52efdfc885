package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Http2Wire.Frame;
import dev.outrigger.e2e.strict.Vector.Field;
import dev.outrigger.e2e.strict.Vector.Step;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A client of HTTP/2 without TLS that sends any fields. */
final class Http2Caller {
  private static final int CONNECT_MILLIS = 10_000;
  private static final int PAUSE_MILLIS = 400;

  private final Http2Wire wire;
  private final Socket socket;
  private final Map<Integer, Answer> answers = new TreeMap<>();
  private boolean closed;
  private @Nullable String fault;

  private static final class Answer {
    private @Nullable List<Field> head;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private boolean bodiless;
    private boolean whole;
    private boolean over;
  }

  private Http2Caller(Socket socket) throws IOException {
    this.socket = socket;
    this.wire = new Http2Wire(socket);
  }

  static Heard say(int port, List<Step> steps, int silenceMillis) throws IOException {
    try (Socket socket = new Socket()) {
      socket.setTcpNoDelay(true);
      socket.connect(new InetSocketAddress("127.0.0.1", port), CONNECT_MILLIS);
      Http2Caller caller = new Http2Caller(socket);
      boolean silent = false;
      try {
        caller.wire.raw(Http2Wire.PREFACE);
        caller.wire.send(Http2Wire.SETTINGS, 0, 0, new byte[0]);
        for (Step step : steps) {
          caller.send(step);
        }
        silent = !caller.await(silenceMillis);
      } catch (IOException e) {
        caller.readRest(silenceMillis);
      }
      return caller.heard(silent);
    }
  }

  private void send(Step step) throws IOException {
    switch (step) {
      case Step.Head head -> {
        Answer answer = answers.computeIfAbsent(head.stream(), _ -> new Answer());
        answer.bodiless |= Http2Judge.all(head.fields(), ":method").contains("HEAD");
        wire.head(head.stream(), head.end(), head.fields());
      }
      case Step.Body body ->
          wire.send(
              Http2Wire.DATA, body.end() ? Http2Wire.END_STREAM : 0, body.stream(), body.bytes());
      case Step.Reset reset -> {
        answers.computeIfAbsent(reset.stream(), _ -> new Answer()).over = true;
        wire.send(Http2Wire.RST_STREAM, 0, reset.stream(), new byte[] {0, 0, 0, 8});
      }
      case Step.Wait _ -> await(PAUSE_MILLIS);
      case Step.Bytes _ -> throw new IllegalStateException("HTTP/1");
    }
  }

  private void readRest(int silenceMillis) {
    try {
      await(silenceMillis);
    } catch (IOException e) {
      closed = true;
    }
  }

  /** Reads until every stream is over; false if it waited in vain. */
  private boolean await(int millis) throws IOException {
    socket.setSoTimeout(millis);
    while (!closed && fault == null && answers.values().stream().anyMatch(one -> !one.over)) {
      Frame frame;
      try {
        frame = wire.read();
      } catch (SocketTimeoutException e) {
        return false;
      }
      if (frame == null) {
        closed = true;
      } else {
        take(frame);
      }
    }
    return true;
  }

  private void take(Frame frame) {
    if (frame.type() == Http2Wire.GOAWAY) {
      byte[] payload = frame.payload();
      closed = payload[7] != 0; // else it goes on with what is open
      return;
    }
    Answer answer = answers.get(frame.stream());
    if (answer == null) {
      fault = "a frame of stream " + frame.stream();
      return;
    }
    switch (frame.type()) {
      case Http2Wire.HEADERS -> head(answer, frame);
      case Http2Wire.DATA -> answer.body.writeBytes(frame.payload());
      case Http2Wire.RST_STREAM -> answer.over = true;
      default -> {}
    }
    if (frame.ends()) {
      answer.over = true;
      List<Field> head = answer.head;
      answer.whole = head != null;
      if (head != null
          && !answer.bodiless
          && !isEmpty(head)
          && !Http2Judge.isLong(head, answer.body.size())) {
        fault = "content-length lies";
      }
    }
  }

  private static boolean isEmpty(List<Field> head) {
    String status = Http2Judge.all(head, ":status").getFirst();
    return status.equals("304") || status.equals("204");
  }

  private void head(Answer answer, Frame frame) {
    if (answer.head != null) {
      fault = Http2Judge.trailerFault(frame.fields());
      return;
    }
    fault = Http2Judge.answerFault(frame.fields());
    if (fault == null && !Http2Judge.all(frame.fields(), ":status").getFirst().startsWith("1")) {
      answer.head = frame.fields();
    }
  }

  private Heard heard(boolean silent) {
    List<Integer> statuses = new ArrayList<>();
    List<String> bodies = new ArrayList<>();
    for (Answer answer : answers.values()) {
      List<Field> head = answer.head;
      if (answer.whole && head != null) {
        statuses.add(Integer.parseInt(Http2Judge.all(head, ":status").getFirst()));
        bodies.add(answer.body.toString(StandardCharsets.ISO_8859_1));
      }
    }
    return new Heard(statuses, bodies, fault, silent);
  }
}
