package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Http2Config;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A connection to an endpoint that has fallen silent, by a clock that the test turns. */
final class Http2KeepAliveTest implements Http2Connection.Owner {
  private static final String PING = "000008060000000000";
  private static final byte[] SETTINGS = {0, 0, 0, 4, 0, 0, 0, 0, 0};

  private final MockTicker ticker = Ticker.newMockTicker();
  private final Http2Connection connection =
      new Http2Connection(
          Http2Connection.Side.CLIENT,
          new Http2Config(100, 65_535, 65_535, Duration.ofSeconds(10), Duration.ofSeconds(4)),
          8192,
          100,
          this);
  private EmbeddedChannel channel;

  @BeforeEach
  void open() {
    channel = EmbeddedChannel.builder().ticker(ticker).handlers(connection).build();
    channel.writeInbound(Unpooled.wrappedBuffer(SETTINGS));
    written();
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private String written() {
    StringBuilder hex = new StringBuilder();
    for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
      hex.append(ByteBufUtil.hexDump(bytes));
      bytes.release();
    }
    return hex.toString();
  }

  private void pass(int seconds) {
    ticker.advance(seconds, TimeUnit.SECONDS);
    connection.keepAlive(ticker.nanoTime());
    channel.runPendingTasks();
  }

  @Test
  void silenceIsAskedAboutOnceAndEndsTheConnectionIfItLasts() {
    pass(9);
    assertThat(written()).isEmpty();
    pass(1);
    assertThat(written()).startsWith(PING);
    pass(3);
    assertThat(written()).isEmpty();
    assertThat(channel.isOpen()).isTrue();
    pass(1);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void whoAnswersIsAskedAgainOnlyAfterTheNextSilence() {
    pass(10);
    String ping = written();
    assertThat(ping).startsWith(PING);
    String acknowledgement = "000008060100000000" + ping.substring(18, 34);
    channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(acknowledgement)));

    pass(9);
    assertThat(channel.isOpen()).isTrue();
    assertThat(written()).isEmpty();
    pass(1);
    assertThat(written()).startsWith(PING);
  }

  @Override
  public void onOpen(ChannelHandlerContext context) {}

  @Override
  public void onStream(Http2Stream stream) {}

  @Override
  public void onStreamOver(Http2Stream stream) {}

  @Override
  public void onSettings() {}

  @Override
  public void onGoAway() {}

  @Override
  public void onReadComplete() {}

  @Override
  public void onFlood(FloodKind kind) {}

  @Override
  public void onClosed() {}
}
