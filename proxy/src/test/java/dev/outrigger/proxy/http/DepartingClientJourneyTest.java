package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What becomes of the work at the upstream when a client of HTTP/1.1 leaves, over real sockets. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class DepartingClientJourneyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch cancelled = new CountDownLatch(1);

  /** What a client does once its request is at the upstream. */
  private interface Departure {
    void leave(Socket client) throws IOException;
  }

  private void assertCancels(Departure departure) throws Exception {
    Origin.Script never =
        (peer, _) -> {
          peer.head();
          asked.countDown();
          try {
            peer.all(); // until the proxy closes its connection, in whichever way
          } finally {
            cancelled.countDown();
          }
        };
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.halfClosure = true;
    setup.timeout = Duration.ZERO;
    try (Origin origin = new Origin(never);
        ProxyBed bed = new ProxyBed(setup.to(origin.port()));
        Socket client = new Socket(InetAddress.getLoopbackAddress(), bed.port())) {
      client.getOutputStream().write(GET.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      asked.await();
      departure.leave(client);
      await().atMost(PATIENCE).until(() -> cancelled.getCount() == 0);
      await().atMost(PATIENCE).until(() -> bed.inLoop(bed.service()::activeExchanges) == 0);
      assertThat(bed.telemetry.records.getFirst().outcomes)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Failed.class,
              failed -> assertThat(failed.error()).isInstanceOf(ProxyError.DownstreamGone.class));
    }
  }

  @Test
  void whoClosesTheConnectionHasItsWorkCancelled() throws Exception {
    assertCancels(Socket::close);
  }

  @Test
  void whoSaysNoMoreHasItsWorkCancelled() throws Exception {
    assertCancels(Socket::shutdownOutput);
  }

  @Test
  void whoResetsTheConnectionHasItsWorkCancelled() throws Exception {
    assertCancels(
        client -> {
          client.setSoLinger(true, 0);
          client.close();
        });
  }

  @Test
  void whoAsksAndSaysNoMoreIsAnswered() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.halfClosure = true;
    String body = "x".repeat(3_000_000);
    Origin.Script answers =
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + body.length() + "\r\n\r\n" + body);
          }
        };
    try (Origin origin = new Origin(answers);
        ProxyBed bed = new ProxyBed(setup.to(origin.port()));
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port())) {
      socket.setSoTimeout(20_000);
      Origin.Peer client = new Origin.Peer(socket, new StringBuffer());
      client.send(GET + GET);
      socket.shutdownOutput();
      for (int i = 0; i < 2; i++) {
        assertThat(client.head()).startsWith("HTTP/1.1 200");
        assertThat(client.bytes(body.length())).isEqualTo(body);
      }
      assertThat(client.all()).isEmpty();
    }
  }
}
