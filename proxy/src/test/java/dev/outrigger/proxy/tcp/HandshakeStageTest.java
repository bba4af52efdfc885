package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.fault.HandshakeFault.Then;
import dev.outrigger.proxy.tcp.HandshakeStage.Side;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class HandshakeStageTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();

  @AfterEach
  void ends() {
    channel.finishAndReleaseAll();
  }

  private void upset(Side side, Then then) {
    channel.pipeline().addLast(new HandshakeStage(side, Duration.ofMillis(300), then));
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  private void pass(long millis) {
    ticker.advanceMillis(millis);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  private String read() {
    ByteBuf all = channel.readInbound();
    return text(all);
  }

  private String sent() {
    return text(channel.readOutbound());
  }

  private static String text(ByteBuf all) {
    if (all == null) {
      return "";
    }
    String text = all.toString(StandardCharsets.US_ASCII);
    all.release();
    return text;
  }

  @Test
  void aReceiverHearsTheFirstMessageLateAndWholeAndThenAllAtOnce() {
    upset(Side.SERVER, Then.GO_ON);
    channel.writeInbound(bytes("hel"));
    pass(299);
    channel.writeInbound(bytes("lo"));
    assertThat(read()).isEmpty();
    pass(1);
    assertThat(read() + read()).isEqualTo("hello");
    assertThat(channel.pipeline().get(HandshakeStage.class)).isNull();
    channel.writeInbound(bytes("more"));
    assertThat(read()).isEqualTo("more");
  }

  @Test
  void aCallerSpeaksLateAndItsWritesAreKept() {
    upset(Side.CLIENT, Then.GO_ON);
    ChannelFuture written = channel.writeAndFlush(bytes("hello"));
    pass(299);
    assertThat(sent()).isEmpty();
    assertThat(written.isDone()).isFalse();
    pass(1);
    assertThat(sent()).isEqualTo("hello");
    assertThat(written.isSuccess()).isTrue();
  }

  @Test
  void silenceSaysNothingEitherWayAndLeavesTheConnectionOpen() {
    upset(Side.CLIENT, Then.SILENCE);
    ChannelFuture written = channel.writeAndFlush(bytes("hello"));
    pass(300);
    channel.writeInbound(bytes("anybody?"));
    pass(60_000);
    assertThat(sent()).isEmpty();
    assertThat(read()).isEmpty();
    assertThat(written.isSuccess()).isFalse();
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void anAlertIsWhatTheOtherSideReadsAndTheEnd() {
    upset(Side.SERVER, Then.ALERT);
    channel.writeInbound(bytes("hello"));
    pass(300);
    ByteBuf alert = channel.readOutbound();
    assertThat(io.netty.buffer.ByteBufUtil.hexDump(alert)).isEqualTo("15030300020228");
    alert.release();
    assertThat(channel.isOpen()).isFalse();
    assertThat(read()).isEmpty();
  }

  @Test
  void aCallerOfAnAlertReadsItItself() {
    upset(Side.CLIENT, Then.ALERT);
    var _ = channel.writeAndFlush(bytes("hello"));
    pass(300);
    ByteBuf alert = channel.readInbound();
    assertThat(io.netty.buffer.ByteBufUtil.hexDump(alert)).isEqualTo("15030300020228");
    alert.release();
    assertThat(sent()).isEmpty();
  }

  @Test
  void aResetClosesAtOnce() {
    upset(Side.SERVER, Then.RESET);
    channel.writeInbound(bytes("hello"));
    pass(300);
    assertThat(channel.isOpen()).isFalse();
    assertThat(sent()).isEmpty();
  }

  @Test
  void whoSendsMoreThanAHandshakeNeedsIsNotHeldForEver() {
    upset(Side.SERVER, Then.GO_ON);
    for (int i = 0; i < 5 && channel.isOpen(); i++) {
      channel.writeInbound(Unpooled.wrappedBuffer(new byte[16 * 1024]));
    }
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aConnectionThatEndsWhileItIsHeldLeaksNothing() {
    upset(Side.SERVER, Then.GO_ON);
    ByteBuf held = bytes("hello");
    channel.writeInbound(held);
    channel.close();
    pass(TimeUnit.SECONDS.toMillis(1));
    assertThat(held.refCnt()).isZero();
  }
}
