package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.HttpProxyConfig.Limits;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpgradesConfig.Choice;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.http.codec.WebSocketKeys;
import dev.outrigger.proxy.outcome.Outcome;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** WebSocket and CONNECT through every pair of protocols. */
class TunnelTest {
  private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  private static final String ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  private static final String SHAKE =
      "GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\n"
          + "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
          + KEY
          + "\r\n\r\n";
  private static final Pattern SENT_KEY = Pattern.compile("(?i)sec-websocket-key: (\\S+)");

  private static ProxyBed.Setup setup(int port, Speech speech) {
    ProxyBed.Setup setup = new ProxyBed.Setup().to(port);
    setup.codec = Codec.AUTO;
    setup.halfClosure = true;
    Http2Config offers =
        new Http2Config(
            100,
            65_535,
            1024 * 1024,
            Duration.ZERO,
            Duration.ofSeconds(10),
            Http2Config.FrameLimits.DEFAULT,
            true);
    setup.limits = new Limits(60 * 1024, 100, 0, offers, Limits.DEFAULT.rules());
    setup.pool =
        new PoolConfig(
            0,
            0,
            Duration.ofSeconds(30),
            Duration.ZERO,
            0,
            speech,
            ClusterConfig.UPSTREAM_HTTP2,
            ClusterConfig.AnswerLimits.DEFAULT);
    return setup;
  }

  private static Route connectRoute(UpgradesConfig upgrades) {
    return new Route(
        "connect",
        new Match(new PathMatch.Connect(), List.of(), List.of(), List.of()),
        new Action.Forward(
            List.of(new WeightedCluster("origin", 1)),
            Duration.ofSeconds(15),
            null,
            RetryPolicy.NEVER,
            null,
            null,
            upgrades),
        HeaderChanges.NONE);
  }

  private static UpgradesConfig connects(Choice choice) {
    return new UpgradesConfig(Map.of(UpgradesConfig.CONNECT, choice));
  }

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(15_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  private static FramedPeer framedServer() throws Exception {
    return FramedPeer.server(new Http2Settings().connectProtocolEnabled(true));
  }

  private static String keyIn(String head) {
    Matcher found = SENT_KEY.matcher(head);
    assertThat(found.find()).as(head).isTrue();
    return found.group(1);
  }

  /** Agrees to a WebSocket, then says everything back between brackets; ends when told to. */
  private static Origin echo() throws IOException {
    return new Origin(
        (peer, _) -> {
          String head = peer.head();
          assertThat(head)
              .startsWith("GET /chat HTTP/1.1\r\n")
              .contains("connection: upgrade\r\n", "upgrade: websocket\r\n");
          peer.send(
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n"
                  + "Sec-WebSocket-Accept: "
                  + WebSocketKeys.acceptOf(keyIn(head))
                  + "\r\n\r\n");
          for (String bytes = peer.bytes(3); !bytes.isEmpty(); bytes = peer.bytes(3)) {
            peer.send("<" + bytes + ">");
          }
          peer.send("bye");
        });
  }

  @Test
  void acceptBelongsToKeyAsInTheStandard() {
    assertThat(WebSocketKeys.acceptOf(KEY)).isEqualTo(ACCEPT);
  }

  @Test
  void oneToOneAndEachWayEndsByItself() throws Exception {
    try (Origin origin = echo();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE + "abc");
      assertThat(client.head())
          .startsWith("HTTP/1.1 101 ")
          .contains("upgrade: websocket\r\n", "Sec-WebSocket-Accept: " + ACCEPT);
      assertThat(client.bytes(5)).isEqualTo("<abc>");
      client.send("def");
      assertThat(client.bytes(5)).isEqualTo("<def>");
      client.socket.shutdownOutput();
      assertThat(client.all()).isEqualTo("bye");
      await()
          .atMost(Duration.ofSeconds(15))
          .untilAsserted(
              () ->
                  assertThat(bed.telemetry.records.get(0).outcomes)
                      .containsExactly(new Outcome.Answered(101)));
    }
  }

