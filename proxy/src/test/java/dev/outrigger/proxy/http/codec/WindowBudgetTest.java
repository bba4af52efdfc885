package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.worker.WindowBudget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Answers that come faster than they are taken, with much memory and with little. */
final class WindowBudgetTest implements Http2Connection.Owner, Http2Stream.Listener {
  private static final int MIB = 1 << 20;
  private static final int FRAME = 16_384;
  private static final int WINDOW = 128 * FRAME; // of all streams; each has as much
  private static final long ALL = 64L * MIB;
  private static final int LEAST = 64 * 1024;
  private static final String STATUS_200 = "88";

  private final MockTicker ticker = Ticker.newMockTicker();
  private final AtomicLong taken = new AtomicLong();
  private final WindowBudget budget = WindowBudget.of(taken::get, ALL);
  private final Http2Connection connection =
      new Http2Connection(
          Http2Connection.Side.CLIENT,
          new Http2Config(100, WINDOW, WINDOW, Duration.ZERO, Duration.ofSeconds(4)),
          8192,
          100,
          budget,
          this);
  private EmbeddedChannel channel;
  private Http2Stream slow;
  private Http2Stream quick;

  @BeforeEach
  void opens() {
    channel = EmbeddedChannel.builder().ticker(ticker).handlers(connection).build();
    receive(4, 0, 0, new byte[0]);
    slow = asked();
    quick = asked();
    returned(0);
  }

  @AfterEach
  void closes() {
    channel.finishAndReleaseAll();
    taken.set(0);
    assertThat(budget.promise(ALL / 8 * 3)).as("all that was promised is taken back").isTrue();
  }

  private Http2Stream asked() {
    Http2Stream stream = connection.newStream();
    stream.listener(this);
    stream.request(
        new RequestHead("GET", "/", "a", "http", HttpVersion.HTTP_2, new Headers()), true, null);
    receive(1, 4, stream.id, ByteBufUtil.decodeHexDump(STATUS_200));
    return stream;
  }

  private void receive(int type, int flags, int stream, byte[] payload) {
    ByteBuf frame = Unpooled.buffer(9 + payload.length);
    frame.writeMedium(payload.length).writeByte(type).writeByte(flags).writeInt(stream);
    channel.writeInbound(frame.writeBytes(payload));
  }

  private void answers(Http2Stream stream, int bytes) {
    for (int left = bytes; left > 0; left -= FRAME) {
      receive(0, 0, stream.id, new byte[FRAME]);
    }
  }

  /** How much of a window came back since it was asked last; 0 is all streams together. */
  private int returned(int stream) {
    channel.runPendingTasks();
    ByteBuf all = Unpooled.buffer();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      all.writeBytes(out);
      out.release();
    }
    int sum = 0;
    while (all.readableBytes() >= 9 && all.getByte(all.readerIndex()) != 'P') {
      int length = all.readMedium();
      int type = all.readUnsignedShort() >> 8;
      int id = all.readInt();
      if (type == 8 && id == stream) {
        sum += all.getInt(all.readerIndex());
      }
      all.skipBytes(length);
    }
    return sum;
  }

  @Test
  void whereThereIsMemoryOneThatIsSlowTakesNothingFromTheOthers() {
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    assertThat(returned(0)).isEqualTo(WINDOW);
  }

  @Test
  void whereThereIsNoneWhatIsNotTakenIsNotReplaced() {
    taken.set(ALL / 2);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW / 2);
    assertThat(returned(0)).isZero();
    answers(quick, WINDOW / 2);
    assertThat(returned(0)).as("others go on with what is left").isEqualTo(WINDOW / 2);

    slow.gate().release(FlowGate.PEER_FULL);
    assertThat(returned(0)).isEqualTo(WINDOW / 2);
  }

  @Test
  void theMoreIsTakenTheLessMayWait() {
    taken.set(ALL / 2 - 4L * MIB);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    assertThat(returned(0)).isEqualTo(MIB);
  }

  @Test
  void oneThatIsGivenUpWaitsForNobody() {
    taken.set(ALL / 2);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW / 2);
    assertThat(returned(0)).isZero();
    slow.reset(Http2Error.CANCEL);
    assertThat(returned(0)).isEqualTo(WINDOW / 2);
  }

  @Test
  void memoryThatIsThereAgainIsNoticed() {
    taken.set(ALL / 2);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    taken.set(0);
    assertThat(returned(0)).isZero();
    pass();
    assertThat(returned(0)).isEqualTo(WINDOW);
    pass();
    assertThat(returned(0)).isZero();
  }

  @Test
  void whileThereIsNoneALittlePassesOnThoughOneIsNeverRead() {
    taken.set(ALL / 2);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    for (int i = 0; i < 3; i++) {
      pass();
      assertThat(returned(0)).isEqualTo(LEAST);
      pass();
      assertThat(returned(0)).as("what has not been used").isZero();
      answers(quick, LEAST);
    }
  }

  @Test
  void whatIsLessThanAPieceComesBackAsWell() {
    taken.set(ALL / 2 - 4 * 400 * 1024);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    assertThat(returned(0)).isZero();
    pass();
    assertThat(returned(0)).isEqualTo(400 * 1024);
  }

  @Test
  void aConnectionThatEndsAsksNoMore() {
    taken.set(ALL / 2);
    slow.gate().hold(FlowGate.PEER_FULL);
    answers(slow, WINDOW);
    connection.fail(Http2Error.PROTOCOL_ERROR, "");
    returned(0);
    pass();
    assertThat(returned(0)).isZero();
  }

  private void pass() {
    ticker.advance(100, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  @Test
  void windowsThatGrowShareWhatMayBePromised() {
    long most = ALL / 8 * 3;
    long grown = 0;
    for (int round = 0; round < 30; round++) {
      int much = 32 * MIB;
      answers(quick, much);
      pong();
      grown += returned(0) - much;
    }
    assertThat(grown).isGreaterThan(most / 2).isLessThanOrEqualTo(most);
    assertThat(budget.promise(most - grown)).isTrue();
    assertThat(budget.promise(1)).isFalse();
    budget.takeBack(most - grown);
  }

  @Test
  void nothingGrowsWhereThereIsNone() {
    taken.set(ALL / 2);
    for (int round = 0; round < 5; round++) {
      answers(quick, 8 * MIB);
      pong();
      assertThat(returned(0)).isEqualTo(8 * MIB);
    }
  }

  /** The way takes a tenth of a second, in which nothing else comes. */
  private void pong() {
    ticker.advance(100, TimeUnit.MILLISECONDS);
    receive(6, 1, 0, Unpooled.copyLong(WindowGrowth.PING).array());
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

  @Override
  public void onHead(Http2Fields fields, boolean last) {}

  @Override
  public void onBody(ByteBuf bytes) {
    bytes.release();
  }

  @Override
  public void onEnd(@Nullable Headers trailers) {}

  @Override
  public void onReset(long code, boolean untouched, @Nullable String fault) {}

  @Override
  public void onWritable() {}
}
