package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpgradesConfig.Choice;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 that begins in HTTP/1.1, as RFC 7540, section 3.2, has it. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
final class H2cUpgradeTest extends ClientBed {
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final String PREFACE_HEX = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a";
  private static final String SETTINGS = "000000040000000000";
  private static final String GET_3 = "000006010500000003" + "828684010161";
  private static final String ASKS =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n";
  private static final String REQUEST = "GET /a?b HTTP/1.1\r\nHost: a\r\n" + ASKS + "\r\n";
  private static final String SWITCHING =
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";

  private void granted() {
    upgrades =
        new UpgradesConfig(
            Map.of(UpgradesConfig.H2C, Choice.PASSED, UpgradesConfig.WEBSOCKET, Choice.PASSED));
    open(Codec.AUTO);
  }

  /** What was sent after the 101: type, flags, stream and length of each frame. */
  private List<String> framesAfterSwitching() {
    String all = answers();
    assertThat(all).startsWith(SWITCHING);
    return frames(all.substring(SWITCHING.length()));
  }

  private static List<String> frames(String bytes) {
    List<String> frames = new ArrayList<>();
    var in = Unpooled.copiedBuffer(bytes, StandardCharsets.ISO_8859_1);
    while (in.isReadable()) {
      int length = in.readUnsignedMedium();
      frames.add(
          "type %d flags %d stream %d length %d"
              .formatted(in.readByte(), in.readByte(), in.readInt(), length));
      in.skipBytes(length);
    }
    return frames;
  }

  @Test
  void theRequestIsTheFirstStreamAndWhole() {
    granted();
    send(REQUEST);
    assertThat(framesAfterSwitching()).first().asString().startsWith("type 4 flags 0 stream 0");
    Flow flow = flows.getFirst();
    RequestHead head = flow.exchange.head();
    assertThat(flow.ended).isTrue();
    assertThat(head.version()).isEqualTo(HttpVersion.HTTP_2);
    assertThat(head.path()).isEqualTo("/a?b");
    assertThat(head.authority()).isEqualTo("a");
    for (String gone : List.of("connection", "upgrade", "http2-settings")) {
      assertThat(head.headers().contains(HeaderName.of(gone))).as(gone).isFalse();
    }
    assertThat(flow.exchange.tunnel()).isNull();
    flow.answer();
    channel.runPendingTasks();
    assertThat(frames(answers())).singleElement().asString().startsWith("type 1 flags 5 stream 1");
  }

  @Test
  void theConnectionGoesOnInHttp2() {
    granted();
    send(REQUEST);
    flows.getFirst().answer();
    sendHex(PREFACE_HEX + SETTINGS + GET_3);
    assertThat(flows).hasSize(2);
    flows.getLast().answer();
    channel.runPendingTasks();
    assertThat(framesAfterSwitching())
        .anyMatch(frame -> frame.startsWith("type 1 flags 5 stream 1 "))
        .contains("type 4 flags 1 stream 0 length 0") // of SETTINGS, not of the header
        .anyMatch(frame -> frame.startsWith("type 1 flags 5 stream 3 "));
    pass(Duration.ofMinutes(1));
    assertThat(channel.isActive()).isTrue();
  }

  @Test
  void thePrefaceMayComeWithTheRequest() {
    granted();
    sendHex(hex(REQUEST) + PREFACE_HEX + SETTINGS + GET_3);
    assertThat(flows).hasSize(2);
    flows.forEach(Flow::answer);
  }

