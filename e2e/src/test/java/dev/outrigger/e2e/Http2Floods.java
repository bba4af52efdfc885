package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.RawHttp2.CONTINUATION;
import static dev.outrigger.e2e.harness.RawHttp2.DATA;
import static dev.outrigger.e2e.harness.RawHttp2.END_HEADERS;
import static dev.outrigger.e2e.harness.RawHttp2.END_STREAM;
import static dev.outrigger.e2e.harness.RawHttp2.HEADERS;
import static dev.outrigger.e2e.harness.RawHttp2.PING;
import static dev.outrigger.e2e.harness.RawHttp2.PRIORITY;
import static dev.outrigger.e2e.harness.RawHttp2.RST_STREAM;
import static dev.outrigger.e2e.harness.RawHttp2.SETTINGS;
import static dev.outrigger.e2e.harness.RawHttp2.WINDOW_UPDATE;
import static dev.outrigger.e2e.harness.RawHttp2.field;
import static dev.outrigger.e2e.harness.RawHttp2.indexedField;
import static dev.outrigger.e2e.harness.RawHttp2.number;
import static dev.outrigger.e2e.harness.RawHttp2.request;

import dev.outrigger.e2e.harness.RawHttp2;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;

/** What clients have done to servers of HTTP/2, by their public names where there is one. */
final class Http2Floods {
  private static final int MANY = 100_000;
  private static final int CALM = 11;
  private static final int BOTH = END_STREAM | END_HEADERS;

  private Http2Floods() {}

  /** What is done on one connection, whose SETTINGS are still to be sent. */
  @FunctionalInterface
  interface Driver {
    void run(RawHttp2 connection) throws IOException;
  }

  /**
   * One attack.
   *
   * @param kind the label under which it is to be counted
   * @param goAway the code with which the connection is to end; -1 if it need not end
   * @param reads whether the client reads what comes
   */
  record Flood(String name, String kind, int goAway, boolean reads, Driver driver) {}

  private static Flood read(String name, String kind, Driver driver) {
    return new Flood(name, kind, CALM, true, driver);
  }

  /** Once for each stream, each after a request that hangs. */
  @FunctionalInterface
  private interface OnStream {
    void run(RawHttp2 connection, int stream) throws IOException;
  }

  private static Driver onEach(int streams, boolean last, OnStream then) {
    return connection -> {
      connection.settings();
      byte[] request = request("POST", "/hangs");
      for (int i = 0; i < streams; i++) {
        int stream = 2 * i + 1;
        connection.frame(HEADERS, last ? BOTH : END_HEADERS, stream, request);
        then.run(connection, stream);
      }
      connection.flush();
    };
  }

  /** Frames without a request. */
  private static Driver frames(int count, int type, int flags, int stream, byte... payload) {
    return connection -> {
      connection.settings();
      for (int i = 0; i < count; i++) {
        connection.frame(type, flags, stream, payload);
      }
      connection.flush();
    };
  }

  /** Frames on a stream whose request has not ended. */
  private static Driver frames(int count, int type, byte... payload) {
    return connection -> {
      connection.settings();
      connection.frame(HEADERS, END_HEADERS, 1, request("POST", "/hangs"));
      for (int i = 0; i < count; i++) {
        connection.frame(type, 0, 1, payload);
      }
      connection.flush();
    };
  }

  /** Requests that all bear the same block of fields behind what each must have. */
  private static Driver heads(int count, byte[] more) {
    return connection -> {
      connection.settings();
      ByteArrayOutputStream block = new ByteArrayOutputStream();
      block.writeBytes(request("GET", "/many"));
      block.writeBytes(more);
      for (int i = 0; i < count; i++) {
        head(connection, 2 * i + 1, block.toByteArray());
      }
      connection.flush();
    };
  }

  private static void head(RawHttp2 connection, int stream, byte[] block) throws IOException {
    int type = HEADERS;
    int flags = END_STREAM;
    for (int at = 0; at < block.length; at += 16_384) {
      int end = Math.min(block.length, at + 16_384);
      int whole = end == block.length ? END_HEADERS : 0;
      connection.frame(type, flags | whole, stream, Arrays.copyOfRange(block, at, end));
      type = CONTINUATION;
      flags = 0;
    }
  }

