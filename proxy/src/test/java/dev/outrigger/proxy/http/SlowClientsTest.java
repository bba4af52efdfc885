package dev.outrigger.proxy.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.http.codec.FlowGate;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Clients that send slowly, or do not read what they asked for. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class SlowClientsTest extends ClientBed {
  private static final String PREFACE =
      "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000";

  private static String post(int length) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n";
  }

  @Test
  void aBodyThatComesTooSlowlyIsA408() {
    open(Codec.HTTP1);
    send(post(10_000));
    for (int i = 0; i < 7; i++) {
      pass(Duration.ofSeconds(1));
      send("some");
    }
    assertThat(answers()).isEmpty();
    pass(Duration.ofSeconds(1));
    pass(Duration.ofSeconds(1));
    assertThat(answers())
        .startsWith("HTTP/1.1 408 ")
        .contains("x-outrigger-error: request_body_timeout\r\n", "connection: close\r\n");
    pass(Duration.ofSeconds(2));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("slow_body");
  }

  @Test
  void aBodyThatComesFastEnoughMayTakeLong() {
    open(Codec.HTTP1);
    send(post(60 * 300));
    for (int i = 0; i < 60; i++) {
      pass(Duration.ofSeconds(1));
      send("x".repeat(300));
    }
    assertThat(flows.getFirst().bytes).isEqualTo(60 * 300);
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200");
    assertThat(telemetry.floods).isEmpty();
  }

  @Test
  void aBodyThatWeDoNotAskForIsNotSlow() {
    open(Codec.HTTP1);
    send(post(10));
    flows.getFirst().exchange.requestGate().hold(FlowGate.PEER_FULL);
    pass(Duration.ofMinutes(1));
    assertThat(answers()).isEmpty();
    flows.getFirst().exchange.requestGate().release(FlowGate.PEER_FULL);
    pass(Duration.ofSeconds(7));
    send("0123456789");
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200");
  }

  @Test
  void chunksMayPauseButNotInTheirMidst() {
    open(Codec.HTTP1);
    send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++) {
      pass(Duration.ofSeconds(29));
      send("400\r\n" + "x".repeat(1024) + "\r\n");
    }
    assertThat(answers()).isEmpty();
    send("ff\r\nx");
    pass(Duration.ofSeconds(9));
    assertThat(answers()).contains("request_body_timeout");
  }

  private static final String CHUNKED =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";

  @Test
  void chunksMayNotTrickleForEver() {
    open(Codec.HTTP1);
    send(CHUNKED + "\r\n");
    for (int i = 0; i < 30; i++) {
      assertThat(answers()).isEmpty();
      pass(Duration.ofSeconds(1));
      send("1\r\nx\r\n");
    }
    pass(Duration.ofSeconds(2)); // what the thirty bytes are worth
    assertThat(answers())
        .startsWith("HTTP/1.1 408 ")
        .contains("x-outrigger-error: request_body_timeout\r\n", "30000 ms");
    assertThat(telemetry.floods).containsExactly("slow_body");
  }

  @Test
  void aStreamThatIsAlreadyAnsweredMayTrickle() {
    open(Codec.HTTP1);
    send(CHUNKED + "\r\n");
    flows.getFirst().begin(2);
    for (int i = 0; i < 60; i++) {
      pass(Duration.ofMinutes(1));
      send("1\r\nx\r\n");
    }
    assertThat(flows.getFirst().finished).isFalse();
    assertThat(telemetry.floods).isEmpty();
  }

  @Test
  void callsOfGrpcMayTrickle() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    // POST, http, /, a, content-type: application/grpc+proto
    String type = HexFormat.of().formatHex("application/grpc+proto".getBytes(US_ASCII));
    sendHex("00001f010400000001" + "8386840101610f1016" + type);
    for (int i = 0; i < 60; i++) {
      pass(Duration.ofMinutes(1));
      sendHex("000001000000000001" + "78");
    }
    assertThat(flows.getFirst().bytes).isEqualTo(60);
    assertThat(flows.getFirst().finished).isFalse();
    assertThat(telemetry.floods).isEmpty();
  }

  @Test
  void bodiesOfUnknownLengthMayNotTrickleOverHttp2() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    sendHex("000006010400000001" + "838684010161");
    for (int i = 0; i < 30; i++) {
      pass(Duration.ofSeconds(1));
      sendHex("000001000000000001" + "78");
    }
    assertThat(flows.getFirst().finished).isFalse();
    pass(Duration.ofSeconds(2));
    assertThat(answers()).contains("request_body_timeout");
    assertThat(flows.getFirst().finished).isTrue();
    assertThat(telemetry.floods).containsExactly("slow_body");
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void manySlowStreamsEndTheirConnection() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    for (int i = 0; i < 50; i++) {
      sendHex("00000601040000%04x".formatted(2 * i + 1) + "838684010161");
    }
    pass(Duration.ofSeconds(30));
    assertThat(answers()).contains("request_body_timeout", "slow_body");
    assertThat(telemetry.floods).hasSize(21).containsOnly("slow_body");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void streamsWhoseAnswersAreNotTakenEndAndMustNotBeMany() {
    open(Codec.HTTP2);
    sendHex(PREFACE.substring(0, 48) + "000006040000000000000400000000");
    for (int i = 0; i < 50; i++) {
      sendHex("00000601050000%04x".formatted(2 * i + 1) + "828684010161");
      flows.getLast().begin(100);
      flows.getLast().exchange.respondBody(Unpooled.copiedBuffer("hello", US_ASCII));
    }
    pass(Duration.ofMinutes(5));
    assertThat(telemetry.floods).hasSize(21).containsOnly("unread_answers");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void whoDoesNotReadAnAnswerIsSentAway() {
    open(Codec.HTTP1);
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    flows.getFirst().begin(100);
    fill();
    pass(Duration.ofMinutes(5));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("unread_answers");
  }

  @Test
  void whatFollowsAnEarlyAnswerMustComeToo() {
    open(Codec.HTTP1);
    send(post(10_000));
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200");
    pass(Duration.ofSeconds(9));
    pass(Duration.ofSeconds(1));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("slow_body");
  }

  @Test
  void anAnswerThatHasBegunEndsTheClockOfTheBody() {
    open(Codec.HTTP1);
    send(post(10_000));
    flows.getFirst().begin(2);
    pass(Duration.ofMinutes(1));
    assertThat(telemetry.floods).isEmpty();
    flows.getFirst().exchange.respondBody(Unpooled.copiedBuffer("ok", StandardCharsets.US_ASCII));
    flows.getFirst().exchange.respondEnd(null);
    assertThat(answers()).endsWith("ok");
  }

  @Test
  void whoLeavesAnswersUnreadIsNotReadEither() {
    open(Codec.HTTP1);
    fill();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10));
    assertThat(flows).isEmpty();
    assertThat(channel.config().isAutoRead()).isFalse();
    drain();
    assertThat(channel.config().isAutoRead()).isTrue();
    for (int i = 0; i < 10; i++) {
      flows.get(i).answer();
    }
    assertThat(flows).hasSize(10);
  }

  @Test
  void answersLetNoMoreInWhileEnoughWasSentAhead() {
    open(Codec.HTTP1);
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1001));
    assertThat(channel.config().isAutoRead()).isFalse();
    flows.getFirst().answer();
    assertThat(channel.config().isAutoRead()).isFalse();
    for (int i = 1; i < 1001; i++) {
      flows.get(i).answer();
    }
    assertThat(channel.config().isAutoRead()).isTrue();
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    send("llo" + "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000) + post(40_000));
    for (int i = 1001; i < 2002; i++) {
      flows.get(i).answer();
    }
    assertThat(channel.config().isAutoRead()).isTrue();
    send("x".repeat(40_000));
    flows.get(2002).answer();
  }

  @Test
  void whoReadsNothingForTooLongIsSentAway() {
    open(Codec.HTTP1);
    fill();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(Duration.ofMinutes(5));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("unread_answers");
  }

  @Test
  void whoAsksAheadAndReadsNothingIsSentAwaySooner() {
    open(Codec.HTTP1);
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200));
    for (int i = 0; i < 102; i++) {
      flows.get(i).answer();
    }
    fill();
    flows.get(102).answer();
    assertThat(flows).hasSize(103);
    assertThat(channel.config().isAutoRead()).isFalse();
    pass(Duration.ofSeconds(7));
    assertThat(channel.isOpen()).isTrue();
    pass(Duration.ofSeconds(1));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("unread_answers");
  }

  // :method POST, :scheme http, :path /, :authority a, content-length 9999
  private static final String POST_9999 = "8386840101610f0d0439393939";

  @Test
  void ofHttp2OnlyTheSlowStreamEnds() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    sendHex("00000d010400000001" + POST_9999);
    sendHex("000006010500000003" + "828684010161");
    assertThat(flows).hasSize(2);
    pass(Duration.ofSeconds(9));
    assertThat(answers()).contains("request_body_timeout");
    assertThat(telemetry.floods).containsExactly("slow_body");
    assertThat(flows).extracting(flow -> flow.finished).containsExactly(true, false);
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void halfAFrameIsNotWaitedForLong() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    answers();
    sendHex("00000d0104000000018386");
    pass(Duration.ofSeconds(7));
    assertThat(channel.isOpen()).isTrue();
    pass(Duration.ofSeconds(1));
    assertThat(answers()).contains("slow_headers");
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.floods).containsExactly("slow_headers");
  }

  @Test
  void halfAFrameOfDataMayGrowSlowly() {
    open(Codec.HTTP2);
    sendHex(PREFACE);
    sendHex("00000d010400000001" + POST_9999);
    sendHex("00270f000100000001");
    for (int i = 0; i < 33; i++) {
      pass(Duration.ofSeconds(1));
      sendHex("78".repeat(303));
    }
    assertThat(flows.getFirst().bytes).isEqualTo(9999);
    flows.getFirst().answer();
    assertThat(telemetry.floods).isEmpty();
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void whatAClientOfHttp2DoesNotTakeIsResetAfterAll() {
    open(Codec.HTTP2);
    // SETTINGS_INITIAL_WINDOW_SIZE 0
    sendHex(PREFACE.substring(0, 48) + "000006040000000000000400000000");
    sendHex("000006010500000001" + "828684010161");
    flows.getFirst().begin(5);
    flows.getFirst().exchange.respondBody(Unpooled.copiedBuffer("hello", StandardCharsets.UTF_8));
    flows.getFirst().exchange.respondEnd(null);
    assertThat(flows.getFirst().finished).isTrue();
    assertThat(answers()).doesNotContain("hello");
    pass(Duration.ofMinutes(5));
    pass(Duration.ofSeconds(1));
    assertThat(telemetry.floods).containsExactly("unread_answers");
    pass(Duration.ofHours(1));
    pass(Duration.ofHours(1));
    assertThat(channel.isOpen()).isFalse();
  }
}