  private static String hex(String text) {
    return ByteBufUtil.hexDump(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Test
  void aRequestThatWaitedForItsTurnMayAskToo() {
    granted();
    send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + REQUEST);
    assertThat(flows).hasSize(1);
    flows.getFirst().answer();
    channel.runPendingTasks();
    assertThat(flows).hasSize(2);
    flows.getLast().answer();
    channel.runPendingTasks();
    String all = answers();
    assertThat(all).startsWith("HTTP/1.1 200 OK\r\n").contains("\r\n\r\n" + SWITCHING);
    assertThat(frames(all.substring(all.indexOf(SWITCHING) + SWITCHING.length())))
        .anyMatch(frame -> frame.startsWith("type 1 flags 5 stream 1 "));
  }

  @Test
  void theSettingsOfTheHeaderHold() {
    granted();
    // INITIAL_WINDOW_SIZE of 3
    send(REQUEST.replace("AAMAAABkAAQAAP__", "AAQAAAAD"));
    Flow flow = flows.getFirst();
    Headers headers = new Headers();
    headers.add("content-length", "5");
    flow.exchange.respond(new ResponseHead(200, HttpVersion.HTTP_1_1, headers), BodyKind.LENGTH);
    flow.exchange.respondBody(Unpooled.copiedBuffer("hello", StandardCharsets.US_ASCII));
    flow.exchange.respondEnd(null);
    channel.runPendingTasks();
    assertThat(framesAfterSwitching()).last().isEqualTo("type 0 flags 0 stream 1 length 3");
    // The client's own SETTINGS say nothing of it; a WINDOW_UPDATE lets the rest go.
    sendHex(PREFACE_HEX + SETTINGS + "000004080000000001" + "00000064");
    assertThat(frames(answers())).contains("type 0 flags 1 stream 1 length 2");
  }

  @Test
  void whatIsSentOnTheFirstStreamIsAnErrorOfIt() {
    granted();
    send(REQUEST);
    answers();
    sendHex(PREFACE_HEX + SETTINGS + "000001000100000001" + "61");
    assertThat(frames(answers())).contains("type 3 flags 0 stream 1 length 4");
    assertThat(flows.getFirst().finished).isTrue();
    assertThat(flows.getFirst().bytes).isZero();
    assertThat(channel.isActive()).isTrue();
  }

  @Test
  void aPrefaceThatDoesNotComeEndsTheConnection() {
    granted();
    send(REQUEST);
    answers();
    pass(Duration.ofSeconds(7));
    assertThat(channel.isActive()).isTrue();
    send(PREFACE);
    pass(Duration.ofSeconds(2)); // it is no preface without SETTINGS
    assertThat(telemetry.floods).containsExactly("slow_headers");
    assertThat(frames(answers())).last().asString().startsWith("type 7 ");
    assertThat(channel.isActive()).isFalse();
  }

  @Test
  void anythingButThePrefaceEndsTheConnection() {
    granted();
    send(REQUEST);
    answers();
    send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(flows).hasSize(1);
    assertThat(frames(answers())).last().asString().startsWith("type 7 ");
    assertThat(flows.getFirst().finished).isTrue();
  }

  @Test
  void requestsOfBothProtocolsCountForTheirMost() {
    granted();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    flows.getFirst().answer();
    send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
            + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    flows.getLast().answer();
    assertThat(answers()).doesNotContain("101").contains("connection: close");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "AAMAAABkAA", // not whole settings
        "AAMAAAB", // not whole bytes
        "AAMAAABkAAQAAP//", // of the other alphabet
        "AAQAAAA=", // padded
        "AAMAAABl AAMAAABl",
        "AAMAAABk,AAMAAABk",
        "AAQAA_-B====",
        "AAT_____", // a window beyond 2^31 - 1
        "AAIAAAAC", // ENABLE_PUSH of 2
        "AAUAAAAB", // frames of 1 byte
      })
  void settingsThatAreNoneAreRefused(String value) {
    granted();
    send(REQUEST.replace("AAMAAABkAAQAAP__", value));
    assertThat(flows).isEmpty();
    assertThat(answers())
        .startsWith("HTTP/1.1 400 ")
        .contains("x-outrigger-error: bad_request")
        .contains("http2-settings");
    pass(Duration.ofSeconds(2));
    assertThat(channel.isActive()).isFalse();
  }

  @Test
  void moreSettingsThanThereAreAreRefused() {
    granted();
    send(REQUEST.replace("AAMAAABkAAQAAP__", "AAMAAABk".repeat(33)));
    assertThat(flows).isEmpty();
    assertThat(answers()).startsWith("HTTP/1.1 400 ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
        "Connection: HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
            + "HTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nUpgrade: h2c\r\n"
            + "HTTP2-Settings: AAMAAABk\r\n",
        ASKS + "Content-Length: 2\r\n",
      })
  void whatIsNoProperWishIsAnsweredInHttp1(String fields) {
    granted();
    send("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    if (fields.contains("Content-Length")) {
      send("hi");
    }
    inHttp1();
  }

  private void inHttp1() {
    RequestHead head = flows.getFirst().exchange.head();
    assertThat(head.version()).isNotEqualTo(HttpVersion.HTTP_2);
    assertThat(head.headers().contains(HeaderName.UPGRADE)).isFalse();
    assertThat(flows.getFirst().exchange.tunnel()).isNull();
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200 OK\r\n");
  }

  @Test
  void httpOnePointZeroDoesNotChange() {
    granted();
    send(REQUEST.replace("HTTP/1.1", "HTTP/1.0"));
    inHttp1();
  }

  @Test
  void bytesBehindItThatAreNoPrefaceKeepHttp1() {
    granted();
    send(REQUEST + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    inHttp1();
    assertThat(flows)
        .hasSize(1); // they may have been meant for the protocol that was not changed to
  }

  @Test
  void withoutTheListenersLeaveNothingChanges() {
    open(Codec.AUTO);
    send(REQUEST);
    inHttp1();
  }

  @Test
  void whereItIsSwitchedOffTheWishIsRefused() {
    upgrades = new UpgradesConfig(Map.of(UpgradesConfig.H2C, Choice.REFUSED));
    open(Codec.AUTO);
    send(REQUEST);
    assertThat(flows).isEmpty();
    assertThat(answers()).startsWith("HTTP/1.1 403 ").contains("upgrade_refused");
  }

  @Test
  void insideTlsNothingChanges() {
    tls = true;
    granted();
    send(REQUEST);
    inHttp1();
  }

  @Test
  void whatComesBeforeItInTheListIsPreferred() {
    granted();
    send(
        REQUEST.replace(
            "Upgrade: h2c\r\n",
            "Upgrade: websocket, h2c\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    assertThat(flows.getFirst().exchange.tunnel()).isEqualTo(new Tunnel("websocket", false));
  }

  @Test
  void noEndpointIsEverAskedForIt() {
    UpgradesConfig passed = new UpgradesConfig(Map.of(UpgradesConfig.H2C, Choice.PASSED));
    for (HttpVersion version : HttpVersion.values()) {
      RequestHead head = new RequestHead("GET", "/", "a", "http", version, new Headers());
      assertThat(TunnelWish.of(head, "h2c", passed)).isNotInstanceOf(TunnelWish.Granted.class);
    }
  }

  @Test
  void aConnectIsNoRequestThatCouldAsk() {
    granted();
    send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n" + ASKS + "\r\n");
    assertThat(flows).isEmpty();
    assertThat(answers()).startsWith("HTTP/1.1 404 ").contains("no_route");
  }
}