  private static byte[] times(int count, byte[] field) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      block.writeBytes(field);
    }
    return block.toByteArray();
  }

  private static Driver continuations(int count, int size) {
    return connection -> {
      connection.settings();
      connection.frame(HEADERS, END_STREAM, 1, request("GET", "/endless"));
      byte[] field = field("x", "y".repeat(50));
      byte[] payload = size == 0 ? new byte[0] : times(size / field.length, field);
      for (int i = 0; i < count; i++) {
        connection.frame(CONTINUATION, 0, 1, payload);
      }
      connection.flush();
    };
  }

  private static void hpackBomb(RawHttp2 connection) throws IOException {
    connection.settings();
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    first.writeBytes(request("GET", "/bomb"));
    first.writeBytes(indexedField("b", "o".repeat(4000)));
    head(connection, 1, first.toByteArray());
    ByteArrayOutputStream more = new ByteArrayOutputStream();
    more.writeBytes(request("GET", "/bomb"));
    byte[] references = new byte[16_000];
    Arrays.fill(references, (byte) (0x80 | 62));
    more.writeBytes(references);
    for (int i = 1; i < 2000; i++) {
      head(connection, 2 * i + 1, more.toByteArray());
    }
    connection.flush();
  }

  private static void tableSizes(RawHttp2 connection) throws IOException {
    connection.settings();
    byte[] toggled = times(5000, new byte[] {0x20, 0x3f, (byte) 0xe1, 0x1f});
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.writeBytes(Arrays.copyOf(toggled, 12_000));
    block.writeBytes(request("GET", "/table"));
    for (int i = 0; i < 1000; i++) {
      head(connection, 2 * i + 1, block.toByteArray());
    }
    connection.flush();
  }

  private static void stalled(RawHttp2 connection, int window) throws IOException {
    connection.settings(4, window);
    for (int i = 0; i < 100; i++) {
      connection.frame(HEADERS, BOTH, 2 * i + 1, request("GET", "/large"));
    }
    connection.flush();
  }

  private static void dribble(RawHttp2 connection) throws IOException {
    stalled(connection, 0);
    Awaitility.await().until(() -> connection.heads() == 100);
    for (int i = 0; i < MANY; i++) {
      connection.frame(WINDOW_UPDATE, 0, 2 * (i % 100) + 1, number(1));
    }
    connection.flush();
  }

  static List<Flood> all() {
    return List.of(
        read(
            "rapid reset (CVE-2023-44487)",
            "rapid_reset",
            onEach(20_000, true, (c, id) -> c.frame(RST_STREAM, 0, id, number(8)))),
        read(
            "MadeYouReset, zero increment (CVE-2025-8671)",
            "provoked_reset",
            onEach(20_000, true, (c, id) -> c.frame(WINDOW_UPDATE, 0, id, number(0)))),
        read(
            "MadeYouReset, DATA after the end",
            "provoked_reset",
            onEach(20_000, true, (c, id) -> c.frame(DATA, END_STREAM, id, (byte) 'x'))),
        read(
            "MadeYouReset, window overflow",
            "provoked_reset",
            onEach(
                20_000, true, (c, id) -> c.frame(WINDOW_UPDATE, 0, id, number(Integer.MAX_VALUE)))),
        read(
            "MadeYouReset, short PRIORITY",
            "provoked_reset",
            onEach(20_000, true, (c, id) -> c.frame(PRIORITY, 0, id, number(0)))),
        read(
            "MadeYouReset, HEADERS after the end",
            "provoked_reset",
            onEach(20_000, true, (c, id) -> c.frame(HEADERS, BOTH, id, request("GET", "/again")))),
        read("bad headers (CVE-2019-9514)", "bad_headers", heads(20_000, field("Upper", "case"))),
        read("headers without a name", "bad_headers", heads(20_000, field("", ""))),
        read("CONTINUATION, full (CVE-2024-27919)", "continuation", continuations(10_000, 16_000)),
        read("CONTINUATION, small", "continuation", continuations(MANY, 53)),
        read("CONTINUATION, empty (CVE-2026-33871)", "continuation", continuations(MANY, 0)),
        read("SETTINGS (CVE-2019-9515)", "settings", frames(MANY, SETTINGS, 0, 0)),
        new Flood("SETTINGS, unread", "settings", -1, false, frames(MANY, SETTINGS, 0, 0)),
        read(
            "SETTINGS, toggling the table",
            "settings",
            connection -> {
              for (int i = 0; i < MANY; i++) {
                connection.settings(1, i % 2 * 4096);
              }
              connection.flush();
            }),
        read("SETTINGS acknowledged", "settings", frames(MANY, SETTINGS, 1, 0)),
        read("PING (CVE-2019-9512)", "ping", frames(MANY, PING, 0, 0, new byte[8])),
        new Flood("PING, unread", "ping", -1, false, frames(MANY, PING, 0, 0, new byte[8])),
        read("PING acknowledged", "ping", frames(MANY, PING, 1, 0, new byte[8])),
        read("empty DATA (CVE-2019-9518)", "empty_data", frames(MANY, DATA)),
        read("PRIORITY (CVE-2019-9513)", "priority", frames(MANY, PRIORITY, 0, 3, new byte[5])),
        read(
            "WINDOW_UPDATE of the connection",
            "window_update",
            frames(MANY, WINDOW_UPDATE, 0, 0, number(1))),
        read("WINDOW_UPDATE of a stream", "window_update", frames(MANY, WINDOW_UPDATE, number(1))),
        read("windows of one byte (CVE-2019-9511)", "tiny_windows", Http2Floods::dribble),
        read("unknown frames", "unknown_frames", frames(MANY, 0xbe, 0, 0, new byte[100])),
        read(
            "resets of what is closed",
            "rapid_reset",
            connection -> {
              connection.settings();
              connection.frame(HEADERS, BOTH, 1, request("GET", "/once"));
              for (int i = 0; i < MANY; i++) {
                connection.frame(RST_STREAM, 0, 1, number(8));
              }
              connection.flush();
            }),
        read("HPACK bomb", "large_headers", Http2Floods::hpackBomb),
        read("1,500 headers", "large_headers", heads(2000, times(1500, field("a", "b")))),
        read(
            "1,500 cookie crumbs", "large_headers", heads(2000, times(1500, field("cookie", "b")))),
        read(
            "1,500 headers without a value",
            "large_headers",
            heads(2000, times(1500, field("a", "")))),
        read("table sizes in a block", "table_size", Http2Floods::tableSizes),
        read("more streams than allowed", "refused_streams", onEach(20_000, true, (c, id) -> {})));
  }
}
