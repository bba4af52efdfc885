package dev.outrigger.e2e;

import static dev.outrigger.e2e.harness.RawHttp2.DATA;
import static dev.outrigger.e2e.harness.RawHttp2.END_HEADERS;
import static dev.outrigger.e2e.harness.RawHttp2.END_STREAM;
import static dev.outrigger.e2e.harness.RawHttp2.HEADERS;
import static dev.outrigger.e2e.harness.RawHttp2.WINDOW_UPDATE;
import static dev.outrigger.e2e.harness.RawHttp2.number;
import static dev.outrigger.e2e.harness.RawHttp2.request;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Canary;
import dev.outrigger.e2e.harness.RawHttp2;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attacks by doing next to nothing: what was begun is not ended, what was asked for is not taken.
 * All at once, with an innocent client beside them.
 */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class SlowFloodsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int CALM = 11;
  private static final int STREAMS = 100;
  private static final int SLOW_STREAMS = 21; // after which a connection is closed
  private static final int SOCKETS = 20;
  private static final String CHUNKED =
      "POST /slow HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

  @TempDir private Path folder;

  private static RawHttp2 requestsThatNeverEnd(int port) throws IOException {
    RawHttp2 client = RawHttp2.reading(port).settings();
    for (int i = 0; i < STREAMS; i++) {
      client.frame(HEADERS, END_HEADERS, 2 * i + 1, request("POST", "/slow"));
    }
    client.flush();
    return client;
  }

  private static void trickle(RawHttp2 client) throws IOException {
    for (int i = 0; i < STREAMS; i++) {
      client.frame(DATA, 0, 2 * i + 1, (byte) 'x');
    }
    client.flush();
  }

  private static RawHttp2 halfAHead(int port) throws IOException {
    RawHttp2 client = RawHttp2.reading(port).settings();
    byte[] head = request("GET", "/half");
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, head.length + 10, head).flush();
    return client;
  }

  private static RawHttp2 halfOfSomeData(int port) throws IOException {
    RawHttp2 client = RawHttp2.reading(port).settings();
    client.frame(HEADERS, END_HEADERS, 1, request("POST", "/half"));
    client.frame(DATA, END_STREAM, 1, 1000, new byte[10]).flush();
    return client;
  }

  private static RawHttp2 stalledWindows(int port) throws IOException {
    RawHttp2 client = RawHttp2.reading(port).settings(4, 0);
    for (int i = 0; i < STREAMS; i++) {
      client.frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, request("GET", "/stalled"));
    }
    client.flush();
    return client;
  }

  private static RawHttp2 smallAnswersUnread(int port) throws IOException {
    RawHttp2 client = RawHttp2.unread(port).settings(4, Integer.MAX_VALUE);
    client.frame(WINDOW_UPDATE, 0, 0, number(Integer.MAX_VALUE - 65_535)).flush();
    return client;
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4096);
    socket.connect(new InetSocketAddress("127.0.0.1", port));
    socket.setSoTimeout((int) PATIENCE.toMillis());
    return socket;
  }

  private static void send(Socket to, String text) throws IOException {
    to.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static List<Socket> chunked(int port) throws IOException {
    List<Socket> all = new ArrayList<>();
    for (int i = 0; i < SOCKETS; i++) {
      Socket socket = connect(port);
      send(socket, CHUNKED);
      all.add(socket);
    }
    return all;
  }

  /** Sends without end and reads nothing; ends when it is sent away. */
  private static boolean sendsUntilSentAway(Sending sending) {
    try {
      while (true) {
        sending.some();
      }
    } catch (IOException e) {
      return true;
    }
  }

  private interface Sending {
    void some() throws IOException;
  }

  /** All that a server says until it closes. */
  private static String heard(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  /** Begins the floods that are many at once, and lets go of them. */
  private static void warm(AttackedProxy proxy) throws IOException {
    Canary canary = new Canary(proxy.port());
    try (canary;
        RawHttp2 _ = requestsThatNeverEnd(proxy.port());
        RawHttp2 _ = requestsThatNeverEnd(proxy.port());
        RawHttp2 _ = stalledWindows(proxy.impatientPort())) {
      List<Socket> sockets = chunked(proxy.port());
      Awaitility.await().atMost(PATIENCE).until(() -> canary.answered() > 20);
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }

  @Test
  void whoDoesNextToNothingIsSentAwayAndHarmsNobody() throws Exception {
    try (AttackedProxy proxy = AttackedProxy.start(folder);
        ScheduledExecutorService drip = Executors.newSingleThreadScheduledExecutor();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 4; i++) {
        warm(proxy);
      }
      long allowed = proxy.allowedMillis();
      long memory = proxy.memoryKib();
      double cpu = proxy.cpuSeconds();
      Canary canary = new Canary(proxy.port());
      long growth;
      try (canary;
          RawHttp2 endless = requestsThatNeverEnd(proxy.port());
          RawHttp2 trickling = requestsThatNeverEnd(proxy.port());
          RawHttp2 head = halfAHead(proxy.port());
          RawHttp2 data = halfOfSomeData(proxy.port());
          RawHttp2 stalled = stalledWindows(proxy.impatientPort());
          RawHttp2 unread = smallAnswersUnread(proxy.impatientPort());
          Socket pipelined = connect(proxy.impatientPort())) {
        List<Socket> silent = chunked(proxy.port());
        List<Socket> chunks = chunked(proxy.port());
        var _ =
            drip.scheduleAtFixedRate(
                () -> {
                  sendsQuietly(() -> trickle(trickling));
                  chunks.forEach(socket -> sendsQuietly(() -> send(socket, "1\r\nx\r\n")));
                },
                1,
                1,
                TimeUnit.SECONDS);
        String many = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1000);
        Future<Boolean> pipelining =
            threads.submit(() -> sendsUntilSentAway(() -> send(pipelined, many)));
        int[] stream = {-1};
        Future<Boolean> asking =
            threads.submit(
                () ->
                    sendsUntilSentAway(
                        () -> {
                          stream[0] += 2;
                          unread.frame(
                              HEADERS, END_HEADERS | END_STREAM, stream[0], request("GET", "/a"));
                          unread.flush();
                        }));
        for (RawHttp2 each : List.of(endless, trickling, head, data, stalled)) {
          Awaitility.await().atMost(PATIENCE).until(each::closed);
          assertThat(each.goAway()).isEqualTo(CALM);
        }
        assertThat(pipelining.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(asking.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        for (List<Socket> sockets : List.of(silent, chunks)) {
          for (Socket socket : sockets) {
            assertThat(heard(socket)).startsWith("HTTP/1.1 408 ").contains("request_body_timeout");
            socket.close();
          }
        }
        growth = proxy.memoryKib() - memory;
      }
      double used = proxy.cpuSecondsSince(cpu, canary);
      AttackedProxy.print("nine slow floods at once", used, canary, growth);
      assertThat(proxy.counted("slow_body")).isEqualTo(2 * SLOW_STREAMS + 2 * SOCKETS);
      assertThat(proxy.counted("slow_headers")).isEqualTo(2);
      // Whose small answers pile up may run out of streams first.
      assertThat(proxy.counted("unread_answers") + proxy.counted("refused_streams"))
          .isBetween(SLOW_STREAMS + 2L, 2 * SLOW_STREAMS + 1L);
      assertThat(used).isLessThan(9 * 0.5);
      assertThat(growth).isLessThan(32 * 1024);
      assertThat(canary.failures()).isEmpty();
      assertThat(canary.worstMillis()).isLessThanOrEqualTo(allowed);
      assertThat(proxy.said()).doesNotContain("\tat ", "LEAK", "Exception");
    }
  }

  private static void sendsQuietly(Sending sending) {
    try {
      sending.some();
    } catch (IOException e) {
      // Sent away, which is what the test waits for.
    }
  }
}
