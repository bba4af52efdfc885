package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.config.ForwardedPolicy.Sent;
import dev.outrigger.proxy.config.HeaderTemplate;
import dev.outrigger.proxy.config.HttpProxyConfig.ClientCert;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.config.HttpProxyConfig.RequestIds;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.Rewrite;
import dev.outrigger.proxy.outcome.Outcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Header changes, rewrites and copies, from a client's socket to the origin's. */
@SuppressWarnings({"JdkObsolete", "StringConcatToTextBlock"}) // lines end in CR LF here
class TrafficPolicyTest {
  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-up: 1\r\n\r\nok";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(20_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  private static Origin keepAlive() throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send(OK);
          }
        });
  }

  private static HeaderValue value(String name, String template, Append append) {
    return new HeaderValue(name, HeaderTemplate.parse(template), append, false);
  }

  @Test
  void valuesSeeTheRequestAsItCameAndOverwritingComesBeforeAdding() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.rewrite =
        new Rewrite(
            new PathRewrite.Regex(new RegexPattern("^/a/(.*)$"), "/\\1"),
            new HostRewrite.Literal("inside.test"),
            true);
    setup.headers =
        new HeaderChanges(
            List.of(
                value("x-both", "added", Append.APPEND_IF_EXISTS_OR_ADD),
                value("x-both", "%REQ(x-both)%-set", Append.OVERWRITE_IF_EXISTS_OR_ADD),
                value("x-path", "%REQ(:path)%", Append.ADD_IF_ABSENT),
                value("x-host", "%REQ(:authority):4%", Append.ADD_IF_ABSENT),
                value("x-old", "new", Append.ADD_IF_ABSENT),
                value("x-none", "%REQ(x-nobody)%", Append.OVERWRITE_IF_EXISTS_OR_ADD),
                value("x-if", "never", Append.OVERWRITE_IF_EXISTS),
                value("x-peer", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", Append.ADD_IF_ABSENT)),
            List.of("x-gone"),
            List.of(
                value("x-code", "%RESPONSE_CODE% %RESP(x-up)%", Append.ADD_IF_ABSENT),
                value("x-from", "%UPSTREAM_HOST%", Append.ADD_IF_ABSENT)),
            List.of("x-up"));
    try (Origin origin = keepAlive();
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "GET /a/b?c HTTP/1.1\r\nHost: shop.test\r\nX-Both: one\r\nx-old: 1\r\nx-gone: 2\r\n"
              + "cookie: a=\"b; c\"; d\r\nx-forwarded-host: first\r\n\r\n");
      String answer = client.head();
      // Removed before values are made of what is there.
      assertThat(answer)
          .contains("x-code: 200 \r\n", "x-from: 127.0.0.1:" + origin.port() + "\r\n")
          .doesNotContain("x-up");
      String seen = origin.seen.getFirst().toString();
      assertThat(seen)
          .startsWith("GET /b?c HTTP/1.1\r\n")
          .contains(
              "Host: inside.test\r\n",
              "X-Both: one-set\r\n",
              "x-both: added\r\n",
              "x-path: /a/b?c\r\n",
              "x-host: shop\r\n",
              "x-old: 1\r\n",
              "x-peer: 127.0.0.1\r\n",
              "cookie: a=\"b; c\"; d\r\n",
              "x-forwarded-host: first,shop.test\r\n")
          .doesNotContain("x-gone", "x-none", "x-if");
      assertThat(seen.indexOf("X-Both: one-set")).isLessThan(seen.indexOf("x-both: added"));
    }
  }

  @Test
  void theTimeTheQueryAndTheConnectionCanBeTold() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.headers =
        new HeaderChanges(
            List.of(
                value("x-at", "%START_TIME%", Append.ADD_IF_ABSENT),
                value("x-day", "%START_TIME(%Y/%m/%d %%)%!", Append.ADD_IF_ABSENT),
                value("x-q", "%QUERY_PARAM(q):3%.%QUERY_PARAM(p)%", Append.ADD_IF_ABSENT),
                value("x-local", "%DOWNSTREAM_DIRECT_LOCAL_PORT%", Append.ADD_IF_ABSENT)),
            List.of(),
            List.of(value("x-port", "%UPSTREAM_REMOTE_PORT%", Append.ADD_IF_ABSENT)),
            List.of());
    try (Origin origin = keepAlive();
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET /a?qq=0&q=abcd&q=2&p HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).contains("x-port: " + origin.port() + "\r\n");
      assertThat(origin.seen.getFirst().toString())
          .contains(
              "x-at: 2001-09-09T01:46:40.123Z\r\n",
              "x-day: 2001/09/09 %!\r\n",
              "x-q: abc.\r\n",
              "x-local: " + bed.port() + "\r\n");
    }
  }

  @Test
  void trustedHopsSayWhoTheClientIsAndWhichSchemeItUsed() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.forwarding =
        new Forwarding(true, ClientCert.SANITIZE, Set.of(), 1, false, true, "1.1 edge");
    setup.requestIds = new RequestIds(true, false, true);
    setup.headers =
        new HeaderChanges(
            List.of(
                value("x-client", "%DOWNSTREAM_REMOTE_ADDRESS%", Append.ADD_IF_ABSENT),
                value("x-scheme", "%REQ(:scheme)%", Append.ADD_IF_ABSENT)),
            List.of(),
            List.of(),
            List.of());
    try (Origin origin = keepAlive();
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "GET / HTTP/1.1\r\nHost: a\r\nx-forwarded-for: 1.1.1.1, 2.2.2.2\r\n"
              + "x-forwarded-proto: https\r\nvia: 1.0 fred\r\nx-request-id: theirs\r\n\r\n");
      assertThat(client.head()).contains("via: 1.1 edge\r\n", "x-request-id: theirs\r\n");
      assertThat(origin.seen.getFirst().toString())
          .contains(
              "x-forwarded-for: 1.1.1.1, 2.2.2.2,127.0.0.1\r\n",
              "x-forwarded-proto: https\r\n",
              "x-forwarded-port: " + bed.port() + "\r\n",
              "x-client: 2.2.2.2:0\r\n",
              "x-scheme: https\r\n",
              "via: 1.0 fred, 1.1 edge\r\n");
    }
  }

  @Test
  void forwardedIsReadAndWrittenAsItsPolicySays() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    ForwardedPolicy policy = new ForwardedPolicy(Sent.APPENDED, true, "_edge", true);
    setup.forwarding =
        new Forwarding(true, ClientCert.SANITIZE, Set.of(), 1, false, false, "", policy);
    setup.headers =
        new HeaderChanges(
            List.of(value("x-client", "%DOWNSTREAM_REMOTE_ADDRESS%", Append.ADD_IF_ABSENT)),
            List.of(),
            List.of(),
            List.of());
    String ours = "for=127.0.0.1;host=\"a:1\";proto=http;by=_edge\r\n";
    try (Origin origin = keepAlive();
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a:1\r\nForwarded: for=\"[2001:db8::1]:4711\"\r\n\r\n");
      client.head();
      client.send("GET / HTTP/1.1\r\nHost: a:1\r\nForwarded: for=[::1]\r\n\r\n");
      client.head();
      assertThat(origin.seen.getFirst().toString())
          .contains("orwarded: for=\"[2001:db8::1]:4711\", " + ours)
          .contains("x-client: [2001:db8::1]:0\r\n")
          .contains("orwarded: " + ours)
          .contains("x-client: 127.0.0.1:");
    }
  }

  @Test
  void whatAStrangerSaysOfItsSchemeIsOverwritten() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.forwarding = new Forwarding(true, ClientCert.SANITIZE, Set.of(), 0, true, true, "");
    try (Origin origin = keepAlive();
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "GET / HTTP/1.1\r\nHost: a\r\nx-forwarded-for: 6.6.6.6\r\nx-forwarded-port: 1\r\n"
              + "x-forwarded-proto: https\r\n\r\n");
      client.head();
      assertThat(origin.seen.getFirst().toString())
          .contains(
              "x-forwarded-for: 6.6.6.6\r\n",
              "x-forwarded-proto: http\r\n",
              "x-forwarded-port: " + bed.port() + "\r\n");
    }
  }

  @Test
  void aCopyGoesToTheMirrorAndItsAnswerToNobody() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    Origin.Script silent =
        (peer, _) -> {
          peer.head();
          peer.bytes(5);
          try {
            release.await(20, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          peer.send("HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\nbad");
          peer.head();
        };
    ProxyBed.Setup setup = new ProxyBed.Setup();
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  while (!peer.head().isEmpty()) {
                    peer.bytes(5);
                    peer.send(OK);
                  }
                });
        Origin shadow = new Origin(silent)) {
      setup.clusters.put("shadow", shadow.port());
      setup.mirrors.add(new Mirror("shadow", 1, true));
      setup.mirrors.add(new Mirror("nobody", 1, true));
      try (ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
        Origin.Peer client = client(bed);
        client.send("POST /p HTTP/1.1\r\nHost: shop:80\r\nContent-Length: 5\r\n\r\nhello");
        assertThat(client.head()).startsWith("HTTP/1.1 200 OK\r\n");
        assertThat(client.bytes(2)).isEqualTo("ok");
        Awaitility.await()
            .atMost(PATIENCE)
            .until(
                () ->
                    !shadow.seen.isEmpty() && shadow.seen.getFirst().toString().endsWith("hello"));
        assertThat(shadow.seen.getFirst().toString())
            .startsWith("POST /p HTTP/1.1\r\n")
            .contains("Host: shop-shadow:80\r\n", "Content-Length: 5\r\n");
        assertThat(origin.seen.getFirst().toString()).contains("Host: shop:80\r\n");
        assertThat(active(bed)).isEqualTo(1);
        release.countDown();
        Awaitility.await().atMost(PATIENCE).until(() -> active(bed) == 0);
        // One exchange, one attempt, one outcome: the copy counts nowhere.
        assertThat(bed.telemetry.records).hasSize(1);
        assertThat(bed.telemetry.records.getFirst().attempts).isEqualTo(1);
        assertThat(bed.telemetry.records.getFirst().outcomes)
            .containsExactly(new Outcome.Answered(200));
      }
    }
  }

  private static int active(ProxyBed bed) throws Exception {
    return bed.inLoop(
        () -> {
          var shadow = bed.upstreams().find("shadow");
          return shadow == null ? -1 : shadow.activeExchanges();
        });
  }

  @Test
  void aMirrorThatDoesNotReadIsGivenUpAndSlowsNothing() throws Exception {
    int size = 16 * 1024 * 1024;
    CountDownLatch release = new CountDownLatch(1);
    Origin.Script stuck =
        (peer, _) -> {
          peer.head();
          try {
            release.await(20, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    ProxyBed.Setup setup = new ProxyBed.Setup();
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  peer.head();
                  byte[] block = new byte[64 * 1024];
                  for (long read = 0; read < size; ) {
                    read += peer.read(block);
                  }
                  peer.send(OK);
                  peer.head();
                });
        Origin shadow = new Origin(stuck)) {
      setup.clusters.put("shadow", shadow.port());
      setup.mirrors.add(new Mirror("shadow", 1, false));
      try (ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
        Origin.Peer client = client(bed);
        client.send("POST /p HTTP/1.1\r\nHost: shop\r\nContent-Length: " + size + "\r\n\r\n");
        byte[] block = new byte[64 * 1024];
        for (int sent = 0; sent < size; sent += block.length) {
          client.send(block);
        }
        assertThat(client.head()).startsWith("HTTP/1.1 200 OK\r\n");
        Awaitility.await().atMost(PATIENCE).until(() -> active(bed) == 0);
      } finally {
        release.countDown();
      }
    }
  }

  @Test
  void aClientThatGoesAwayTakesItsCopyWithIt() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    try (Origin origin = new Origin((peer, _) -> peer.all());
        Origin shadow = new Origin((peer, _) -> peer.all())) {
      setup.clusters.put("shadow", shadow.port());
      setup.mirrors.add(new Mirror("shadow", 1, false));
      try (ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
        Origin.Peer client = client(bed);
        client.send("POST /p HTTP/1.1\r\nHost: shop\r\nContent-Length: 50\r\n\r\nhello");
        Awaitility.await().atMost(PATIENCE).until(() -> !shadow.seen.isEmpty() && active(bed) == 1);
        client.socket.close();
        Awaitility.await().atMost(PATIENCE).until(() -> active(bed) == 0);
      }
    }
  }
}
