package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Step;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A client of HTTP/1.1 that sends any bytes and reads what comes back strictly. */
final class Http1Caller implements AutoCloseable {
  private static final int CONNECT_MILLIS = 10_000;
  private static final int PAUSE_MILLIS = 400;
  private static final byte[] PROBE =
      "GET /probe HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII);

  private final Socket socket = new Socket();
  private final boolean bodiless;
  private final List<Integer> statuses = new ArrayList<>();
  private final List<String> bodies = new ArrayList<>();
  private byte[] bytes = {};
  private boolean ended;
  private @Nullable String fault;

  /**
   * @param bodiless its request is HEAD
   */
  Http1Caller(int port, boolean bodiless) throws IOException {
    this.bodiless = bodiless;
    socket.setTcpNoDelay(true);
    socket.connect(new InetSocketAddress("127.0.0.1", port), CONNECT_MILLIS);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** Sends the steps, and a last request once they are answered, and reads to the end. */
  static Heard say(int port, List<Step> steps, int answers, int silenceMillis) throws IOException {
    boolean head =
        steps.getFirst() instanceof Step.Bytes sent
            && new String(sent.bytes(), StandardCharsets.ISO_8859_1).startsWith("HEAD ");
    try (Http1Caller caller = new Http1Caller(port, head)) {
      boolean silent = false;
      try {
        for (Step step : steps) {
          switch (step) {
            case Step.Bytes sent -> caller.send(sent.bytes());
            case Step.Wait _ -> caller.await(caller.statuses.size() + 1, PAUSE_MILLIS);
            case Step.Head _, Step.Body _, Step.Reset _ -> throw new IllegalStateException("2");
          }
        }
        silent = !caller.await(answers, silenceMillis);
        if (!silent && !caller.ended && caller.fault == null && !caller.statuses.contains(101)) {
          caller.send(PROBE);
          silent = !caller.await(Integer.MAX_VALUE, silenceMillis);
        }
      } catch (IOException e) {
        caller.readRest(silenceMillis);
      }
      return new Heard(caller.statuses, caller.bodies, caller.fault, silent);
    }
  }

  private void send(byte[] more) throws IOException {
    if (!ended) {
      socket.getOutputStream().write(more);
    }
  }

  /** The connection was reset while we wrote; what it said before may still be there. */
  private void readRest(int silenceMillis) {
    try {
      await(Integer.MAX_VALUE, silenceMillis);
    } catch (IOException e) {
      ended = true;
    }
  }

  /** Reads until there are so many answers, or the end; false if it waited in vain. */
  private boolean await(int answers, int millis) throws IOException {
    socket.setSoTimeout(millis);
    byte[] buffer = new byte[16 * 1024];
    while (statuses.size() < answers && !ended && fault == null) {
      int read;
      try {
        read = socket.getInputStream().read(buffer);
      } catch (SocketTimeoutException e) {
        return false;
      } catch (IOException e) {
        ended = true; // reset: nothing more is whole
        return true;
      }
      if (read < 0) {
        ended = true;
      } else {
        int before = bytes.length;
        bytes = Arrays.copyOf(bytes, before + read);
        System.arraycopy(buffer, 0, bytes, before, read);
      }
      parse();
    }
    return true;
  }

  private void parse() {
    while (bytes.length > 0 && fault == null && !statuses.contains(101)) {
      boolean none = bodiless && statuses.isEmpty();
      Http1Message answer = Http1Message.answer(bytes, 0, none, ended);
      fault = answer.fault();
      if (!answer.whole()) {
        return;
      }
      if (answer.status() >= 200 || answer.status() == 101) {
        statuses.add(answer.status());
        bodies.add(answer.body());
      }
      bytes = Arrays.copyOfRange(bytes, answer.end(), bytes.length);
    }
  }
}
