package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

@SuppressWarnings({"JdkObsolete", "StringConcatToTextBlock"}) // lines end in CR LF here
class EndToEndTest {
  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(10_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  private static Origin keepAlive(String answer) throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send(answer);
          }
        });
  }

  @Test
  void requestsOfOneConnectionShareOneUpstreamConnection() throws Exception {
    try (Origin origin = keepAlive(OK);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 5; i++) {
        client.send("GET /a?x=" + i + " HTTP/1.1\r\nHost: shop\r\nAccept: */*\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n");
        assertThat(client.bytes(2)).isEqualTo("ok");
      }
      assertThat(origin.connections).hasValue(1);
      assertThat(origin.seen.get(0).toString())
          .startsWith("GET /a?x=0 HTTP/1.1\r\nHost: shop\r\nAccept: */*\r\n");
      assertThat(bed.telemetry.records)
          .hasSize(5)
          .allSatisfy(one -> assertThat(one.outcomes).containsExactly(new Outcome.Answered(200)));
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          for (String head = peer.head(); !head.isEmpty(); head = peer.head()) {
            String path = head.split(" ", -1)[1];
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + path.length() + "\r\n\r\n" + path);
          }
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      StringBuilder requests = new StringBuilder();
      for (int i = 100; i < 300; i++) {
        requests.append("GET /").append(i).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
      }
      client.send(requests.toString());
      for (int i = 100; i < 300; i++) {
        assertThat(client.head()).startsWith("HTTP/1.1 200");
        assertThat(client.bytes(4)).isEqualTo("/" + i);
      }
    }
  }

  @Test
  void chunkedBodiesAndTrailersPassBothWays() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          String body = "";
          while (!body.endsWith("x-sum: 1\r\n\r\n")) {
            body += peer.bytes(1);
          }
          peer.send(
              "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                  + "3\r\nabc\r\n0\r\nx-done: yes\r\n\r\n");
          peer.head();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "5;ext=1\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n");
      assertThat(client.head()).contains("transfer-encoding: chunked\r\n");
      assertThat(client.bytes(26)).isEqualTo("3\r\nabc\r\n0\r\nx-done: yes\r\n\r\n");
      assertThat(origin.seen.get(0).toString())
          .contains("transfer-encoding: chunked\r\n")
          .endsWith("5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n");
    }
  }

  @Test
  void refusedConnectionIsA503WithACode() throws Exception {
    // Bound and never listening: a port that was let go could be the next one that somebody gets.
    try (Socket deaf = new Socket()) {
      deaf.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(deaf.getLocalPort()));
      try (bed) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head())
            .startsWith("HTTP/1.1 503 ")
            .contains("x-outrigger-error: connect_refused\r\n");
      }
    }
  }

  @Test
  void idleConnectionClosedByTheUpstreamIsNotSeenByTheClient() throws Exception {
    // Answers once, then closes when the second request arrives: the reuse race.
    Origin.Script script =
        (peer, number) -> {
          peer.head();
          peer.send(OK);
          if (number == 1) {
            peer.head();
            peer.socket.close();
          } else {
            while (!peer.head().isEmpty()) {
              peer.send(OK);
            }
          }
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 3; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200");
        client.bytes(2);
      }
      assertThat(origin.connections).hasValue(2);
      assertThat(bed.telemetry.records.get(1).attempts).isEqualTo(2);
      assertThat(bed.telemetry.records.get(1).failures)
          .singleElement()
          .isInstanceOf(ProxyError.UpstreamReset.class);
    }
  }

  @Test
  void aPostThatMayHaveArrivedIsNotSentTwice() throws Exception {
    Origin.Script script =
        (peer, number) -> {
          peer.head();
          peer.bytes(2);
          peer.send(OK);
          peer.head();
          peer.socket.close();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
      assertThat(client.head()).startsWith("HTTP/1.1 200");
      client.bytes(2);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
      assertThat(client.head()).startsWith("HTTP/1.1 503").contains("upstream_closed");
      assertThat(origin.connections).hasValue(1);
    }
  }

  @Test
  void anAnswerWorthItIsTriedElsewhereWithTheSameBody() throws Exception {
    Origin.Script bad =
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.bytes(5);
            peer.send("HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\noops");
          }
        };
    Origin.Script good =
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + peer.bytes(5));
          }
        };
    try (Origin first = new Origin(bad);
        Origin second = new Origin(good)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(first.port()).to(second.port());
      setup.retry =
          new RetryPolicy(
              Set.of(RetryPolicy.Condition.GATEWAY_ERROR),
              Set.of(),
              2,
              Duration.ZERO,
              Duration.ofMillis(1),
              Duration.ofMillis(5),
              true);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        for (int i = 0; i < 6; i++) {
          client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbody" + i);
          assertThat(client.head()).startsWith("HTTP/1.1 200");
          assertThat(client.bytes(5)).isEqualTo("body" + i);
        }
        assertThat(bed.telemetry.records).anyMatch(one -> one.attempts == 2);
        assertThat(bed.telemetry.records).allMatch(one -> one.outcomes.size() == 1);
      }
    }
  }

  @Test
  void anUpgradeToAnythingButWebSocketIsNotPassedOn() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          String head = peer.head();
          assertThat(head).doesNotContain("upgrade").doesNotContain("h2c");
          peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
              + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200");
      assertThat(client.bytes(2)).isEqualTo("ok");
    }
  }

  @Test
  void anUpgradeBecomesATunnel() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          String head = peer.head();
          assertThat(head).contains("connection: upgrade\r\n").contains("upgrade: websocket\r\n");
          peer.send(
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
          while (true) {
            String bytes = peer.bytes(3);
            if (bytes.isEmpty()) {
              return;
            }
            peer.send("<" + bytes + ">");
          }
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc");
      assertThat(client.head()).startsWith("HTTP/1.1 101").contains("upgrade: websocket");
      assertThat(client.bytes(5)).isEqualTo("<abc>");
      client.send("def");
      assertThat(client.bytes(5)).isEqualTo("<def>");
      client.socket.close();
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> bed.telemetry.records.get(0).outcomes.size() == 1);
    }
  }

  @Test
  void largeBodiesPassWithBoundedMemoryBothWays() throws Exception {
    int size = 32 * 1024 * 1024;
    AtomicLong received = new AtomicLong();
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          byte[] buffer = new byte[8192];
          long left = size;
          while (left > 0) {
            int read = peer.read(buffer);
            left -= read;
            received.addAndGet(read);
          }
          peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + size + "\r\n\r\n");
          byte[] block = new byte[65536];
          for (int i = 0; i < size / block.length; i++) {
            peer.send(block);
          }
          peer.head();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + size + "\r\n\r\n");
      byte[] block = new byte[65536];
      new Random(7).nextBytes(block);
      for (int i = 0; i < size / block.length; i++) {
        client.send(block);
      }
      assertThat(client.head()).startsWith("HTTP/1.1 200");
      long left = size;
      byte[] buffer = new byte[65536];
      while (left > 0) {
        left -= client.read(buffer);
      }
      assertThat(received).hasValue(size);
    }
  }

  @Test
  void routeTimeoutEndsTheExchangeWith504() throws Exception {
    try (Origin origin = new Origin((peer, _) -> peer.all())) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.timeout = Duration.ofMillis(100);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 504").contains("upstream_timeout");
      }
    }
  }

  @Test
  void continueIsPassedOn() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          assertThat(peer.head()).contains("Expect: 100-continue");
          peer.send("HTTP/1.1 100 Continue\r\n\r\n");
          peer.bytes(2);
          peer.send(OK);
          peer.head();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 100 ");
      client.send("hi");
      assertThat(client.head()).startsWith("HTTP/1.1 200");
      assertThat(client.bytes(2)).isEqualTo("ok");
    }
  }

  @Test
  void drainingSaysCloseAndThenCloses() throws Exception {
    try (Origin origin = keepAlive(OK);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).doesNotContain("connection: close");
      client.bytes(2);
      bed.inLoop(
          () -> {
            bed.service().drain(false);
            return null;
          });
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).contains("connection: close\r\n");
      assertThat(client.all()).isEqualTo("ok");
      client.socket.close();
    }
  }

  @Test
  void malformedRequestsAreAnsweredAndNeverForwarded() throws Exception {
    try (Origin origin = keepAlive(OK);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\nHost: a\r\n\r\n");
      assertThat(client.all())
          .startsWith("HTTP/1.1 400 ")
          .contains("x-outrigger-error: bad_request")
          .contains("connection: close");
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void aBrokenUpstreamAnswerIsA502() throws Exception {
    try (Origin origin = keepAlive("HTTP/1.1 200 OK\r\nbad header\r\n\r\n");
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 502").contains("upstream_protocol_error");
    }
  }

  @Test
  void anAnswerUntilCloseBecomesChunked() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 200 OK\r\n\r\nhello");
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).contains("transfer-encoding: chunked");
      assertThat(client.bytes(15)).isEqualTo("5\r\nhello\r\n0\r\n\r\n");
      Origin.Peer old = client(bed);
      old.send("GET / HTTP/1.0\r\n\r\n");
      assertThat(old.head()).doesNotContain("transfer-encoding").contains("connection: close");
      assertThat(old.all()).isEqualTo("hello");
    }
  }

  private static RetryPolicy retry(int times, Duration perTry, RetryPolicy.Condition... on) {
    return new RetryPolicy(
        Set.of(on), Set.of(), times, perTry, Duration.ofMillis(1), Duration.ofMillis(5), true);
  }

  @Test
  void aFaultAtAttemptIsRetriedAndHidden() throws Exception {
    try (Origin origin = keepAlive(OK)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.retry = retry(2, Duration.ZERO, RetryPolicy.Condition.GATEWAY_ERROR);
      setup.attemptFilters.add(
          (_, _, _, _, attempt) ->
              attempt == 1
                  ? Verdict.refuse(new ProxyError.FaultInjected("exp", 503, null))
                  : Verdict.PROCEED);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200");
        assertThat(bed.telemetry.records.get(0).attempts).isEqualTo(2);
        assertThat(bed.telemetry.records.get(0).retriesUsedUp).isFalse();
      }
    }
  }

  @Test
  void whoAsksForItIsToldHowManyAttemptsThereWere() throws Exception {
    try (Origin origin = keepAlive(OK)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.countsAttempts = true;
      setup.retry = retry(2, Duration.ZERO, RetryPolicy.Condition.GATEWAY_ERROR);
      setup.attemptFilters.add(
          (_, _, _, _, attempt) ->
              attempt == 1
                  ? Verdict.refuse(new ProxyError.FaultInjected("exp", 503, null))
                  : Verdict.PROCEED);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\nx-envoy-attempt-count: 9\r\n\r\n");
        assertThat(client.head()).contains("\r\nx-envoy-attempt-count: 2\r\n");
        assertThat(origin.seen.getFirst().toString())
            .contains("x-envoy-attempt-count: 2\r\n")
            .doesNotContain("x-envoy-attempt-count: 9");
      }
    }
  }

  @Test
  void aFaultAtAttemptIsSeenWhenRetriesAreUsedUp() throws Exception {
    try (Origin origin = keepAlive(OK)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.retry = retry(2, Duration.ZERO, RetryPolicy.Condition.GATEWAY_ERROR);
      setup.attemptFilters.add(
          (_, _, _, _, _) -> Verdict.refuse(new ProxyError.FaultInjected("exp", 503, null)));
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 503").contains("x-outrigger-fault: exp");
        assertThat(bed.telemetry.records.get(0).attempts).isEqualTo(3);
        assertThat(bed.telemetry.records.get(0).retriesUsedUp).isTrue();
        assertThat(origin.connections).hasValue(0);
      }
    }
  }

  @Test
  void aSlowTryIsGivenUpForAnother() throws Exception {
    Origin.Script script =
        (peer, number) -> {
          peer.head();
          if (number == 1) {
            peer.all();
          } else {
            peer.send(OK);
          }
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.retry = retry(1, Duration.ofMillis(100), RetryPolicy.Condition.RESET);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200");
        assertThat(bed.telemetry.records.get(0).failures)
            .singleElement()
            .isInstanceOf(ProxyError.DeadlinePassed.class);
      }
    }
  }

  @Test
  void aBodyBeyondTheBoundIsNeitherRefusedNorSentTwice() throws Exception {
    int size = 1024 * 1024;
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.bytes(size);
          peer.send("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
          peer.head();
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.retry = retry(3, Duration.ZERO, RetryPolicy.Condition.GATEWAY_ERROR);
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + size + "\r\n\r\n");
        client.send(new byte[size]);
        assertThat(client.head()).startsWith("HTTP/1.1 503");
        assertThat(bed.telemetry.records.get(0).attempts).isEqualTo(1);
        assertThat(bed.telemetry.records.get(0).requestBytes).isEqualTo(size);
      }
    }
  }

  @Test
  void requestsBeyondTheConnectionLimitWaitTheirTurn() throws Exception {
    try (Origin origin = keepAlive(OK)) {
      ProxyBed.Setup setup = new ProxyBed.Setup().to(origin.port());
      setup.pool = new PoolConfig(0, 1, Duration.ofSeconds(30), Duration.ZERO, 0);
      try (ProxyBed bed = new ProxyBed(setup)) {
        List<Origin.Peer> clients = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
          Origin.Peer client = client(bed);
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          clients.add(client);
        }
        for (Origin.Peer client : clients) {
          assertThat(client.head()).startsWith("HTTP/1.1 200");
        }
        assertThat(origin.connections).hasValue(1);
      }
    }
  }

  @Test
  void aClientThatLeavesTakesItsUpstreamConnectionAlong() throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.all();
          ended.countDown();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await().atMost(Duration.ofSeconds(5)).until(() -> origin.connections.get() == 1);
      client.socket.close();
      assertThat(ended.await(5, TimeUnit.SECONDS)).isTrue();
      // The origin may hear of it before the proxy's loop has done all that follows.
      await()
          .atMost(Duration.ofSeconds(5))
          .untilAsserted(
              () ->
                  assertThat(bed.inLoop(() -> List.copyOf(bed.telemetry.records.get(0).outcomes)))
                      .singleElement()
                      .isInstanceOf(Outcome.Failed.class));
      assertThat(bed.inLoop(() -> bed.service().activeExchanges())).isZero();
    }
  }

  @Test
  void halfAnAnswerIsBrokenOffNotEnded() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(new ProxyBed.Setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200");
      assertThat(client.all()).doesNotContain("0\r\n\r\n");
    }
  }
}
