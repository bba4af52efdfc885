package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.Unpooled;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients of HTTP/1.1 that send no more: some still read, some have gone. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class DepartingClientsTest extends ClientBed {
  private static final String GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  @BeforeEach
  void open() {
    open(Codec.HTTP1);
  }

  private void sendNoMore() {
    channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
    channel.runPendingTasks();
  }

  private void assertGone(int exchange) {
    assertThat(flows.get(exchange).finished).isTrue();
    assertThat(telemetry.records.get(exchange).outcomes)
        .singleElement()
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> assertThat(failed.error()).isInstanceOf(ProxyError.DownstreamGone.class));
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void whoHasAskedAndReadsOnIsAnsweredAndTheConnectionEnds() {
    send(GET);
    sendNoMore();
    pass(Duration.ofMillis(1900));
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200").contains("connection: close\r\n");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void whoSaysNoMoreIsNotWaitedForLong() {
    send(GET);
    sendNoMore();
    assertThat(flows.getFirst().finished).isFalse();
    pass(Duration.ofSeconds(2));
    assertGone(0);
    assertThat(answers()).isEmpty();
  }

  @Test
  void whatWasReceivedBeforeTheEndIsAnsweredAllOfIt() {
    send(GET + GET + GET);
    sendNoMore();
    for (int i = 0; i < 3; i++) {
      pass(Duration.ofMillis(1500)); // each has its own time
      flows.get(i).answer();
      assertThat(answers()).startsWith("HTTP/1.1 200");
    }
    assertThat(flows).hasSize(3);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void onlyTheLastAnswerSaysThatItIsTheLast() {
    send(GET + GET);
    sendNoMore();
    flows.getFirst().answer();
    assertThat(answers()).doesNotContain("connection: close");
    flows.getLast().answer();
    assertThat(answers()).contains("connection: close");
  }

  @Test
  void halfARequestBehindAnswersIsNoRequest() {
    send(GET + "GET /half HTTP/1.1\r\nHo");
    sendNoMore();
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200").doesNotContain("HTTP/1.1 4");
    assertThat(flows).hasSize(1);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aBodyThatWasCutOffEndsItsExchange() {
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    sendNoMore();
    assertGone(0);
  }

  @Test
  void anAnswerThatHasBegunGoesOnWhileBytesCome() {
    send(GET);
    flows.getFirst().begin(6);
    sendNoMore();
    for (String part : new String[] {"ab", "cd"}) {
      pass(Duration.ofMillis(1500));
      flows.getFirst().exchange.respondBody(Unpooled.copiedBuffer(part, StandardCharsets.US_ASCII));
      flows.getFirst().exchange.flush();
    }
    pass(Duration.ofMillis(1999));
    assertThat(flows.getFirst().finished).isFalse();
    pass(Duration.ofMillis(1));
    assertGone(0);
    assertThat(answers()).endsWith("abcd");
  }

  @Test
  void aCloseNotifyWithoutAnEndIsAnEnd() {
    send(GET);
    channel.pipeline().fireUserEventTriggered(SslCloseCompletionEvent.SUCCESS);
    pass(Duration.ofMillis(1999));
    assertThat(flows.getFirst().finished).isFalse();
    sendNoMore(); // which says nothing new
    pass(Duration.ofMillis(1));
    assertGone(0);
  }

  @Test
  void whoReadsSlowlyIsNotGone() {
    send(GET);
    flows.getFirst().begin(2);
    sendNoMore();
    fill();
    pass(Duration.ofSeconds(10));
    assertThat(flows.getFirst().finished).isFalse();
    drain();
    pass(Duration.ofMillis(1999));
    flows.getFirst().exchange.respondBody(Unpooled.copiedBuffer("ok", StandardCharsets.US_ASCII));
    flows.getFirst().exchange.respondEnd(null);
    assertThat(answers()).endsWith("ok");
  }

  @Test
  void requestsThatWaitUntilAnswersAreReadAreNotForgotten() {
    fill();
    send(GET + GET);
    assertThat(flows).isEmpty();
    sendNoMore();
    assertThat(channel.isOpen()).isTrue();
    drain();
    assertThat(flows).hasSize(1);
    flows.getFirst().answer();
    flows.getLast().answer();
    assertThat(answers().split("HTTP/1.1 200", -1)).hasSize(3);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aBodyThatCameBeforeAnybodyWantedItIsWhole() {
    suspends = true;
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    sendNoMore();
    assertThat(channel.isOpen()).isTrue();
    suspended.getFirst().resume();
    assertThat(flows.getFirst().bytes).isEqualTo(5);
    assertThat(flows.getFirst().ended).isTrue();
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200");
  }

  @Test
  void aBodyThatNobodyWantedYetAndThatWasCutOffEndsItsExchange() {
    suspends = true;
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    sendNoMore();
    suspended.getFirst().resume();
    assertGone(0);
  }

  @Test
  void whoIsIdleLeavesAtOnce() {
    send(GET);
    flows.getFirst().answer();
    sendNoMore();
    assertThat(channel.isOpen()).isFalse();
    assertThat(answers()).startsWith("HTTP/1.1 200");
  }

  @Test
  void whoResetsTheConnectionIsGoneAtOnce() {
    send(GET + GET);
    channel.close();
    assertGone(0);
    assertThat(flows).hasSize(1);
  }

  @Test
  void theEndOfTheRequestsDoesNotCountWhileTheyAreHeldBack() {
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    flows.getFirst().exchange.requestGate().hold(FlowGate.PEER_FULL);
    sendNoMore();
    flows.getFirst().exchange.requestGate().release(FlowGate.PEER_FULL);
    flows.getFirst().answer();
    assertThat(answers()).startsWith("HTTP/1.1 200");
  }
}