  @Test
  void oneToOneAndTheUpstreamMayEndFirst() throws Exception {
    StringBuffer after = new StringBuffer();
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nlast");
          peer.socket.shutdownOutput();
          after.append(peer.all());
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      assertThat(client.head()).startsWith("HTTP/1.1 101 ");
      assertThat(client.all()).isEqualTo("last");
      client.send("but I go on");
      client.socket.shutdownOutput();
      await()
          .atMost(Duration.ofSeconds(15))
          .untilAsserted(() -> assertThat(after.toString()).isEqualTo("but I go on"));
    }
  }

  @Test
  void oneToTwo() throws Exception {
    try (FramedPeer origin = framedServer();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP2))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE + "early");
      FramedPeer.Stream stream = origin.take();
      assertThat(stream.next())
          .contains(":method: CONNECT", ":protocol: websocket", ":path: /chat", ":scheme: http")
          .contains("sec-websocket-version: 13")
          .doesNotContain("connection", "upgrade:");
      stream.head(FramedPeer.answer(200), false);
      assertThat(client.head())
          .startsWith("HTTP/1.1 101 ")
          .contains("connection: upgrade\r\n", "upgrade: websocket\r\n")
          .contains("sec-websocket-accept: " + ACCEPT);
      assertThat(stream.bytes(5)).isEqualTo("early");
      stream.send("hello");
      assertThat(client.bytes(5)).isEqualTo("hello");
      stream.end();
      assertThat(client.all()).isEmpty();
      client.send("still");
      assertThat(stream.bytes(5)).isEqualTo("still");
      client.socket.shutdownOutput();
      assertThat(stream.next()).isEqualTo("end");
    }
  }

  @Test
  void twoToOneGetsAKeyThatItNeverAskedFor() throws Exception {
    try (Origin origin = echo();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1));
        FramedPeer client = FramedPeer.client(bed.port())) {
      FramedPeer.Stream stream = client.open(FramedPeer.extended("/chat"), false);
      assertThat(stream.next())
          .contains(":status: 200")
          .doesNotContain("sec-websocket-accept", "upgrade", "connection");
      assertThat(client.settings.get().connectProtocolEnabled()).isTrue();
      stream.send("abc");
      assertThat(stream.bytes(5)).isEqualTo("<abc>");
      stream.end();
      assertThat(stream.bytes(3)).isEqualTo("bye");
      assertThat(stream.next()).isEqualTo("end");
    }
  }

  @Test
  void twoToOneRefusesAnAcceptThatBelongsToNoKey() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send(
              "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  + "Sec-WebSocket-Accept: AAAA\r\n\r\n");
          peer.all();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1));
        FramedPeer client = FramedPeer.client(bed.port())) {
      FramedPeer.Stream stream = client.open(FramedPeer.extended("/chat"), false);
      assertThat(stream.next()).contains(":status: 502", "upstream_protocol_error");
    }
  }

  @Test
  void anUpgradeThatIsAnsweredWith200IsNoTunnelOfHttp2() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno");
          peer.head();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1));
        FramedPeer client = FramedPeer.client(bed.port())) {
      FramedPeer.Stream stream = client.open(FramedPeer.extended("/chat"), false);
      assertThat(stream.next()).contains(":status: 502", "upstream_protocol_error");
    }
  }

  @Test
  void twoToTwoAndItsNeighboursGoOn() throws Exception {
    try (FramedPeer origin = framedServer();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP2));
        FramedPeer client = FramedPeer.client(bed.port())) {
      FramedPeer.Stream chat = client.open(FramedPeer.extended("/chat"), false);
      FramedPeer.Stream far = origin.take();
      assertThat(far.next()).contains(":method: CONNECT", ":protocol: websocket", ":path: /chat");
      far.head(FramedPeer.answer(200), false);
      assertThat(chat.next()).contains(":status: 200");
      chat.send("ping");
      assertThat(far.bytes(4)).isEqualTo("ping");
      FramedPeer.Stream plain =
          client.open(FramedPeer.extended("/").method("GET").path("/x"), true);
      // A GET with :protocol is malformed: its stream goes, its neighbour stays.
      assertThat(plain.next()).isEqualTo("reset PROTOCOL_ERROR");
      far.send("pong");
      assertThat(chat.bytes(4)).isEqualTo("pong");
      far.end();
      assertThat(chat.next()).isEqualTo("end");
      chat.send("more");
      assertThat(far.bytes(4)).isEqualTo("more");
      chat.end();
      assertThat(far.next()).isEqualTo("end");
    }
  }

  @Test
  void aResetIsAResetOnTheOtherSide() throws Exception {
    try (FramedPeer origin = framedServer();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP2));
        FramedPeer framed = FramedPeer.client(bed.port())) {
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      FramedPeer.Stream stream = origin.take();
      stream.next();
      stream.head(FramedPeer.answer(200), false);
      client.head();
      stream.reset(Http2Error.CANCEL);
      assertThatThrownBy(client::all).isInstanceOf(SocketException.class);

      FramedPeer.Stream two = framed.open(FramedPeer.extended("/chat"), false);
      FramedPeer.Stream far = origin.take();
      far.next();
      far.head(FramedPeer.answer(200), false);
      two.next();
      far.reset(Http2Error.CANCEL);
      assertThat(two.next()).isEqualTo("reset CANCEL");

      Origin.Peer rude = client(bed);
      rude.send(SHAKE);
      FramedPeer.Stream third = origin.take();
      third.next();
      third.head(FramedPeer.answer(200), false);
      rude.head();
      rude.socket.setSoLinger(true, 0);
      rude.socket.close();
      assertThat(third.next()).isEqualTo("reset CANCEL");
    }
  }

  @Test
  void anUpstreamThatOffersNoExtendedConnectIsNamed() throws Exception {
    try (FramedPeer origin = FramedPeer.server(new Http2Settings());
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP2))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      assertThat(client.head()).startsWith("HTTP/1.1 502 ").contains("upstream_protocol_error");
      client.socket.shutdownOutput();
      assertThat(client.all()).contains("does not offer websocket over HTTP/2");
    }
  }

  @Test
  void protocolIsMalformedWhereItWasNotOffered() throws Exception {
    try (Origin origin = echo()) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.limits = Limits.DEFAULT;
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer client = FramedPeer.client(bed.port())) {
        FramedPeer.Stream stream = client.open(FramedPeer.extended("/chat"), false);
        assertThat(stream.next()).isEqualTo("reset PROTOCOL_ERROR");
        assertThat(origin.connections).hasValue(0);
      }
    }
  }

  @Test
  void whatIsSwitchedOffIsRefusedAndSaysSo() throws Exception {
    try (Origin origin = echo()) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.upgrades = new UpgradesConfig(Map.of("websocket", Choice.REFUSED));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send(SHAKE);
        assertThat(client.head())
            .startsWith("HTTP/1.1 403 ")
            .contains("x-outrigger-error: upgrade_refused\r\n");
        assertThat(framed.open(FramedPeer.extended("/chat"), false).next())
            .contains(":status: 403", "upgrade_refused");
        assertThat(origin.connections).hasValue(0);
      }
    }
  }

  @Test
  void theFirstProtocolThatIsLetThroughIsChosenFromAList() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          assertThat(peer.head()).contains("upgrade: spdy/3.1\r\n").startsWith("POST /exec");
          peer.send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n");
          peer.send(peer.bytes(2));
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.upgrades = new UpgradesConfig(Map.of("spdy/3.1", Choice.PASSED));
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send(
            "POST /exec HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nContent-Length: 0\r\n"
                + "Upgrade: h2c, SPDY/3.1\r\n\r\nhi");
        assertThat(client.head()).startsWith("HTTP/1.1 101 ").contains("upgrade: spdy/3.1");
        assertThat(client.bytes(2)).isEqualTo("hi");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Upgrade: h2c\r\n\r\n",
        "Connection: upgrade\r\n\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n",
      })
  void aChangeThatWasNotAskedForIsRefused(String answer) throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 101 Switching Protocols\r\n" + answer);
          peer.all();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      assertThat(client.head()).startsWith("HTTP/1.1 502 ").contains("upstream_protocol_error");
    }
  }

  @Test
  void aTunnelWithoutAByteEndsInBothDirections() throws Exception {
    try (Origin origin = echo()) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.timeout = Duration.ofMillis(200); // of the answer: a tunnel is not bound by it
      setup.timeouts =
          new Timeouts(
              Duration.ofHours(1),
              Duration.ofSeconds(15),
              Duration.ofMillis(1500),
              Duration.ofSeconds(5));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send(SHAKE);
        client.head();
        FramedPeer.Stream stream = framed.open(FramedPeer.extended("/chat"), false);
        assertThat(stream.next()).contains(":status: 200");
        for (int i = 0; i < 5; i++) {
          assertThat(client.socket.isClosed()).isFalse();
          await().pollDelay(Duration.ofMillis(100)).until(() -> true);
          client.send("abc");
          assertThat(client.bytes(5)).isEqualTo("<abc>");
        }
        client.all(); // ends
        assertThat(stream.next()).startsWith("reset ");
        await()
            .atMost(Duration.ofSeconds(15))
            .untilAsserted(
                () ->
                    assertThat(bed.telemetry.records)
                        .allSatisfy(
                            one ->
                                assertThat(one.outcomes)
                                    .singleElement()
                                    .asString()
                                    .contains("STREAM_IDLE")));
      }
    }
  }

  @Test
  void aClientThatDoesNotReadStopsItsUpstream() throws Exception {
    AtomicLong sent = new AtomicLong();
    Origin.Script script =
        (peer, _) -> {
          String head = peer.head();
          peer.send(
              "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  + "Sec-WebSocket-Accept: "
                  + WebSocketKeys.acceptOf(keyIn(head))
                  + "\r\n\r\n");
          byte[] block = new byte[64 * 1024];
          while (sent.get() < 200L << 20) {
            peer.send(block);
            sent.addAndGet(block.length);
          }
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP1));
        FramedPeer framed = FramedPeer.client(bed.port())) {
      framed.open(FramedPeer.extended("/chat"), false, false);
      assertStops(sent);
      long already = sent.get();
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      client.head();
      assertStops(sent);
      assertThat(sent.get() - already).isLessThan(20L << 20);
    }
  }

  private static void assertStops(AtomicLong sent) {
    AtomicLong before = new AtomicLong(-1);
    await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(400))
        .until(() -> sent.get() > 0 && before.getAndSet(sent.get()) == sent.get());
    assertThat(sent.get()).isLessThan(40L << 20);
  }

  @Test
  void anUpstreamThatDoesNotReadStopsItsClient() throws Exception {
    try (FramedPeer origin = framedServer();
        ProxyBed bed = new ProxyBed(setup(origin.port(), Speech.HTTP2))) {
      Origin.Peer client = client(bed);
      client.send(SHAKE);
      FramedPeer.Stream stream = origin.take();
      stream.next();
      stream.channel.config().setAutoRead(false);
      stream.head(FramedPeer.answer(200), false);
      client.head();
      AtomicLong sent = new AtomicLong();
      Thread sender =
          Thread.ofVirtual()
              .start(
                  () -> {
                    byte[] block = new byte[64 * 1024];
                    try {
                      while (sent.get() < 200L << 20) {
                        client.send(block);
                        sent.addAndGet(block.length);
                      }
                    } catch (IOException e) {
                      // Closed below.
                    }
                  });
      assertStops(sent);
      client.socket.close();
      sender.join();
    }
  }

  // CONNECT.

  @Test
  void connectIsRefusedUnlessARouteTakesIt() throws Exception {
    try (Origin origin = echo()) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 404 ").contains("no_route");
        assertThat(framed.open(FramedPeer.connect("db:5432"), false).next())
            .contains(":status: 404");
        assertThat(framed.open(FramedPeer.connect("db"), false).next())
            .isEqualTo("reset PROTOCOL_ERROR");
      }
      setup.routes.add(connectRoute(UpgradesConfig.NONE));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 403 ").contains("upgrade_refused");
        assertThat(framed.open(FramedPeer.connect("db:5432"), false).next())
            .contains(":status: 403");
      }
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void aConnectThatEndsHereIsBytesToTheEndpoint() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.send("220 I speak first\r\n");
          String said = peer.all();
          peer.send("you said " + said);
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP2); // it does not matter here
      setup.routes.add(connectRoute(connects(Choice.TERMINATED)));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send("CONNECT mail:25 HTTP/1.1\r\nHost: mail:25\r\n\r\nHELO");
        String head = client.head();
        assertThat(head)
            .startsWith("HTTP/1.1 200 OK\r\n")
            .doesNotContain("content-length", "transfer-encoding", "connection");
        assertThat(client.bytes(19)).isEqualTo("220 I speak first\r\n");
        client.send(" me");
        client.socket.shutdownOutput();
        assertThat(client.all()).isEqualTo("you said HELO me");

        FramedPeer.Stream stream = framed.open(FramedPeer.connect("mail:25"), false);
        assertThat(stream.next()).contains(":status: 200");
        assertThat(stream.bytes(19)).isEqualTo("220 I speak first\r\n");
        stream.send("HELO").end();
        assertThat(stream.bytes(13)).isEqualTo("you said HELO");
        assertThat(stream.next()).isEqualTo("end");
      }
    }
  }

  @Test
  void aConnectThatEndsHereFailsAsConnectingDoes() throws Exception {
    Socket deaf = new Socket(); // its port is taken, and nobody listens there
    deaf.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    ProxyBed.Setup setup = setup(deaf.getLocalPort(), Speech.HTTP1);
    setup.routes.add(connectRoute(connects(Choice.TERMINATED)));
    try (deaf;
        ProxyBed bed = new ProxyBed(setup)) {
      Origin.Peer client = client(bed);
      client.send("CONNECT mail:25 HTTP/1.1\r\nHost: mail:25\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 503 ").contains("connect_refused");
    }
  }

  @Test
  void aResetOfTheEndpointIsAConnectError() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.bytes(1);
          peer.socket.setSoLinger(true, 0);
          peer.socket.close();
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.routes.add(connectRoute(connects(Choice.TERMINATED)));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        FramedPeer.Stream stream = framed.open(FramedPeer.connect("mail:25"), false);
        assertThat(stream.next()).contains(":status: 200");
        stream.send("x");
        assertThat(stream.next()).isEqualTo("reset CONNECT_ERROR");
      }
    }
  }

  @Test
  void aConnectThatIsPassedOnStaysOneInBothProtocols() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          assertThat(peer.head()).startsWith("CONNECT db:5432 HTTP/1.1\r\n").contains("db:5432");
          // The length means nothing here, and must not reach anyone.
          peer.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nready");
          peer.send("<" + peer.all() + ">");
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.routes.add(connectRoute(connects(Choice.PASSED)));
      try (ProxyBed bed = new ProxyBed(setup);
          FramedPeer framed = FramedPeer.client(bed.port())) {
        Origin.Peer client = client(bed);
        client.send("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
        assertThat(client.head())
            .startsWith("HTTP/1.1 200 ")
            .doesNotContainIgnoringCase("content-length");
        client.send("select 1");
        client.socket.shutdownOutput();
        assertThat(client.all()).isEqualTo("ready<select 1>");

        FramedPeer.Stream stream = framed.open(FramedPeer.connect("db:5432"), false);
        assertThat(stream.next()).contains(":status: 200").doesNotContain("content-length");
        stream.send("select 2").end();
        assertThat(stream.bytes(15)).isEqualTo("ready<select 2>");
        assertThat(stream.next()).isEqualTo("end");
      }
    }
    try (FramedPeer origin = FramedPeer.server(new Http2Settings())) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP2);
      setup.routes.add(connectRoute(connects(Choice.PASSED)));
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
        FramedPeer.Stream stream = origin.take();
        assertThat(stream.next())
            .contains(":method: CONNECT", ":authority: db:5432")
            .doesNotContain(":path", ":scheme", ":protocol");
        stream.head(FramedPeer.answer(200), false).send("ready");
        assertThat(client.head()).startsWith("HTTP/1.1 200 ");
        assertThat(client.bytes(5)).isEqualTo("ready");
        client.send("x");
        assertThat(stream.bytes(1)).isEqualTo("x");
        client.socket.shutdownOutput();
        assertThat(stream.next()).isEqualTo("end");
        stream.end();
        assertThat(client.all()).isEmpty();
      }
    }
  }

  @Test
  void aRefusedConnectLeavesNothingOfItsBytesForTheNextRequest() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
          peer.head();
        };
    try (Origin origin = new Origin(script)) {
      ProxyBed.Setup setup = setup(origin.port(), Speech.HTTP1);
      setup.routes.add(connectRoute(connects(Choice.PASSED)));
      try (ProxyBed bed = new ProxyBed(setup)) {
        Origin.Peer client = client(bed);
        client.send(
            "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n"
                + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 403 ").contains("connection: close");
        assertThat(client.all()).isEqualTo("no");
        assertThat(origin.seen.toString()).doesNotContain("smuggled");
      }
    }
  }
}
